package relay

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// The errors of this package; test with errors.Is.
var (
	// ErrClosed: the group, track or broadcast has ended.
	ErrClosed = errors.New("closed")
	// ErrExists: the name is taken.
	ErrExists = errors.New("already published")
	// ErrOrder: a group ID that does not rise.
	ErrOrder = errors.New("group IDs must rise")
)

// Config configures a Relay. The zero value is ready to use.
type Config struct {
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Relay holds the broadcasts of one process.
type Relay struct {
	now func() time.Time

	mu         sync.RWMutex
	broadcasts map[Namespace]*Broadcast // Guarded by mu.
	changed    chan struct{}            // Guarded by mu. Closed and replaced on each change.
}

// New makes an empty Relay.
func New(cfg Config) *Relay {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Relay{
		now:        cfg.Now,
		broadcasts: make(map[Namespace]*Broadcast),
		changed:    make(chan struct{}),
	}
}

// Publish starts a broadcast. A live one under the same name gives ErrExists.
func (r *Relay) Publish(ns Namespace) (*Broadcast, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.broadcasts[ns]; ok {
		return nil, fmt.Errorf("broadcast %q: %w", ns, ErrExists)
	}
	b := &Broadcast{
		namespace: ns,
		relay:     r,
		now:       r.now,
		done:      make(chan struct{}),
		tracks:    make(map[string]*Track),
		changed:   make(chan struct{}),
	}
	r.broadcasts[ns] = b
	r.wakeLocked()
	return b, nil
}

// Broadcast looks a live broadcast up.
func (r *Relay) Broadcast(ns Namespace) (*Broadcast, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	b, ok := r.broadcasts[ns]
	return b, ok
}

// Broadcasts is a snapshot of the live broadcasts under prefix, ordered by
// name, and a channel that is closed at the next change of the set.
func (r *Relay) Broadcasts(prefix Namespace) ([]*Broadcast, <-chan struct{}) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var out []*Broadcast
	for ns, b := range r.broadcasts {
		if ns.HasPrefix(prefix) {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b *Broadcast) int {
		return strings.Compare(string(a.namespace), string(b.namespace))
	})
	return out, r.changed
}

func (r *Relay) withdraw(b *Broadcast) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broadcasts[b.namespace] == b {
		delete(r.broadcasts, b.namespace)
		r.wakeLocked()
	}
}

func (r *Relay) wakeLocked() {
	close(r.changed)
	r.changed = make(chan struct{})
}
