package view

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
)

const (
	// settleAfter is how long nothing came of a group before it is judged: what is
	// fetched at a move comes within it.
	settleAfter = 3 * time.Second
	// newStart is a step of group IDs that means another start of the broadcast: they
	// begin at the Unix time in milliseconds and rise by one.
	newStart = 500
)

// track is what one viewer saw of one track.
type track struct {
	// Set by newTrack, then read-only.
	truth  *truth
	sparse bool // Neither audio nor video: nothing may come for long.

	mu      sync.Mutex
	groups  map[uint64]*group // Guarded by mu. Those that are not judged yet.
	begun   bool              // Guarded by mu. Something was seen or expected.
	judged  uint64            // Guarded by mu. The newest group that is; 0 at first.
	looked  time.Time         // Guarded by mu. When groups were judged last.
	newest  relay.Location    // Guarded by mu.
	arrived time.Time         // Guarded by mu. When the last item did; zero at first.
	pause   time.Duration     // Guarded by mu. The longest since the last take.
	counts  counts            // Guarded by mu.
	cut     string            // Guarded by mu. What was cut last; empty after a take.
}

type group struct {
	seen    []uint64 // A bit an Object ID.
	first   int      // The first Object ID that there is to see.
	most    int      // The largest Object ID seen.
	reset   bool
	ended   bool // By FIN.
	touched time.Time
}

// mark notes an object; false when it was seen before.
func (g *group) mark(id int) bool {
	for id/64 >= len(g.seen) {
		g.seen = append(g.seen, 0)
	}
	bit := uint64(1) << (id % 64)
	again := g.seen[id/64]&bit != 0
	g.seen[id/64] |= bit
	g.most = max(g.most, id)
	return !again
}

// objects is how many were seen.
func (g *group) objects() (n int) {
	for _, word := range g.seen {
		n += bits.OnesCount64(word)
	}
	return n
}

// counts are what one or many viewers saw, from the beginning.
type counts struct {
	objects, bytes                          int64
	missing, groups, twice, cut, start, bad int
}

func (c *counts) add(d counts) {
	c.objects += d.objects
	c.bytes += d.bytes
	c.missing += d.missing
	c.groups += d.groups
	c.twice += d.twice
	c.cut += d.cut
	c.start += d.start
	c.bad += d.bad
}

func (c *counts) subtract(d counts) {
	c.add(counts{-d.objects, -d.bytes, -d.missing, -d.groups, -d.twice, -d.cut, -d.start, -d.bad})
}

func newTrack(t *truth, sparse bool) *track {
	return &track{truth: t, sparse: sparse, groups: make(map[uint64]*group)}
}

// last is the newest object's location; false before the first.
func (t *track) last() (relay.Location, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.newest, t.counts.objects > 0
}

// end takes the end of a group's stream. One that was reset before anything came of
// it is cut rather than missing.
func (t *track) end(id uint64, reset error, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.groups[id]
	if g == nil && reset != nil && t.begun && id > t.judged && len(t.groups) < maxGroups {
		g = t.groupLocked(relay.Location{Group: id}, true, now)
	}
	if g != nil {
		g.ended, g.reset = g.ended || reset == nil, g.reset || reset != nil
	}
}

// expect notes an item that is there to be had, as a playlist lists it.
func (t *track) expect(at relay.Location, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.Group <= t.judged || at.Object >= maxObject {
		return
	}
	g := t.groupLocked(at, false, now)
	g.most = max(g.most, int(at.Object))
	if t.newest.Less(at) {
		t.newest = at
	}
}

// groupLocked finds a group that is not judged yet. Guarded by mu.
func (t *track) groupLocked(at relay.Location, whole bool, now time.Time) *group {
	g := t.groups[at.Group]
	if g == nil {
		g = &group{most: -1}
		if !whole && !t.begun {
			g.first = int(at.Object)
		}
		t.groups[at.Group] = g
	}
	t.begun = true
	g.first = min(g.first, int(at.Object))
	g.touched = now
	return g
}

// see takes an item, and tells whether it came for the first time. whole says that
// its group was asked for from its beginning.
func (t *track) see(o item, whole bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.Object >= maxObject {
		t.counts.bad++
		return false
	}
	if o.Group <= t.judged || !t.groupLocked(o.Location, whole, o.arrived).mark(int(o.Object)) {
		t.counts.twice++
		return false
	}
	if !t.arrived.IsZero() {
		t.pause = max(t.pause, o.arrived.Sub(t.arrived))
	}
	t.arrived = o.arrived
	t.counts.objects++
	t.counts.bytes += int64(len(o.payload))
	if t.newest.Less(o.Location) {
		t.newest = o.Location
	}
	if o.arrived.Sub(t.looked) > time.Second {
		t.looked = o.arrived
		t.judgeLocked(o.arrived)
	}
	return true
}

// judgeLocked counts what is missing of groups that are over. Guarded by mu.
func (t *track) judgeLocked(now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(t.groups)) {
		g := t.groups[id]
		settled := id != t.newest.Group && now.Sub(g.touched) >= settleAfter
		if !settled && len(t.groups) <= maxGroups {
			return
		}
		if step := id - t.judged; t.judged != 0 && step > newStart {
			t.counts.start++
		} else if t.judged != 0 && step > 1 {
			t.counts.missing += int(step - 1) // A whole group counts once.
			t.counts.groups += int(step - 1)
		}
		t.judgeGroupLocked(id, g)
		t.judged = id
		delete(t.groups, id)
	}
}

func (t *track) judgeGroupLocked(id uint64, g *group) {
	n := g.most + 1
	cut := g.reset && !g.ended
	if g.ended && t.truth != nil {
		n = max(n, t.truth.extent(id)) // A tail that others have.
	}
	t.counts.missing += n - g.first - g.objects()
	if cut {
		t.counts.cut++
		t.cut = fmt.Sprintf("group %d cut after %d objects", id, g.objects())
	}
}

// taken is a reading of a track.
type taken struct {
	counts
	began  bool          // There was an object.
	silent time.Duration // Since the last one.
	pause  time.Duration // The longest since the last take, the one that lasts included.
	cut    string        // A group that was cut since then, for people to read.
}

// take reads, and begins to look for the longest pause anew.
func (t *track) take(now time.Time) taken {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.judgeLocked(now)
	out := t.readLocked(now)
	t.pause, t.cut = 0, ""
	return out
}

// peek reads, and leaves the longest pause alone.
func (t *track) peek(now time.Time) taken {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.readLocked(now)
}

func (t *track) readLocked(now time.Time) taken {
	out := taken{counts: t.counts}
	if t.cut != "" {
		out.cut = t.truth.name + ": " + t.cut
	}
	if !t.arrived.IsZero() {
		out.began, out.silent = true, now.Sub(t.arrived)
		out.pause = max(t.pause, out.silent)
	}
	return out
}
