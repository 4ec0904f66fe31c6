package natskv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/freshet-live/freshet/relay/cluster"
)

const (
	// republished is where each bucket's writes are heard: "rp.$KV.streams.<key>".
	republished = "rp."
	// markerTTL is how long the marker of an expired key stays.
	markerTTL = time.Minute
	// oneServer is the API error of three replicas on a server without peers.
	oneServer jetstream.ErrorCode = 10074
)

// bucket is the configuration of a table; the same on every node, so that
// whoever comes first makes it.
func bucket(table cluster.Table, replicas int, storage jetstream.StorageType) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket: string(table), Description: "Freshet: soft state, written anew by the living nodes.",
		History: 1, TTL: cluster.TTL, LimitMarkerTTL: markerTTL,
		Storage: storage, Replicas: replicas, MaxValueSize: 16 << 10,
		RePublish: &jetstream.RePublish{Source: ">", Destination: republished + ">"},
	}
}

// look finds the buckets, and makes those that are not there: nobody made them
// yet, or they were lost.
func (s *Store) look(ctx context.Context, js jetstream.JetStream) error {
	for _, table := range []cluster.Table{cluster.Streams, cluster.Nodes} {
		kv, err := s.lookFor(ctx, js, table)
		if err != nil {
			return fmt.Errorf("bucket %q: %w", table, err)
		}
		s.mu.Lock()
		s.buckets[table] = kv
		s.mu.Unlock()
	}
	return nil
}

func (s *Store) lookFor(ctx context.Context, js jetstream.JetStream, table cluster.Table) (jetstream.KeyValue, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	kv, err := js.KeyValue(ctx, string(table))
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return kv, err
	}
	replicas, storage := 3, jetstream.FileStorage
	if s.cfg.Server != nil {
		replicas, storage = s.cfg.Server.replicas(), s.cfg.Server.storage()
	}
	kv, err = js.CreateKeyValue(ctx, bucket(table, replicas, storage))
	if apiError, ok := errors.AsType[*jetstream.APIError](err); ok && apiError.ErrorCode == oneServer {
		kv, err = js.CreateKeyValue(ctx, bucket(table, 1, storage))
	}
	if errors.Is(err, jetstream.ErrBucketExists) { // Made just now, or by hand.
		return js.KeyValue(ctx, string(table))
	}
	return kv, err
}

// Get implements cluster.Store. Any replica answers, also one that is behind:
// the write that follows finds out.
func (s *Store) Get(ctx context.Context, table cluster.Table, key string) (cluster.Entry, error) {
	kv, err := s.bucket(table)
	if err != nil {
		return cluster.Entry{}, err
	}
	e, err := kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return cluster.Entry{}, cluster.ErrNotFound
	}
	if err != nil {
		return cluster.Entry{}, s.failed("get", err)
	}
	return cluster.Entry{Key: key, Value: e.Value(), Revision: e.Revision()}, nil
}

// Put implements cluster.Store.
func (s *Store) Put(ctx context.Context, table cluster.Table, key string, value []byte, revision uint64) (uint64, error) {
	kv, err := s.bucket(table)
	if err != nil {
		return 0, err
	}
	if revision == 0 {
		revision, err = create(ctx, kv, key, value)
	} else {
		revision, err = kv.Update(ctx, key, value, revision)
	}
	if err != nil {
		return 0, s.failed("put", err)
	}
	return revision, nil
}

// behind are the pauses before a key that seems to be there is created once more: the
// client looks for the marker of a deleted one at any replica, which may not have it yet.
var behind = []time.Duration{10 * time.Millisecond, 40 * time.Millisecond}

func create(ctx context.Context, kv jetstream.KeyValue, key string, value []byte) (uint64, error) {
	revision, err := kv.Create(ctx, key, value)
	for _, pause := range behind {
		if !errors.Is(err, jetstream.ErrKeyExists) {
			break
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		revision, err = kv.Create(ctx, key, value)
	}
	return revision, err
}

// Delete implements cluster.Store.
func (s *Store) Delete(ctx context.Context, table cluster.Table, key string, revision uint64) error {
	kv, err := s.bucket(table)
	if err != nil {
		return err
	}
	if err := kv.Delete(ctx, key, jetstream.LastRevision(revision)); err != nil {
		return s.failed("delete", err)
	}
	return nil
}

func (s *Store) bucket(table cluster.Table) (jetstream.KeyValue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kv := s.buckets[table]; kv != nil {
		return kv, nil
	}
	return nil, fmt.Errorf("nats: bucket %q: %w", table, cluster.ErrUnavailable)
}

// failed tells a lost race from a server that does not do it; the latter may
// have lost the bucket.
func (s *Store) failed(doing string, err error) error {
	// A conflict is 10071, with replicas also 10164; the client knows both.
	if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return cluster.ErrConflict
	}
	select {
	case s.broken <- struct{}{}:
	default:
	}
	return fmt.Errorf("nats: %s: %w", doing, err)
}
