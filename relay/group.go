package relay

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Group is a log of Objects in the order in which they came. It is made by
// Track.NewGroup or Track.OpenGroup.
type Group struct {
	// Set when it is made, then read-only.
	id      uint64
	track   *Track
	created time.Time

	mu      sync.RWMutex
	objects []Object             // Guarded by mu. An element that is whole is immutable.
	ends    []subgroupEnd        // Guarded by mu. In the order of the log.
	ids     map[uint64]int       // Guarded by mu. Index by ID; nil while IDs rise one by one in the log.
	open    map[uint64]*Subgroup // Guarded by mu. What may still grow.
	next    uint64               // Guarded by mu. One after the largest ID.
	bytes   int                  // Guarded by mu.
	closed  bool                 // Guarded by mu. Nothing more will come.
	broken  bool                 // Guarded by mu. Closed, but not all came.
	evicted bool                 // Guarded by mu. The track has let it go.
}

// subgroupEnd is a mark in the log: a subgroup ended behind the object before
// index after.
type subgroupEnd struct {
	after    int
	subgroup uint64
	whole    bool
}

// ID is the Group ID. IDs rise within a track, not always by one.
func (g *Group) ID() uint64 { return g.id }

// Created is when the group was started.
func (g *Group) Created() time.Time { return g.created }

// Append adds a whole object behind the others: its ID is one after the largest,
// its subgroup 0, its priority the track's. It keeps o.Payload: the caller gives
// it away. It never blocks on readers. ErrClosed is returned once the group has
// ended.
func (g *Group) Append(o Object) error {
	o.Priority = g.track.Priority()
	o.Subgroup = 0
	g.mu.Lock()
	o.ID = g.next
	if err := g.addLocked(o, objectWhole); err != nil {
		g.mu.Unlock()
		return err
	}
	counted := g.countLocked(len(o.Payload))
	g.mu.Unlock()
	g.track.appended(counted)
	return nil
}

// Insert adds a whole object under its own ID. An object that is there already
// with the same bytes gives ErrDuplicate, with others ErrMalformed; one that was
// arriving is completed.
func (g *Group) Insert(o Object) error {
	o.Size = len(o.Payload)
	g.mu.Lock()
	n, err := g.insertLocked(o)
	if err != nil {
		g.mu.Unlock()
		return err
	}
	counted := g.countLocked(n)
	g.mu.Unlock()
	g.track.appended(counted)
	return nil
}

// insertLocked gives the bytes that were new. Guarded by mu.
func (g *Group) insertLocked(o Object) (int, error) {
	i, ok := g.findLocked(o.ID)
	if !ok || g.objects[i].state == objectAborted {
		return len(o.Payload), g.addLocked(o, objectWhole)
	}
	old := &g.objects[i]
	if old.Size != o.Size || old.Status != o.Status || !bytes.HasPrefix(o.Payload, old.Payload) {
		return 0, fmt.Errorf("object %d of group %d: %w", o.ID, g.id, ErrMalformed)
	}
	if old.state == objectWhole {
		return 0, ErrDuplicate
	}
	n := len(o.Payload) - len(old.Payload)
	old.Payload, old.state, old.Complete = o.Payload, objectWhole, o.Complete
	return n, nil
}

// addLocked puts an object at the end of the log. Guarded by mu.
func (g *Group) addLocked(o Object, state objectState) error {
	if g.closed {
		return ErrClosed
	}
	if len(g.objects) >= maxObjects {
		return fmt.Errorf("group %d: more than %d objects: %w", g.id, maxObjects, ErrMalformed)
	}
	o.state = state
	if state == objectWhole {
		o.Size = len(o.Payload)
	}
	g.indexLocked(o.ID)
	g.objects = append(g.objects, o)
	g.next = max(g.next, o.ID+1)
	return nil
}

// indexLocked keeps ids true for an object that is about to be added. Most
// groups need no index: IDs are positions in the log. Guarded by mu.
func (g *Group) indexLocked(id uint64) {
	at := len(g.objects)
	if g.ids == nil && id == uint64(at) {
		return
	}
	if g.ids == nil {
		g.ids = make(map[uint64]int, at+1)
		for i := range g.objects {
			g.ids[g.objects[i].ID] = i
		}
	}
	g.ids[id] = at
}

