package relay

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxObjects bounds the objects of one group: an hour of 240 pictures per second.
// A publisher that never starts a group ends there.
const maxObjects = 1 << 20

// Group is a log of Objects in the order in which they came. It is made by
// Track.NewGroup, Track.StartGroup or Track.OpenGroup.
type Group struct {
	// Set when it is made, then read-only.
	id      uint64
	made    uint64 // Counts the track's groups.
	track   *Track
	created time.Time

	mu        sync.RWMutex
	objects   []Object             // Guarded by mu. An element that is whole is immutable.
	ends      []subgroupEnd        // Guarded by mu. In the order of the log.
	ids       map[uint64]int       // Guarded by mu. Index by ID; nil while IDs are positions.
	open      map[uint64]*Subgroup // Guarded by mu. What may still grow.
	next      uint64               // Guarded by mu. One after the largest ID.
	held      cost                 // Guarded by mu.
	last      lastSubgroup         // Guarded by mu.
	overtaken time.Time            // Guarded by mu. When a newer group began; zero while none has.
	behind    atomic.Bool          // overtaken is set. Written under mu.
	closed    bool                 // Guarded by mu. Nothing more will come.
	broken    bool                 // Guarded by mu. Closed, but not all came.
	evicted   bool                 // Guarded by mu. The track has let it go.
	trimmed   int                  // Guarded by mu. The log before this index has been let go of.
}

// subgroupEnd is a mark in the log: a subgroup ended behind the object before
// index after.
type subgroupEnd struct {
	after    int
	subgroup uint64
	whole    bool
}

// lastSubgroup is the subgroup that holds the group's last object, if known.
type lastSubgroup struct {
	id           uint64
	known, ended bool
}

// ID is the Group ID. IDs rise within a track, not always by one.
func (g *Group) ID() uint64 { return g.id }

// Created is when the group was started.
func (g *Group) Created() time.Time { return g.created }

// Append is for who publishes: it adds a whole object behind the others. Its ID
// is one after the largest, its subgroup 0, its priority the track's. It keeps
// o.Payload: the caller gives it away. It never waits for readers. ErrClosed is
// returned once the group has ended.
func (g *Group) Append(o Object) error {
	counted, err := g.append(&o)
	if err == nil {
		g.track.appended(counted)
	}
	return err
}

// append gives what is to be counted; nobody is woken yet.
func (g *Group) append(o *Object) (counted cost, err error) {
	o.Priority, o.Subgroup, o.Size = g.track.cfg.Priority, 0, len(o.Payload)
	g.mu.Lock()
	defer g.mu.Unlock()
	o.ID = g.next
	o.First = o.ID == 0
	g.last = lastSubgroup{known: true}
	if err := g.addLocked(o, objectWhole); err != nil {
		return cost{}, err
	}
	return g.countLocked(o.wholeCost()), nil
}

// Insert is for who relays: it adds a whole object as it was published, under its
// own ID. It keeps o.Payload and o.Properties. An object that is there already
// with the same bytes gives ErrDuplicate, with others ErrMalformed; one that was
// arriving is completed.
func (g *Group) Insert(o Object) error {
	o.Size = len(o.Payload)
	g.mu.Lock()
	n, err := g.insertLocked(&o)
	if err != nil {
		g.mu.Unlock()
		return err
	}
	counted := g.countLocked(n)
	g.mu.Unlock()
	g.track.appended(counted)
	return nil
}

// insertLocked gives what came with it. Guarded by mu.
func (g *Group) insertLocked(o *Object) (cost, error) {
	i, ok := g.findLocked(o.ID)
	if !ok || g.objects[i].state == objectAborted {
		return o.wholeCost(), g.addLocked(o, objectWhole)
	}
	old := &g.objects[i]
	if !old.same(o) || !bytes.HasPrefix(o.Payload, old.Payload) {
		return cost{}, fmt.Errorf("object %d of group %d: %w", o.ID, g.id, ErrMalformed)
	}
	if old.state == objectWhole {
		return cost{}, ErrDuplicate
	}
	n := cost{payload: o.Size - len(old.Payload)}
	old.Payload, old.state, old.Complete = o.Payload, objectWhole, o.Complete
	return n, nil
}

