package natskv

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/freshet-live/freshet/relay/cluster"
)

const (
	// checkEvery is how often a watch looks whether it hears everything.
	checkEvery = cluster.TTL
	// watchQueue holds the writes that come while the view is busy; what does not
	// fit is a gap, and the next check lists again.
	watchQueue = 4096
)

// watch is one Watch of a table.
type watch struct {
	store *Store
	table cluster.Table
	emit  func(cluster.Entry)

	heard uint64 // The last revision that came.
	gap   bool   // One did not come.
	due   uint64 // What the bucket's last revision was at the last check.
}

// Watch implements cluster.Store: changes by RePublish, everything by listing,
// at first and whenever a revision is missing.
func (s *Store) Watch(ctx context.Context, table cluster.Table, emit func(cluster.Entry)) error {
	s.mu.Lock()
	nc, kv := s.nc, s.buckets[table]
	s.mu.Unlock()
	if kv == nil {
		return cluster.ErrUnavailable
	}
	messages := make(chan *nats.Msg, watchQueue)
	sub, err := nc.ChanSubscribe(republished+subject(table)+">", messages)
	if err != nil {
		return fmt.Errorf("nats: subscribe: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // Only fails on what is closed.
	w := &watch{store: s, table: table, emit: emit}
	if err := w.list(ctx); err != nil {
		return err
	}
	check := time.NewTicker(checkEvery)
	defer check.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case msg := <-messages:
			w.hear(msg)
		case <-check.C:
			if err := w.check(ctx); err != nil {
				return err
			}
		}
	}
}

func subject(table cluster.Table) string { return "$KV." + string(table) + "." }

// hear takes one republished write. Other clients may publish there as well:
// what makes no sense is dropped here or by the reader of the record.
func (w *watch) hear(msg *nats.Msg) {
	key, ok := strings.CutPrefix(msg.Subject, republished+subject(w.table))
	revision, err := strconv.ParseUint(msg.Header.Get(jetstream.SequenceHeader), 10, 64)
	if !ok || err != nil {
		return
	}
	w.gap = w.gap || w.heard != 0 && revision != w.heard+1
	w.heard = revision
	e := cluster.Entry{Key: key, Value: msg.Data, Revision: revision}
	if msg.Header.Get("KV-Operation") != "" || msg.Header.Get(jetstream.MarkerReasonHeader) != "" {
		e.Value = nil
	} else if e.Value == nil {
		e.Value = []byte{}
	}
	w.emit(e)
}

// check lists again after a gap, and when the bucket was written while nothing
// came: the subscription has lost its way.
func (w *watch) check(ctx context.Context) error {
	missed := w.gap || w.heard < w.due
	if missed {
		w.store.log.Debug("directory listed again", "table", string(w.table), "heard", w.heard, "due", w.due)
		if err := w.list(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	last, err := w.last(ctx)
	if err == nil { // Else nobody writes either.
		w.due = last
	}
	return nil
}

// last is the bucket's last revision.
func (w *watch) last(ctx context.Context) (uint64, error) {
	kv, err := w.store.bucket(w.table)
	if err != nil {
		return 0, err
	}
	status, err := kv.Status(ctx)
	if err != nil {
		return 0, err
	}
	known, ok := status.(*jetstream.KeyValueBucketStatus)
	if !ok {
		return 0, fmt.Errorf("nats: status is a %T", status)
	}
	return known.StreamInfo().State.LastSeq, nil
}

// list emits every key there is. It gives up early: its consumer may live on a
// server that just died, and the next one will not.
func (w *watch) list(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	kv, err := w.store.bucket(w.table)
	if err != nil {
		return err
	}
	keys, err := kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return w.store.failed("list", err)
	}
	defer func() { _ = keys.Stop() }() // Only fails on what is closed.
	w.heard, w.gap, w.due = 0, false, 0
	for {
		select {
		case e := <-keys.Updates():
			if e == nil {
				return nil
			}
			w.emit(cluster.Entry{Key: e.Key(), Value: e.Value(), Revision: e.Revision()})
		case <-ctx.Done():
			return fmt.Errorf("nats: list: %w", context.Cause(ctx))
		}
	}
}
