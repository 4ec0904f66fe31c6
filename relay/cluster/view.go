package cluster

import (
	"sync"
	"time"
)

const (
	// viewTTL is longer than the Store's, whose word is better than our clock.
	viewTTL = TTL + time.Second
	// remember is how long the epochs of ended ownerships are known: longer than
	// any announcement lingers.
	remember = 10 * time.Minute
	// sweepEvery is how often what was not heard of is looked for.
	sweepEvery = 500 * time.Millisecond
)

// view is what was last heard of one table.
type view[T comparable] struct {
	mu      sync.Mutex
	known   map[string]sighting[T] // Guarded by mu. By key.
	changed chan struct{}          // Guarded by mu. Closed and replaced on each change.
}

// sighting is one key of the view.
type sighting[T comparable] struct {
	value    T
	revision uint64
	seen     time.Time
	gone     bool
}

func newView[T comparable]() *view[T] {
	return &view[T]{known: make(map[string]sighting[T]), changed: make(chan struct{})}
}

// put notes value, unless it is older than what is known and alive.
func (v *view[T]) put(key string, value T, revision uint64, stale func(old T) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	old, ok := v.known[key]
	if ok && !old.gone && stale(old.value) {
		return
	}
	v.known[key] = sighting[T]{value: value, revision: revision, seen: time.Now()}
	if !ok || old.gone || old.value != value {
		v.wakeLocked()
	}
}

// remove notes that the key has gone at revision. A Store that began anew has
// lower revisions: then the sweep finds it.
func (v *view[T]) remove(key string, revision uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if old, ok := v.known[key]; ok && !old.gone && old.revision < revision {
		v.goneLocked(key, old)
	}
}

// bury notes that value was and is no more, unless a newer one lives.
func (v *view[T]) bury(key string, value T, stale func(old T) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	old, ok := v.known[key]
	if ok && stale(old.value) {
		return
	}
	v.goneLocked(key, sighting[T]{value: value, revision: old.revision})
}

// sweep drops what was not heard of since before floor and for viewTTL.
func (v *view[T]) sweep(floor time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	for key, s := range v.known {
		switch age := now.Sub(s.seen); {
		case s.gone && age > remember:
			delete(v.known, key)
		case !s.gone && min(age, now.Sub(floor)) > viewTTL:
			v.goneLocked(key, s)
		}
	}
}

func (v *view[T]) goneLocked(key string, s sighting[T]) {
	s.gone, s.seen = true, time.Now()
	v.known[key] = s
	v.wakeLocked()
}

// last is what was last known of the key; gone tells that it is no more.
func (v *view[T]) last(key string) (value T, gone, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.known[key]
	return s.value, s.gone, ok
}

// all is what is alive, and a channel that is closed at the next change.
func (v *view[T]) all() (map[string]T, <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := make(map[string]T, len(v.known))
	for key, s := range v.known {
		if !s.gone {
			out[key] = s.value
		}
	}
	return out, v.changed
}

// wake tells of a change outside the table.
func (v *view[T]) wake() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wakeLocked()
}

func (v *view[T]) wakeLocked() {
	close(v.changed)
	v.changed = make(chan struct{})
}
