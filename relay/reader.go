package relay

import (
	"context"
	"time"
)

// SkipReason says why a Reader left objects out.
type SkipReason string

// The closed set of skip reasons: safe as metric labels.
const (
	// SkipLag: the reader was further behind the live edge than its limit.
	SkipLag SkipReason = "lag"
	// SkipEvicted: the next object had left the track's window.
	SkipEvicted SkipReason = "evicted"
	// SkipStalled: the caller gave the rest of a group up (Reader.SkipGroup).
	SkipStalled SkipReason = "stalled"
)

// ReaderConfig says where a Reader starts and how far it may fall behind.
type ReaderConfig struct {
	// Start is the first location wanted. Groups before the window are
	// skipped, locations in the future are waited for.
	Start Location
	// MaxLag is how long after its publication an object of an older group may
	// still be handed out; a reader further behind skips to the newest group.
	// Zero means no limit but the window itself.
	MaxLag time.Duration
	// Whole holds objects back until all of them has come, and hands out no ends
	// of subgroups. Otherwise an object is handed out as soon as it begins, and
	// Group.Progress gives what has come of it since.
	Whole bool
	// OnSkip, if set, is told of every skip with the number of groups left
	// (at least one). It is called from Next, on the caller's goroutine.
	OnSkip func(reason SkipReason, groups int)
}

// Item is what a Reader hands out: an Object with its Location and its Index in
// the log of its Group; or an end.
type Item struct {
	Location Location
	Object   Object
	Group    *Group
	Index    int
	// End marks the end of the group: all that there was of it was handed out. A
	// group that was skipped ends without it.
	End bool
	// SubgroupEnd marks the end of the subgroup Object.Subgroup.
	SubgroupEnd bool
	// Cut says of an end that objects are missing before it.
	Cut bool
}

// Reader is a cursor over a Track. It holds no payload and costs no goroutine.
// A Reader is used by one goroutine at a time.
type Reader struct {
	track   *Track
	cfg     ReaderConfig
	next    Location // Where to go on when group is nil.
	group   *Group   // The group that is being read.
	at      position // Within group.
	started bool     // Something was handed out.
}

// position is a place in the log of a group.
type position struct {
	index, ends int
	from        uint64 // Objects with smaller IDs are not wanted.
}

// NewReader places a cursor. It takes effect at the first Next.
func (t *Track) NewReader(cfg ReaderConfig) *Reader {
	return &Reader{track: t, cfg: cfg, next: cfg.Start}
}

// Next waits for the next object in order. After the last object of a complete
// group it hands out one Item with End set. When the track has ended and all was
// read the track's error is returned; ctx's cause when ctx ends first.
func (r *Reader) Next(ctx context.Context) (Item, error) {
	for {
		item, ok, err := r.TryNext()
		if ok || err != nil {
			return item, err
		}
		changed := r.track.wait()
		// The change may have come between the look and the wait.
		if item, ok, err = r.TryNext(); ok || err != nil {
			return item, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Item{}, context.Cause(ctx)
		}
	}
}

// TryNext is Next without the wait: false means nothing is there yet.
func (r *Reader) TryNext() (Item, bool, error) {
	if r.group == nil {
		if ok, err := r.findGroup(); !ok || err != nil {
			return Item{}, false, err
		}
	}
	if newest := r.lagging(); newest != nil {
		r.skipTo(newest, SkipLag)
	}
	item, at, ok := r.group.look(r.at, r.cfg.Whole)
	r.at = at
	if !ok {
		return Item{}, false, nil
	}
	r.started = true
	if item.End {
		r.leaveGroup()
	}
	return item, true, nil
}

// look gives what comes at or after a place in the log, and the place behind it.
func (g *Group) look(at position, whole bool) (Item, position, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	item := Item{Group: g, Location: Location{Group: g.id}}
	for {
		if at.ends < len(g.ends) && g.ends[at.ends].after <= at.index {
			end := g.ends[at.ends]
			at.ends++
			if whole {
				continue
			}
			item.SubgroupEnd, item.Cut, item.Object.Subgroup = true, !end.whole, end.subgroup
			return item, at, true
		}
		if at.index >= len(g.objects) {
			item.End, item.Cut = g.closed, g.broken
			item.Location.Object = g.next
			return item, at, g.closed
		}
		o := &g.objects[at.index]
		if o.state == objectGrowing && whole {
			return Item{}, at, false
		}
		at.index++
		if o.state == objectAborted || o.ID < at.from {
			continue
		}
		item.Object, item.Index, item.Location.Object = *o, at.index-1, o.ID
		return item, at, true
	}
}

// SkipGroup gives up the group that Next last handed an object of, because its
// delivery stalls. The reader goes on at the newest group, or waits for the
// next one if it was in the newest already.
func (r *Reader) SkipGroup() {
	if r.group == nil {
		return
	}
	if newest := r.track.newest(); newest != r.group {
		r.skipTo(newest, SkipStalled)
		return
	}
	r.skipped(SkipStalled, 1)
	r.leaveGroup()
}

// findGroup sets r.group to the first cached group at or after r.next.
func (r *Reader) findGroup() (bool, error) {
	g, evicted, err := r.track.atOrAfter(r.next.Group)
	if g == nil {
		return false, err
	}
	r.at = position{}
	switch {
	case g.id == r.next.Group:
		r.at.from = r.next.Object
	case evicted && r.started:
		// A late joiner has lost nothing by what left before it came.
		r.skipped(SkipEvicted, groupsBetween(r.next.Group, g.id))
	}
	r.group = g
	return true, nil
}

func (r *Reader) leaveGroup() {
	r.next = Location{Group: r.group.id + 1}
	r.group = nil
}

// lagging gives the newest group when the next object is older than the limit
// and there is that newer group to go on with.
func (r *Reader) lagging() *Group {
	if r.cfg.MaxLag <= 0 {
		return nil
	}
	newest := r.track.newest()
	if newest == r.group || newest.Len() == 0 {
		return nil
	}
	// What does not come although newer groups do is late, too.
	since, ok := r.group.since(r.at.index)
	if !ok {
		since = newest.Created()
	}
	if r.track.now().Sub(since) <= r.cfg.MaxLag {
		return nil
	}
	return newest
}

func (r *Reader) skipTo(g *Group, reason SkipReason) {
	r.skipped(reason, groupsBetween(r.group.id, g.id))
	r.group, r.at = g, position{}
}

// since is the age of the object at an index of the log, if it has begun; of a
// group that has ended, nothing is late.
func (g *Group) since(i int) (time.Time, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	switch {
	case i < len(g.objects):
		return g.objects[i].Complete, true
	case g.closed:
		return g.track.now(), true
	}
	return time.Time{}, false
}

// groupsBetween counts the groups left out, as far as IDs tell: a jump of IDs
// is no measure of groups, so it is capped.
func groupsBetween(from, to uint64) int { return int(min(to-from, 1<<10)) }

func (r *Reader) skipped(reason SkipReason, groups int) {
	if r.cfg.OnSkip != nil {
		r.cfg.OnSkip(reason, groups)
	}
}