// findLocked gives the place of an ID in the log. Guarded by mu.
func (g *Group) findLocked(id uint64) (int, bool) {
	if g.ids != nil {
		i, ok := g.ids[id]
		return i, ok
	}
	return int(min(id, maxObjects)), id < uint64(len(g.objects))
}

// countLocked counts bytes that came, unless they are nobody's any more.
func (g *Group) countLocked(n int) int {
	if g.evicted {
		return 0
	}
	g.bytes += n
	return n
}

// Close ends the group: it is complete and no object will follow.
func (g *Group) Close() { g.end(false) }

// Abort ends the group: no object will follow, though some exist elsewhere.
func (g *Group) Abort() { g.end(true) }

func (g *Group) end(broken bool) {
	if g.close(broken) {
		g.track.wake()
	}
}

func (g *Group) close(broken bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closeLocked(broken)
}

func (g *Group) closeLocked(broken bool) bool {
	if g.closed {
		return false
	}
	g.closed, g.broken = true, broken || g.cutLocked()
	for i := range g.objects {
		if g.objects[i].state == objectGrowing {
			g.objects[i].state = objectAborted
			g.broken = true
		}
	}
	g.open = nil
	return true
}

// settle ends a group that was overtaken by a newer one and that nobody feeds.
func (g *Group) settle() {
	g.mu.Lock()
	done := false
	if !g.closed && g.feedersLocked() == 0 {
		// What was suspended has no one left to go on with it.
		broken := len(g.open) > 0
		for _, e := range g.ends {
			broken = broken || !e.whole
		}
		done = g.closeLocked(broken)
	}
	g.mu.Unlock()
	if done {
		g.track.wake()
	}
}

func (g *Group) feedersLocked() int {
	n := 0
	for _, s := range g.open {
		if !s.suspended {
			n++
		}
	}
	return n
}

// Object gives the object at index i of the log, if it is whole.
func (g *Group) Object(i int) (Object, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if i < 0 || i >= len(g.objects) || g.objects[i].state != objectWhole {
		return Object{}, false
	}
	return g.objects[i], true
}

// Progress gives the object at index i as far as it has come. gone says that the
// rest will not come.
func (g *Group) Progress(i int) (o Object, gone bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	o = g.objects[i]
	return o, o.state == objectAborted
}

// Sorted is a snapshot of the whole objects, by ID.
func (g *Group) Sorted() []Object {
	g.mu.RLock()
	out := make([]Object, 0, len(g.objects))
	for i := range g.objects {
		if g.objects[i].state == objectWhole {
			out = append(out, g.objects[i])
		}
	}
	sorted := g.ids == nil
	g.mu.RUnlock()
	if !sorted {
		slices.SortFunc(out, func(a, b Object) int {
			if a.ID < b.ID {
				return -1
			}
			return 1
		})
	}
	return out
}

// Len is the number of objects so far.
func (g *Group) Len() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.objects)
}

// First is the smallest Object ID that came; false while there is none.
func (g *Group) First() (uint64, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if len(g.objects) == 0 {
		return 0, false
	}
	first := g.objects[0].ID
	for id := range g.ids {
		first = min(first, id)
	}
	return first, true
}

// Next is one after the largest Object ID so far.
func (g *Group) Next() uint64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.next
}

// Closed tells whether nothing more will come, Complete whether all of it came.
func (g *Group) Closed() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.closed
}

// Complete tells whether the group has ended and was not cut short.
func (g *Group) Complete() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.closed && !g.broken
}

func (g *Group) size() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.bytes
}

// evict marks the group as gone from the log and gives the bytes that go.
func (g *Group) evict() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.evicted = true
	return g.bytes
}

// missing is the first Object ID that a publisher who takes over has to bring;
// false when the group has all of its objects.
func (g *Group) missing() (uint64, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return 0, false
	}
	id := g.next
	for i := range g.objects {
		if g.objects[i].state == objectGrowing {
			id = min(id, g.objects[i].ID)
		}
	}
	return id, true
}
