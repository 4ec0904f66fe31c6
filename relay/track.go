package relay

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// TrackConfig describes a Track. The zero value keeps only the newest group.
type TrackConfig struct {
	// Window is how far back groups are kept, measured from the start of the
	// newest group. The newest group is always kept, so a window of zero
	// means "the live edge alone": right for a catalog.
	Window time.Duration
	// MaxBytes bounds what is kept beyond the newest group, payload and objects
	// themselves; zero means DefaultMaxBytes. It guards against an encoder that lies about time.
	MaxBytes int
	// MaxGroupBytes bounds what is kept of the newest group, counted in the same way; zero
	// means the relay's bound. It guards against a publisher that never starts another.
	MaxGroupBytes int
	// Priority is the publisher priority, 0 first
	// (draft-ietf-moq-transport-18, "Priorities").
	Priority uint8
	// Started is the newest object upstream when this relay subscribed, nil when
	// there was none (AwaitStart, AwaitStarted).
	Started *Location
	// Properties: objects may have properties, because they come from elsewhere.
	Properties bool
}

// DefaultMaxBytes holds a 30 s window at about 17 Mbit/s.
const DefaultMaxBytes = 64 << 20

// DefaultMaxGroupBytes holds a group of ten seconds at 50 Mbit/s: longer ones are no
// place to join at, and a track of them would pin its window a second time.
const DefaultMaxGroupBytes = 64 << 20

// expectedObjects bounds what is set aside for a group before it comes: a long one
// with a chunk for each picture.
const expectedObjects = 600

// Track is a log of Groups. One publisher appends, any number of Readers read.
type Track struct {
	// Set before anybody reads the track, then read-only.
	name   string
	cfg    TrackConfig
	now    func() time.Time
	parent *Broadcast

	mu      sync.RWMutex
	groups  []*Group      // Guarded by mu. Ascending IDs.
	made    atomic.Uint64 // Groups that were made so far. Written under mu.
	held    cost          // Guarded by mu. Of all groups.
	evicted uint64        // Guarded by mu. Groups with smaller IDs have left the window.
	settled []Hole        // Guarded by mu. Of which upstream has nothing either.
	err     error         // Guarded by mu. Set once by Close.
	changed chan struct{} // Guarded by mu. Closed and replaced on each change.
	waiters bool          // Guarded by mu. Somebody holds changed.
	// Guarded by mu. One-slot channels of those who poll many tracks.
	notify map[chan<- struct{}]int
}

// configure sets what upstream says of the track, before anybody reads it.
func (t *Track) configure(cfg TrackConfig) { t.cfg = cfg }

func (t *Track) maxGroupBytes() int {
	if t.cfg.MaxGroupBytes > 0 || t.parent == nil {
		return cmp.Or(t.cfg.MaxGroupBytes, DefaultMaxGroupBytes)
	}
	return t.parent.relay.maxGroupBytes
}

// Broadcast is what the track is part of.
func (t *Track) Broadcast() *Broadcast { return t.parent }

// Properties tells whether objects may have properties.
func (t *Track) Properties() bool { return t.cfg.Properties }

// Name is the track's name within its broadcast.
func (t *Track) Name() string { return t.name }

// Priority is the publisher priority.
func (t *Track) Priority() uint8 { return t.cfg.Priority }

// NewGroup ends the newest group and starts one with a higher ID. It drops what
// has left the window. The errors are ErrClosed and ErrOrder.
func (t *Track) NewGroup(id uint64) (*Group, error) { return t.startGroup(id, nil) }

// StartGroup is NewGroup and Append of the group's first object in one: readers see
// both at once and are woken once, where the end of one group and the start of the
// next would else be two things to send.
func (t *Track) StartGroup(id uint64, first Object) (*Group, error) { return t.startGroup(id, &first) }

func (t *Track) startGroup(id uint64, first *Object) (*Group, error) {
	g, err := t.newGroup(id, first)
	if err == nil {
		t.shed()
	}
	return g, err
}

func (t *Track) newGroup(id uint64, first *Object) (*Group, error) {
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
		t.groups[n-1].succeed(now)
	}
	defer t.wakeLocked()
	g := t.addGroup(id, len(t.groups), now)
	if first == nil {
		return g, nil
	}
	counted, err := g.append(first)
	t.count(counted)
	return g, err
}

// addGroup puts a new group at index i. Guarded by mu.
func (t *Track) addGroup(id uint64, i int, now time.Time) *Group {
	g := &Group{id: id, made: t.made.Add(1), track: t, created: now, held: cost{own: groupOverhead}}
	if i < len(t.groups) {
		g.overtakeLocked(now)
	}
	if i > 0 {
		// It will be about as long as the one before.
		g.objects = make([]Object, 0, min(t.groups[i-1].Len(), expectedObjects))
	}
	t.groups = slices.Insert(t.groups, i, g)
	t.count(g.held)
	t.evict(now)
	return g
}

