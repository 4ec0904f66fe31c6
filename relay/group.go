package relay

import (
	"sync"
	"time"
)

// Group is an append-only list of Objects. It is made by Track.NewGroup; only
// the newest Group of a Track grows.
type Group struct {
	// Set by NewGroup, then read-only.
	id      uint64
	track   *Track
	created time.Time

	mu      sync.RWMutex
	objects []Object // Guarded by mu. Elements are immutable once appended.
	bytes   int      // Guarded by mu.
	closed  bool     // Guarded by mu.
}

// ID is the Group ID. IDs rise within a track, not always by one.
func (g *Group) ID() uint64 { return g.id }

// Created is when the group was started.
func (g *Group) Created() time.Time { return g.created }

// Append adds an object and wakes the readers. It keeps o.Payload: the caller
// gives it away. It never blocks on readers. ErrClosed is returned once the
// group has ended.
func (g *Group) Append(o Object) error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return ErrClosed
	}
	g.objects = append(g.objects, o)
	g.bytes += len(o.Payload)
	g.mu.Unlock()
	g.track.appended(len(o.Payload))
	return nil
}

// Close ends the group: it is complete and no object will follow.
func (g *Group) Close() {
	if g.close() {
		g.track.wake()
	}
}

func (g *Group) close() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.closed
	g.closed = true
	return !was
}

// Object gives the object at index i, if it was appended already.
func (g *Group) Object(i int) (Object, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if i < 0 || i >= len(g.objects) {
		return Object{}, false
	}
	return g.objects[i], true
}

// Len is the number of objects so far.
func (g *Group) Len() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.objects)
}

// Closed tells whether the group is complete.
func (g *Group) Closed() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.closed
}

// at is what a reader needs to know of index i in one look: the object, whether
// it is there, and whether nothing more can come.
func (g *Group) at(i int) (o Object, ok, end bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if i < len(g.objects) {
		return g.objects[i], true, false
	}
	return Object{}, false, g.closed
}

func (g *Group) size() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.bytes
}
