// Package storetest says what every cluster.Store must do.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/cluster"
)

// Case is one rule. Run is given two nodes' Stores of the same, empty tables,
// both running and ready.
type Case struct {
	Name string
	Run  func(t *testing.T, a, b cluster.Store)
}

// Cases are all of them. Each takes at most 8 s.
func Cases() []Case {
	return []Case{
		{"a key is created once", once},
		{"an update needs the last revision", update},
		{"a delete needs the last revision", remove},
		{"a key expires after its last write", expiry},
		{"a watch tells what is there and what comes", watch},
		{"of many writers one wins", race},
	}
}

const patience = 8 * time.Second

func put(t *testing.T, s cluster.Store, key, value string, revision uint64) uint64 {
	t.Helper()
	next, err := s.Put(t.Context(), cluster.Streams, key, []byte(value), revision)
	if err != nil {
		t.Fatalf("put %s at %d: %v", key, revision, err)
	}
	if next <= revision {
		t.Errorf("revision %d after %d", next, revision)
	}
	return next
}

// get waits until key has value: a replica may be behind.
func get(t *testing.T, s cluster.Store, key, value string) cluster.Entry {
	t.Helper()
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		e, err := s.Get(t.Context(), cluster.Streams, key)
		if err == nil && string(e.Value) == value {
			return e
		}
		if time.Since(start) > patience || err != nil && !errors.Is(err, cluster.ErrNotFound) {
			t.Fatalf("%s is %q, %v; want %q", key, e.Value, err, value)
		}
	}
}

func once(t *testing.T, a, b cluster.Store) {
	t.Helper()
	revision := put(t, a, "ONCE", "a", 0)
	if _, err := b.Put(t.Context(), cluster.Streams, "ONCE", []byte("b"), 0); !errors.Is(err, cluster.ErrConflict) {
		t.Errorf("created twice: %v", err)
	}
	if e := get(t, b, "ONCE", "a"); e.Revision != revision || e.Key != "ONCE" {
		t.Errorf("%+v", e)
	}
	if _, err := b.Get(t.Context(), cluster.Nodes, "ONCE"); !errors.Is(err, cluster.ErrNotFound) {
		t.Errorf("in the other table: %v", err)
	}
}

func update(t *testing.T, a, b cluster.Store) {
	t.Helper()
	first := put(t, a, "UPDATE", "1", 0)
	put(t, b, "UPDATE", "2", first)
	if _, err := a.Put(t.Context(), cluster.Streams, "UPDATE", []byte("3"), first); !errors.Is(err, cluster.ErrConflict) {
		t.Errorf("overwritten: %v", err)
	}
	get(t, a, "UPDATE", "2")
	if _, err := a.Put(t.Context(), cluster.Streams, "NEVER", []byte("3"), first); !errors.Is(err, cluster.ErrConflict) {
		t.Errorf("update of nothing: %v", err)
	}
}

func remove(t *testing.T, a, b cluster.Store) {
	t.Helper()
	first := put(t, a, "REMOVE", "1", 0)
	second := put(t, a, "REMOVE", "2", first)
	if err := b.Delete(t.Context(), cluster.Streams, "REMOVE", first); !errors.Is(err, cluster.ErrConflict) {
		t.Errorf("deleted at an old revision: %v", err)
	}
	if err := b.Delete(t.Context(), cluster.Streams, "REMOVE", second); err != nil {
		t.Errorf("delete: %v", err)
	}
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		_, err := a.Get(t.Context(), cluster.Streams, "REMOVE")
		if errors.Is(err, cluster.ErrNotFound) {
			break
		}
		if err != nil || time.Since(start) > patience {
			t.Fatalf("after the delete: %v", err)
		}
	}
	if _, err := a.Put(t.Context(), cluster.Streams, "REMOVE", []byte("3"), second); !errors.Is(err, cluster.ErrConflict) {
		t.Errorf("update after the delete: %v", err)
	}
	put(t, a, "REMOVE", "4", 0)
}

// expiry: NATS forgets the TTL of a key when it is updated; ours must not.
func expiry(t *testing.T, a, _ cluster.Store) {
	t.Helper()
	revision := put(t, a, "EXPIRY", "1", 0)
	time.Sleep(cluster.TTL / 2)
	put(t, a, "EXPIRY", "2", revision)
	written := time.Now()
	for {
		time.Sleep(100 * time.Millisecond)
		_, err := a.Get(t.Context(), cluster.Streams, "EXPIRY")
		age := time.Since(written)
		switch {
		case err == nil && age < cluster.TTL+2*time.Second:
			continue
		case !errors.Is(err, cluster.ErrNotFound):
			t.Errorf("after %v: %v", age, err)
		case age < cluster.TTL-200*time.Millisecond:
			t.Errorf("expired %v after its last write", age)
		}
		break
	}
	put(t, a, "EXPIRY", "3", 0)
}

// want waits until the events of key are the given ones, "" for gone.
func want(t *testing.T, events <-chan cluster.Entry, key string, values ...string) {
	t.Helper()
	timeout := time.After(patience)
	for _, value := range values {
		for found := false; !found; {
			select {
			case e := <-events:
				if e.Key != key {
					continue
				}
				found = true
				if string(e.Value) != value || (e.Value == nil) != (value == "") || e.Revision == 0 {
					t.Fatalf("%s is %q at %d; want %q", key, e.Value, e.Revision, value)
				}
			case <-timeout:
				t.Fatalf("%s never became %q", key, value)
			}
		}
	}
}

func watch(t *testing.T, a, b cluster.Store) {
	t.Helper()
	put(t, a, "BEFORE", "1", 0)
	gone := put(t, a, "GONE", "1", 0)
	if err := a.Delete(t.Context(), cluster.Streams, "GONE", gone); err != nil {
		t.Fatal(err)
	}
	events := make(chan cluster.Entry, 64)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Watch(ctx, cluster.Streams, func(e cluster.Entry) { events <- e }) }()
	want(t, events, "BEFORE", "1")
	first := put(t, a, "WATCH", "1", 0)
	second := put(t, a, "WATCH", "2", first)
	if err := a.Delete(t.Context(), cluster.Streams, "WATCH", second); err != nil {
		t.Fatal(err)
	}
	want(t, events, "WATCH", "1", "2", "")
	put(t, a, "WATCH", "3", 0)
	want(t, events, "WATCH", "3", "") // It expires, and that is told.
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("watch: %v", err)
	}
}

func race(t *testing.T, a, b cluster.Store) {
	t.Helper()
	for round := range 20 {
		key := fmt.Sprintf("RACE%d", round)
		var wins [2]error
		var writers sync.WaitGroup
		for i, s := range []cluster.Store{a, b} {
			writers.Go(func() {
				_, wins[i] = s.Put(t.Context(), cluster.Streams, key, []byte{'0' + byte(i)}, 0)
			})
		}
		writers.Wait()
		winner := 0
		if wins[0] != nil {
			winner = 1
		}
		if wins[winner] != nil || !errors.Is(wins[1-winner], cluster.ErrConflict) {
			t.Fatalf("round %d: %v", round, wins)
		}
		get(t, a, key, string('0'+byte(winner)))
	}
}