// OpenGroup gives the group of an ID, and starts it if it is not there. Unlike
// NewGroup it takes groups in any order within the window and leaves others open:
// those that were overtaken end when nobody feeds them (Subgroup) and nothing is
// likely to come. The errors are ErrClosed, and ErrOrder for a group that has left the log.
func (t *Track) OpenGroup(id uint64) (*Group, error) {
	now := t.now()
	t.mu.Lock()
	if t.err != nil {
		t.mu.Unlock()
		return nil, ErrClosed
	}
	i, ok := t.search(id)
	if ok {
		defer t.mu.Unlock()
		return t.groups[i], nil
	}
	if id < t.evicted {
		t.mu.Unlock()
		return nil, fmt.Errorf("group %d has left the log: %w", id, ErrOrder)
	}
	// Those that leave the log for it are overtaken, too: somebody may read them.
	all := slices.Clone(t.groups)
	g := t.addGroup(id, i, now)
	t.wakeLocked()
	newest := t.groups[len(t.groups)-1]
	t.mu.Unlock()
	all = slices.Insert(all, i, g)
	for i, o := range all {
		if o != g && o != newest {
			o.overtake(len(all)-1-i, now)
		}
	}
	t.shed()
	return g, nil
}

// shed keeps the process within its budget.
func (t *Track) shed() {
	if t.parent != nil {
		t.parent.relay.shed()
	}
}

// oldest gives the age of the first group that may be dropped: the newest is
// pinned, and so is a track of one group, such as a catalog.
func (t *Track) oldest() (time.Time, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(t.groups) < 2 {
		return time.Time{}, false
	}
	return t.groups[0].created, true
}

// drop lets the oldest group go, unless it is the newest.
func (t *Track) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.groups) < 2 {
		return
	}
	t.count(cost{}.minus(t.groups[0].evict()))
	t.evicted = t.groups[1].id
	t.groups = slices.Clone(t.groups[1:])
}

// Forsake ends the groups with smaller IDs that nobody feeds: what is missing of
// them will not come.
func (t *Track) Forsake(before uint64) {
	for _, g := range t.older(before) {
		g.forsake()
	}
}

// Evicted tells whether objects from start on have left the log; those of groups
// up to last are gone.
func (t *Track) Evicted(start Location) (last uint64, some bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.evicted - 1, start.Group < t.evicted
}

// Conclude ends the groups of a range, which excludes before, as complete unless
// somebody feeds them: all that was missing of them was asked for and came.
func (t *Track) Conclude(first, before uint64) {
	for _, g := range t.older(before) {
		if g.id >= first {
			g.conclude()
		}
	}
}

// older are the groups in the log with smaller IDs.
func (t *Track) older(before uint64) []*Group {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i, _ := t.search(before)
	return slices.Clone(t.groups[:i])
}

// Resume is where a publisher who takes over has to go on: at the oldest object
// that is missing behind what is complete. false means that nothing has come yet.
func (t *Track) Resume() (Location, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n := len(t.groups)
	if n == 0 {
		return Location{}, false
	}
	// Of the groups before the newest only the last can still be wanted.
	for _, g := range t.groups[max(0, n-2):] {
		if id, ok := g.missing(); ok {
			return Location{Group: g.id, Object: id}, true
		}
	}
	return Location{Group: t.groups[n-1].id + 1}, true
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
		if now.Sub(ended) < t.cfg.Window && t.held.sum() <= limit {
			break
		}
		t.count(cost{}.minus(t.groups[drop].evict()))
		drop++
	}
	if drop > 0 {
		t.evicted = t.groups[drop].id
		// A fresh slice lets the collector free the dropped groups.
		t.groups = slices.Clone(t.groups[drop:])
	}
}

// appended counts what came and wakes the readers.
func (t *Track) appended(c cost) {
	t.mu.Lock()
	if t.err == nil {
		t.count(c)
	}
	t.wakeLocked()
	t.mu.Unlock()
}

// count adds to what is held. Guarded by mu.
func (t *Track) count(c cost) {
	t.held = t.held.plus(c)
	if t.parent != nil {
		t.parent.relay.used.Add(int64(c.sum()))
	}
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
		for _, g := range t.groups {
			// Those but the newest have ended, or nobody will end them any more.
			g.close(g != t.groups[len(t.groups)-1])
		}
		// What readers still drain is theirs.
		t.count(cost{}.minus(t.held))
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
	return t.held.payload
}

// Largest is the location of the newest object; false while there is none.
func (t *Track) Largest() (Location, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, g := range slices.Backward(t.groups) {
		if next := g.Next(); next > 0 {
			return Location{Group: g.id, Object: next - 1}, true
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

// newerThan counts the groups with higher IDs.
func (t *Track) newerThan(g *Group) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i, ok := t.search(g.id)
	if !ok && g.id < t.evicted {
		return len(t.groups)
	} else if !ok {
		return 0
	}
	return len(t.groups) - 1 - i
}

// newest gives the group with the highest ID, of those before until unless that is
// zero; nil while there is none.
func (t *Track) newest(until uint64) *Group {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n := len(t.groups)
	if until > 0 {
		n, _ = t.search(until)
	}
	if n == 0 {
		return nil
	}
	return t.groups[n-1]
}
