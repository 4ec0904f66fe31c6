package relay

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// TrackConfig describes a Track. The zero value keeps only the newest group.
type TrackConfig struct {
	// Window is how far back groups are kept, measured from the start of the
	// newest group. The newest group is always kept, so a window of zero
	// means "the live edge alone": right for a catalog.
	Window time.Duration
	// MaxBytes bounds the payload bytes kept beyond the newest group; zero
	// means DefaultMaxBytes. It guards against an encoder that lies about time.
	MaxBytes int
	// Priority is the publisher priority, 0 first
	// (draft-ietf-moq-transport-18, "Priorities").
	Priority uint8
}

// DefaultMaxBytes holds a 30 s window at about 17 Mbit/s.
const DefaultMaxBytes = 64 << 20

// Track is a log of Groups. One publisher appends, any number of Readers read.
type Track struct {
	// Set by Broadcast.NewTrack, then read-only.
	name   string
	cfg    TrackConfig
	now    func() time.Time
	parent *Broadcast

	mu      sync.RWMutex
	groups  []*Group      // Guarded by mu. Ascending IDs; the last one grows.
	bytes   int           // Guarded by mu. Payload bytes of all groups.
	evicted uint64        // Guarded by mu. Groups with smaller IDs have left the window.
	err     error         // Guarded by mu. Set once by Close.
	changed chan struct{} // Guarded by mu. Closed and replaced on each change.
	waiters bool          // Guarded by mu. Somebody holds changed.
	// Guarded by mu. One-slot channels of those who poll many tracks.
	notify map[chan<- struct{}]int
}

// Name is the track's name within its broadcast.
func (t *Track) Name() string { return t.name }

// Priority is the publisher priority.
func (t *Track) Priority() uint8 { return t.cfg.Priority }

// NewGroup ends the newest group and starts one with a higher ID. It drops what
// has left the window. The errors are ErrClosed and ErrOrder.
func (t *Track) NewGroup(id uint64) (*Group, error) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return nil, ErrClosed
	}
	if n := len(t.groups); n > 0 {
		if last := t.groups[n-1]; id <= last.id {
			return nil, fmt.Errorf("group %d after %d: %w", id, last.id, ErrOrder)
		}
		t.groups[n-1].close()
	}
	g := &Group{id: id, track: t, created: now}
	t.groups = append(t.groups, g)
	t.evict(now)
	t.wakeLocked()
	return g, nil
}

// evict drops groups from the head that ended before the window began, or that
// are over the byte budget. The newest group stays. Guarded by mu.
func (t *Track) evict(now time.Time) {
	limit := t.cfg.MaxBytes
	if limit == 0 {
		limit = DefaultMaxBytes
	}
	drop := 0
	for drop < len(t.groups)-1 {
		// A group ended when its successor began.
		ended := t.groups[drop+1].created
		if now.Sub(ended) < t.cfg.Window && t.bytes <= limit {
			break
		}
		t.bytes -= t.groups[drop].size()
		drop++
	}
	if drop > 0 {
		t.evicted = t.groups[drop].id
		// A fresh slice lets the collector free the dropped groups.
		t.groups = slices.Clone(t.groups[drop:])
	}
}

// appended counts a new object's bytes and wakes the readers.
func (t *Track) appended(n int) {
	t.mu.Lock()
	t.bytes += n
	t.wakeLocked()
	t.mu.Unlock()
}

func (t *Track) wake() {
	t.mu.Lock()
	t.wakeLocked()
	t.mu.Unlock()
}

func (t *Track) wakeLocked() {
	for ch := range t.notify {
		select {
		case ch <- struct{}{}:
		default: // A wake-up is pending already.
		}
	}
	if !t.waiters {
		return
	}
	close(t.changed)
	t.changed = make(chan struct{})
	t.waiters = false
}

// wait returns a channel that is closed at the next change of the track.
func (t *Track) wait() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiters = true
	return t.changed
}

// Notify asks for a non-blocking send on ch at every change of the track, until
// stop is called. One goroutine can so wait for many tracks on one channel with
// one slot, and look with Reader.TryNext.
func (t *Track) Notify(ch chan<- struct{}) (stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.notify == nil {
		t.notify = make(map[chan<- struct{}]int)
	}
	t.notify[ch]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.notify[ch]--; t.notify[ch] == 0 {
			delete(t.notify, ch)
		}
	}
}

// Close ends the track: readers drain what is there and then get err, or
// ErrClosed when err is nil. Only the first call counts.
func (t *Track) Close(err error) {
	if err == nil {
		err = ErrClosed
	}
	t.mu.Lock()
	if t.err == nil {
		t.err = err
		if n := len(t.groups); n > 0 {
			t.groups[n-1].close()
		}
	}
	t.waiters = true
	t.wakeLocked()
	t.mu.Unlock()
	if t.parent != nil {
		t.parent.trackClosed(t)
	}
}

// Err is nil while the track is live.
func (t *Track) Err() error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.err
}

// Group looks a cached group up by its ID.
func (t *Track) Group(id uint64) (*Group, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i, ok := t.search(id)
	if !ok {
		return nil, false
	}
	return t.groups[i], true
}

// Groups is a snapshot of the cached groups, oldest first.
func (t *Track) Groups() []*Group {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(t.groups)
}

// Bytes is the payload held in the log.
func (t *Track) Bytes() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.bytes
}

// Largest is the location of the newest object; false while there is none.
func (t *Track) Largest() (Location, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, g := range slices.Backward(t.groups) {
		if n := g.Len(); n > 0 {
			return Location{Group: g.id, Object: uint64(n - 1)}, true
		}
	}
	return Location{}, false
}

// search finds the index of the first group with an ID of at least id.
// Guarded by mu.
func (t *Track) search(id uint64) (int, bool) {
	return slices.BinarySearchFunc(t.groups, id, func(g *Group, id uint64) int {
		switch {
		case g.id < id:
			return -1
		case g.id > id:
			return 1
		}
		return 0
	})
}

// atOrAfter gives the first cached group with an ID of at least id, nil when
// there is none, and whether groups from id on were evicted before it. err is
// the end of the track.
func (t *Track) atOrAfter(id uint64) (g *Group, evicted bool, err error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if i, _ := t.search(id); i < len(t.groups) {
		g = t.groups[i]
	}
	return g, id < t.evicted, t.err
}

// newest gives the growing group; nil while there is none.
func (t *Track) newest() *Group {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if n := len(t.groups); n > 0 {
		return t.groups[n-1]
	}
	return nil
}
