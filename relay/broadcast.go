package relay

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Broadcast is the set of tracks published under one Namespace.
type Broadcast struct {
	// Set by Relay.Publish, then read-only.
	namespace Namespace
	relay     *Relay
	now       func() time.Time
	remote    *remote // nil when it is published here.
	done      chan struct{}

	mu      sync.RWMutex
	tracks  map[string]*Track // Guarded by mu. Live and ended-but-kept tracks.
	err     error             // Guarded by mu. Set once by Close.
	changed chan struct{}     // Guarded by mu. Closed and replaced on each change.
}

// Namespace is the broadcast's name.
func (b *Broadcast) Namespace() Namespace { return b.namespace }

// NewTrack adds a track. The errors are ErrClosed and ErrExists.
func (b *Broadcast) NewTrack(name string, cfg TrackConfig) (*Track, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return nil, ErrClosed
	}
	if _, ok := b.tracks[name]; ok {
		return nil, fmt.Errorf("track %q: %w", name, ErrExists)
	}
	t := b.makeTrack(name, cfg)
	b.tracks[name] = t
	b.wakeLocked()
	return t, nil
}

func (b *Broadcast) makeTrack(name string, cfg TrackConfig) *Track {
	return &Track{name: name, cfg: cfg, now: b.now, parent: b, changed: make(chan struct{})}
}

// Track looks a live track up by name.
func (b *Broadcast) Track(name string) (*Track, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	t, ok := b.tracks[name]
	return t, ok
}

// Tracks is a snapshot of the live tracks, ordered by name.
func (b *Broadcast) Tracks() []*Track {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := make([]*Track, 0, len(b.tracks))
	for _, t := range b.tracks {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *Track) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return out
}

// WaitTrack gives a live track, or a channel that is closed when the set of
// tracks changes, so that a subscriber can come before its track.
func (b *Broadcast) WaitTrack(name string) (*Track, <-chan struct{}, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if t, ok := b.tracks[name]; ok {
		return t, nil, nil
	}
	return nil, b.changed, b.err
}

// Close ends every track with err (ErrClosed when nil) and withdraws the
// namespace. Only the first call counts.
func (b *Broadcast) Close(err error) {
	if err == nil {
		err = ErrClosed
	}
	b.mu.Lock()
	if b.err != nil {
		b.mu.Unlock()
		return
	}
	b.err = err
	tracks := make([]*Track, 0, len(b.tracks))
	for _, t := range b.tracks {
		tracks = append(tracks, t)
	}
	b.wakeLocked()
	b.mu.Unlock()

	for _, t := range tracks {
		t.Close(err)
	}
	if b.remote != nil {
		b.remote.close(err)
	}
	b.relay.withdraw(b)
	close(b.done)
}

// Done is closed when the broadcast has ended.
func (b *Broadcast) Done() <-chan struct{} { return b.done }

// Err is nil while the broadcast is live.
func (b *Broadcast) Err() error {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.err
}

// trackClosed forgets a track that ended; readers that hold it drain it.
func (b *Broadcast) trackClosed(t *Track) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tracks[t.name] == t {
		delete(b.tracks, t.name)
		b.wakeLocked()
	}
}

func (b *Broadcast) wakeLocked() {
	close(b.changed)
	b.changed = make(chan struct{})
}
