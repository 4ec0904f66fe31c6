package relay

import (
	"slices"
	"time"
)

// Hole is a part of a range that a log lacks between what it has, and of which nobody
// here knows whether there is anything: it is on its way, was lost, or its publisher
// left it out.
type Hole struct {
	// Start is the first location in it, End the first one behind it.
	Start, End Location
	// Since is when what is behind it came, or began to come.
	Since time.Time
	// Coming is when the newest object before it came, if it begins with the rest of a
	// group that somebody is feeding: zero otherwise.
	Coming time.Time
}

// Holes are those of a range, which is that of a FETCH (Missing). What went before the
// log is not among them, nor what was published here: that much its publisher knows.
func (t *Track) Holes(start, end Location) []Hole {
	if t.parent == nil || t.parent.remote == nil {
		return nil
	}
	if end.Object == 0 {
		end = Location{Group: end.Group + 1}
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	f := holeFinder{at: start, end: end, settled: t.settled}
	begun := false
	for _, g := range t.groups {
		if !begun {
			first, some := g.first()
			if begun = some; !some {
				continue
			}
			f.at = later(f.at, Location{Group: g.id, Object: first})
		}
		if g.id >= f.at.Group {
			f.group(g)
		}
	}
	return f.holes
}

// Settle notes of a hole that upstream has nothing there either: it is none.
func (t *Track) Settle(h Hole) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.settled) >= maxSettled {
		t.settled = slices.Clone(t.settled[1:])
	}
	t.settled = append(t.settled, h)
}

// maxSettled bounds what is remembered of a track whose publisher leaves much out; what
// is forgotten is asked for again.
const maxSettled = 64

// holeFinder walks through a log. What is before at was looked at.
type holeFinder struct {
	at, end Location
	settled []Hole
	holes   []Hole
	coming  time.Time // Of the hole that begins at at.
}

func (f *holeFinder) group(g *Group) {
	f.until(Location{Group: g.id}, g.created)
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		f.at = later(f.at, Location{Group: g.id + 1})
		return
	}
	for _, o := range g.sortedLocked() {
		f.until(Location{Group: g.id, Object: o.ID}, o.Complete)
		f.at = later(f.at, Location{Group: g.id, Object: o.ID + 1})
	}
	if n := len(g.objects); n > 0 && g.feedersLocked() > 0 {
		f.coming = g.objects[n-1].Complete // In the order of coming.
	}
}

// until goes on to where something is.
func (f *holeFinder) until(to Location, since time.Time) {
	coming := f.coming
	f.coming = time.Time{}
	if f.end.Less(to) {
		to = f.end
	}
	if !f.at.Less(to) {
		return
	}
	h := Hole{Start: f.at, End: to, Since: since, Coming: coming}
	if !slices.ContainsFunc(f.settled, h.within) {
		f.holes = append(f.holes, h)
	}
	f.at = to
}

func (h Hole) within(k Hole) bool { return !h.Start.Less(k.Start) && !k.End.Less(h.End) }

func later(l, m Location) Location {
	if l.Less(m) {
		return m
	}
	return l
}
