package view

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
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
	name string // Set by newTrack, then read-only.

	mu      sync.Mutex
	groups  map[uint64]*group // Guarded by mu. Those that are not judged yet.
	judged  uint64            // Guarded by mu. The newest group that is; 0 at first.
	newest  relay.Location    // Guarded by mu.
	arrived time.Time         // Guarded by mu. When the last object did; zero at first.
	pause   time.Duration     // Guarded by mu. The longest since the last take.
	counts  counts            // Guarded by mu.
	cut     string            // Guarded by mu. What was cut last; empty after a take.
}

type group struct {
	objects int
	most    uint64 // The largest Object ID.
	reset   bool
	ended   bool // By FIN.
	touched time.Time
}

// counts are what one or many viewers saw, from the beginning.
type counts struct {
	objects, bytes             int64
	missing, twice, cut, start int
}

func (c *counts) add(d counts) {
	c.objects += d.objects
	c.bytes += d.bytes
	c.missing += d.missing
	c.twice += d.twice
	c.cut += d.cut
	c.start += d.start
}

func (c *counts) subtract(d counts) {
	c.add(counts{-d.objects, -d.bytes, -d.missing, -d.twice, -d.cut, -d.start})
}

func newTrack(name string) *track { return &track{name: name, groups: make(map[uint64]*group)} }

// last is the newest object's location; false before the first.
func (t *track) last() (relay.Location, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.newest, t.counts.objects > 0
}

// see takes an object, or the end of a group.
func (t *track) see(o moqt.Object) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id := o.Location.Group
	g := t.groups[id]
	switch {
	case o.End && g == nil:
		return
	case o.End:
		g.ended, g.reset = g.ended || o.Reset == nil, g.reset || o.Reset != nil
		return
	case len(o.Payload) == 0: // It says where a group ended.
		return
	case id <= t.judged:
		t.counts.twice++
		return
	case g == nil:
		g = &group{}
		t.groups[id] = g
	}
	if !t.arrived.IsZero() {
		t.pause = max(t.pause, o.Arrival.Sub(t.arrived))
	}
	t.arrived, g.touched = o.Arrival, o.Arrival
	t.counts.objects++
	t.counts.bytes += int64(len(o.Payload))
	g.objects++
	g.most = max(g.most, o.Location.Object)
	if t.newest.Less(o.Location) {
		t.newest = o.Location
	}
	if len(t.groups) > 64 {
		t.judgeLocked(o.Arrival)
	}
}

// judgeLocked counts what is missing of groups that are over. Guarded by mu.
func (t *track) judgeLocked(now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(t.groups)) {
		g := t.groups[id]
		if id == t.newest.Group || now.Sub(g.touched) < settleAfter {
			return
		}
		if step := id - t.judged; t.judged != 0 && step > newStart {
			t.counts.start++
		} else if t.judged != 0 && step > 1 {
			t.counts.missing += int(step - 1) // A whole group counts once.
		}
		n := int(g.most) + 1
		t.counts.missing += max(n-g.objects, 0)
		t.counts.twice += max(g.objects-n, 0)
		if g.reset && !g.ended {
			t.counts.cut++
			t.cut = fmt.Sprintf("%s: group %d cut after %d objects", t.name, id, g.objects)
		}
		t.judged = id
		delete(t.groups, id)
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
	out := taken{counts: t.counts, cut: t.cut}
	if !t.arrived.IsZero() {
		out.began, out.silent = true, now.Sub(t.arrived)
		out.pause = max(t.pause, out.silent)
	}
	t.pause, t.cut = 0, ""
	return out
}
