package relay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The errors of this package; test with errors.Is.
var (
	// ErrClosed: the group, track or broadcast has ended.
	ErrClosed = errors.New("closed")
	// ErrExists: the name is taken.
	ErrExists = errors.New("already published")
	// ErrOrder: a group ID that does not rise, or whose group has left the log.
	ErrOrder = errors.New("group IDs must rise")
	// ErrReplaced: the broadcast is published here from now on.
	ErrReplaced = errors.New("published elsewhere")
	// ErrNoTrack: the broadcast has no track of this name.
	ErrNoTrack = errors.New("no such track")
	// ErrDuplicate: the object is there already.
	ErrDuplicate = errors.New("object is there already")
	// ErrMalformed: the track contradicts itself ("Malformed Tracks").
	ErrMalformed = errors.New("malformed track")
)

// Config configures a Relay. The zero value is ready to use.
type Config struct {
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// MaxBytes bounds what all logs hold together, payload and objects themselves;
	// zero is no bound but those of the tracks. What is oldest goes first; the newest group of
	// each track stays.
	MaxBytes int64
	// MaxGroupBytes bounds the newest group of each track whose TrackConfig does not;
	// zero means DefaultMaxGroupBytes.
	MaxGroupBytes int
}

// Relay holds the broadcasts of one process.
type Relay struct {
	// Set by New, then read-only.
	now           func() time.Time
	maxBytes      int64
	maxGroupBytes int

	used     atomic.Int64 // Bytes that the logs of live tracks hold.
	shedding sync.Mutex
	sheds    atomic.Int64   // Groups that the budget cost.
	tasks    sync.WaitGroup // Upstream subscriptions.

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
		now:           cfg.Now,
		maxBytes:      cfg.MaxBytes,
		maxGroupBytes: cmp.Or(cfg.MaxGroupBytes, DefaultMaxGroupBytes),
		broadcasts:    make(map[Namespace]*Broadcast),
		changed:       make(chan struct{}),
	}
}

// MaxGroupBytes bounds the newest group of each track that has no bound of its own.
func (r *Relay) MaxGroupBytes() int { return r.maxGroupBytes }

// Publish starts a broadcast. A live one under the same name gives ErrExists,
// unless it comes from upstream: that one ends.
func (r *Relay) Publish(ns Namespace) (*Broadcast, error) {
	if old, ok := r.Broadcast(ns); ok && old.remote != nil {
		old.Close(ErrReplaced)
	}
	return r.add(ns, nil)
}

func (r *Relay) add(ns Namespace, from *remote) (*Broadcast, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.broadcasts[ns]; ok {
		return nil, fmt.Errorf("broadcast %q: %w", ns, ErrExists)
	}
	b := &Broadcast{
		namespace: ns,
		relay:     r,
		now:       r.now,
		remote:    from,
		done:      make(chan struct{}),
		tracks:    make(map[string]*Track),
		changed:   make(chan struct{}),
	}
	r.broadcasts[ns] = b
	r.wakeLocked()
	return b, nil
}

// shed drops the oldest groups while the logs are over the budget.
func (r *Relay) shed() {
	if r.maxBytes <= 0 || r.used.Load() <= r.maxBytes {
		return
	}
	r.shedding.Lock()
	defer r.shedding.Unlock()
	for r.used.Load() > r.maxBytes {
		t := r.oldestTrack()
		if t == nil {
			return
		}
		t.drop()
		r.sheds.Add(1)
	}
}

// oldestTrack is the track with the oldest group that may be dropped.
func (r *Relay) oldestTrack() *Track {
	var found *Track
	var oldest time.Time
	for _, b := range r.all() {
		for _, t := range b.Tracks() {
			if at, ok := t.oldest(); ok && (found == nil || at.Before(oldest)) {
				found, oldest = t, at
			}
		}
	}
	return found
}

// all lists the broadcasts, the hidden ones among them.
func (r *Relay) all() []*Broadcast {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]*Broadcast, 0, len(r.broadcasts))
	for _, b := range r.broadcasts {
		out = append(out, b)
	}
	return out
}

// Broadcast looks a live broadcast up.
func (r *Relay) Broadcast(ns Namespace) (*Broadcast, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	b, ok := r.broadcasts[ns]
	return b, ok
}

// Broadcasts is a snapshot of the live broadcasts under prefix, ordered by
// name, and a channel that is closed at the next change of the set. Hidden ones
// are listed under a prefix that is hidden itself.
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