// addLocked puts an object at the end of the log. Guarded by mu.
func (g *Group) addLocked(o *Object, state objectState) error {
	if g.closed {
		return ErrClosed
	}
	if len(g.objects) >= maxObjects {
		return fmt.Errorf("group %d: more than %d objects: %w", g.id, maxObjects, ErrMalformed)
	}
	o.state = state
	g.indexLocked(o.ID)
	g.objects = append(g.objects, *o)
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

// countLocked counts what came, less what was let go of for it, unless the group is
// nobody's any more. Guarded by mu.
func (g *Group) countLocked(c cost) cost {
	if g.evicted {
		return cost{}
	}
	g.held = g.held.plus(c)
	freed := g.trimLocked()
	g.held = g.held.minus(freed)
	return c.minus(freed)
}

// trimLocked lets go of the oldest objects while the group is over its bound, and gives
// what they held. Their places stay, so that those of the others do. Guarded by mu.
func (g *Group) trimLocked() (freed cost) {
	limit := g.track.maxGroupBytes()
	for ; g.held.sum()-freed.sum() > limit && g.trimmed < len(g.objects)-1; g.trimmed++ {
		o := &g.objects[g.trimmed]
		if o.state != objectWhole {
			continue // What is arriving is for its feeder to end.
		}
		freed = freed.plus(o.wholeCost()).minus(cost{own: objectOverhead})
		o.Payload, o.Properties, o.Size, o.state = nil, nil, 0, objectAborted
	}
	return freed
}

// Trimmed is the smallest object ID behind those that were let go of, so that the
// group did not grow without bound; zero when none was.
func (g *Group) Trimmed() uint64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	first := uint64(0)
	for i := range g.objects[:g.trimmed] {
		first = max(first, g.objects[i].ID+1)
	}
	return first
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

// Progress gives the object at index i of the log as far as it has come; gone
// says that the rest will not.
func (g *Group) Progress(i int) (o Object, gone bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	o = g.objects[i]
	return o, o.state == objectAborted
}

// Get gives the object of an ID as far as it has come; false when there is none,
// or the rest will not come.
func (g *Group) Get(id uint64) (Object, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	i, ok := g.findLocked(id)
	if !ok || g.objects[i].state == objectAborted {
		return Object{}, false
	}
	return g.objects[i], true
}

// Sorted is a snapshot of the objects by ID, those that are arriving among them.
func (g *Group) Sorted() []Object {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.sortedLocked()
}

// sortedLocked is Sorted. Guarded by mu.
func (g *Group) sortedLocked() []Object {
	out := make([]Object, 0, len(g.objects))
	for i := range g.objects {
		if g.objects[i].state != objectAborted {
			out = append(out, g.objects[i])
		}
	}
	if g.ids != nil {
		slices.SortFunc(out, func(a, b Object) int { return cmp.Compare(a.ID, b.ID) })
	}
	return out
}

// Len is the number of objects so far, those that are arriving among them.
func (g *Group) Len() int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.objects)
}

// Next is one after the largest Object ID so far.
func (g *Group) Next() uint64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.next
}

// first is the smallest Object ID that came; false while there is none.
func (g *Group) first() (uint64, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if len(g.objects) == 0 {
		return 0, false
	}
	first := g.objects[0].ID
	for i := range g.objects {
		first = min(first, g.objects[i].ID)
	}
	return first, true
}

func (g *Group) empty() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.objects) == 0
}

// EndsWith tells whether the group's last object is known to be in a subgroup, so
// that the group is complete when that is.
func (g *Group) EndsWith(subgroup uint64) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.last.known && g.last.id == subgroup
}
