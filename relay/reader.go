package relay

import (
	"cmp"
	"context"
	"io"
	"slices"
	"time"
)

// SkipReason says why a Reader left objects out.
type SkipReason string

// The closed set of skip reasons: safe as metric labels.
const (
	// SkipLag: the reader was further behind the live edge than its limit.
	SkipLag SkipReason = "lag"
	// SkipEvicted: the next object had left the track's window, or a group that is
	// longer than its bound.
	SkipEvicted SkipReason = "evicted"
	// SkipMissing: the rest of a group did not come, while newer groups did.
	SkipMissing SkipReason = "missing"
	// SkipStalled: the caller gave the rest of a group up (Reader.SkipGroup).
	SkipStalled SkipReason = "stalled"
)

// ReaderConfig says where a Reader starts and how far it may fall behind.
type ReaderConfig struct {
	// Start is the first location wanted. Groups before the window are
	// skipped, locations in the future are waited for.
	Start Location
	// Until is the first group not wanted; zero wants all. Next gives io.EOF once
	// all before it was handed out.
	Until uint64
	// MaxLag is how long after its publication an object of an older group may
	// still be handed out; a reader further behind skips to the newest group.
	// Zero means no limit but the window itself.
	MaxLag time.Duration
	// Whole holds objects back until all of them has come, and hands out no ends
	// of subgroups. Otherwise an object is handed out as soon as it begins, and
	// Group.Progress gives what has come of it since.
	Whole bool
	// Groups is how many groups may be read at one time, so that one whose rest
	// does not come holds no newer one back; objects are then in order within a
	// group only. One or zero reads group after group, and leaves one that was
	// overtaken and that nothing comes in for.
	Groups int
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
	cursors []cursor // The groups that are being read, by ID; at most cfg.Groups.
	next    uint64   // Groups from this ID on have not been looked at.
	seen    uint64   // Track.made when groups were last looked for.
	left    bool     // There were more then.
	begun   uint64   // Groups that were begun to read.
	floor   uint64   // Groups with smaller IDs were left, those that come late among them.
	started bool     // Something was handed out.
	trimmed bool     // Objects of a group were let go of, and that was not reported.
}

// cursor is a place in the log of a group.
type cursor struct {
	group       *Group
	index, ends int
	from        uint64 // Objects with smaller IDs are not wanted.
	cut         bool   // Objects were let go of before they were handed out.
}

// NewReader places a cursor. It takes effect at the first Next.
func (t *Track) NewReader(cfg ReaderConfig) *Reader {
	cfg.Groups = max(cfg.Groups, 1)
	return &Reader{track: t, cfg: cfg, next: cfg.Start.Group}
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
func (r *Reader) TryNext() (item Item, ok bool, err error) {
	for {
		if ended, err := r.discover(); ended {
			return item, false, err
		}
		if r.cfg.MaxLag > 0 {
			r.dropLate()
		}
		for i := range r.cursors {
			found := r.look(&r.cursors[i], &item)
			if r.trimmed {
				r.trimmed = false
				r.skipped(SkipEvicted, 1)
			}
			if !found {
				continue
			}
			r.started = true
			if item.End {
				r.cursors = slices.Delete(r.cursors, i, i+1)
			}
			return item, true, nil
		}
		if !r.more() {
			return item, false, nil
		}
	}
}

// more tells whether a group has begun that may be read beside the others.
func (r *Reader) more() bool {
	return len(r.cursors) < r.cfg.Groups && (r.left || r.track.made.Load() != r.seen)
}

// discover begins to read groups, as many as may be read at one time. ended says
// that there are none, err that there will be none.
func (r *Reader) discover() (ended bool, err error) {
	if len(r.cursors) > 0 && !r.more() {
		return false, nil
	}
	lost, err := r.discoverIn(r.track)
	if lost > 0 {
		r.skipped(SkipEvicted, lost)
	}
	return len(r.cursors) == 0, err
}

func (r *Reader) discoverIn(t *Track) (lost int, err error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	seen, first := r.seen, r.next
	r.seen, r.left = t.made.Load(), false
	if r.cfg.Groups > 1 {
		first = max(r.cfg.Start.Group, r.floor)
	}
	i, _ := t.search(first)
	for _, g := range t.groups[i:] {
		switch {
		case r.cfg.Until > 0 && g.id >= r.cfg.Until:
			r.next = r.cfg.Until
			return lost, r.rangeEnd(t)
		case g.id < r.next && g.made <= seen:
			continue // It was read, or skipped.
		case g.id < r.next:
			at, _ := slices.BinarySearchFunc(r.cursors, g.id, func(c cursor, id uint64) int { return cmp.Compare(c.group.id, id) })
			r.cursors = slices.Insert(r.cursors, at, r.begin(g))
			continue // It came late.
		case len(r.cursors) >= r.cfg.Groups:
			r.left = true
			return lost, nil
		case g.id > r.next && r.next < t.evicted && r.started:
			// A late joiner has lost nothing by what left before it came.
			lost += groupsBetween(r.next, g.id)
		}
		r.cursors = append(r.cursors, r.begin(g))
		r.next = g.id + 1
	}
	if r.cfg.Until > 0 && r.next >= r.cfg.Until {
		return lost, r.rangeEnd(t)
	}
	return lost, t.err
}

// rangeEnd is io.EOF when no group of the range can come any more: each was begun,
// or those behind have been there for a while. Streams overtake each other. It is
// looked at again when the track changes. Guarded by t.mu.
func (r *Reader) rangeEnd(t *Track) error {
	n := len(t.groups)
	if n == 0 || r.cfg.Groups == 1 || t.err != nil || r.begun >= r.cfg.Until-r.cfg.Start.Group {
		return io.EOF
	}
	if t.now().Sub(t.groups[n-1].created) >= grace {
		return io.EOF
	}
	return nil
}

func (r *Reader) begin(g *Group) cursor {
	r.begun++
	c := cursor{group: g}
	if g.id == r.cfg.Start.Group {
		c.from = r.cfg.Start.Object
	}
	return c
}

// look gives what comes at or after a place in the log, and moves the cursor
// behind it.
func (r *Reader) look(c *cursor, item *Item) bool {
	g := c.group
	g.mu.RLock()
	defer g.mu.RUnlock()
	if c.index < g.trimmed {
		// A late joiner has lost nothing by what left before it came.
		c.cut = c.cut || c.index > 0
		r.trimmed = c.index > 0
		c.index = g.trimmed
	}
	for {
		if c.ends < len(g.ends) && g.ends[c.ends].after <= c.index {
			end := g.ends[c.ends]
			c.ends++
			if r.cfg.Whole {
				continue
			}
			*item = Item{Group: g, Location: Location{Group: g.id, Object: g.next}, SubgroupEnd: true, Cut: !end.whole || c.cut}
			item.Object.Subgroup = end.subgroup
			return true
		}
		if c.index >= len(g.objects) {
			return r.lookEnd(c, item)
		}
		o := &g.objects[c.index]
		if o.state == objectGrowing && r.cfg.Whole && !r.leaves(g) {
			return false
		}
		c.index++
		if o.state == objectAborted || o.ID < c.from || o.state == objectGrowing && r.cfg.Whole {
			continue
		}
		item.Object, item.Group, item.Index = *o, g, c.index-1
		item.Location = Location{Group: g.id, Object: o.ID}
		return true
	}
}

// lookEnd gives the end of a group whose log was handed out. Guarded by g.mu.
func (r *Reader) lookEnd(c *cursor, item *Item) bool {
	g := c.group
	if !g.closed && !r.leaves(g) {
		return false
	}
	*item = Item{Group: g, Location: Location{Group: g.id, Object: g.next}, End: true}
	item.Cut = c.cut || g.broken || !g.closed && (len(g.open) > 0 || g.cutLocked())
	return true
}

// Reads tells whether objects of a group may still be handed out.
func (r *Reader) Reads(group uint64) bool {
	return slices.ContainsFunc(r.cursors, func(c cursor) bool { return c.group.id == group })
}

// leaves tells whether a group is left although more might come: who reads one
// group at a time goes on with the next one. Guarded by g.mu.
func (r *Reader) leaves(g *Group) bool {
	return r.cfg.Groups == 1 && !g.overtaken.IsZero() && g.quietLocked(r.track.now())
}

// SkipGroup gives up a group, because its delivery stalls. The reader goes on at the
// newest group, or waits for the next one if it has been in the newest already.
func (r *Reader) SkipGroup(g *Group) {
	i := slices.IndexFunc(r.cursors, func(c cursor) bool { return c.group == g })
	if i < 0 {
		return
	}
	if newest := r.track.newest(r.cfg.Until); newest != nil && newest != g {
		r.skipTo(newest, SkipStalled)
		return
	}
	r.drop(i, SkipStalled)
}

// dropLate skips what is older than the limit, when there is a newer group to go
// on with: to the newest group when it is this reader who is slow, and to the next
// one when something does not come.
func (r *Reader) dropLate() {
	for i := range r.cursors {
		c := &r.cursors[i]
		late, missing := c.late(r.track.now, r.cfg.MaxLag)
		if !late {
			continue
		}
		newest := r.track.newest(r.cfg.Until)
		if newest == nil || newest == c.group || newest.empty() {
			continue
		}
		if missing {
			r.drop(i, SkipMissing)
		} else {
			r.skipTo(newest, SkipLag)
		}
		return
	}
}

// drop leaves one group.
func (r *Reader) drop(i int, reason SkipReason) {
	r.cursors = slices.Delete(r.cursors, i, i+1)
	r.skipped(reason, 1)
}

// late tells whether the next object is older than the limit, and whether that is
// because it is missing.
func (c *cursor) late(now func() time.Time, limit time.Duration) (late, missing bool) {
	g := c.group
	if !g.behind.Load() {
		return false, false // As nearly always, and without a lock that all readers share.
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	since, n := g.overtaken, len(g.objects)
	switch {
	case c.index < n:
		since = g.objects[c.index].Complete
	case g.closed:
		return false, false
	case n > 0 && g.objects[n-1].Complete.After(since):
		since = g.objects[n-1].Complete // It is slow, but it comes.
	}
	missing = c.index >= n
	return now().Sub(since) > limit, missing
}

// skipTo leaves all groups before g, the newest, and those that it has not looked for
// yet. Was g read already, it waits for the next one.
func (r *Reader) skipTo(g *Group, reason SkipReason) {
	from := r.cursors[0].group.id
	r.cursors = slices.DeleteFunc(r.cursors, func(c cursor) bool { return c.group != g })
	if g.id >= r.next || g.made > r.seen {
		r.cursors = append(r.cursors, r.begin(g))
	}
	r.next, r.seen, r.floor = max(r.next, g.id+1), max(r.seen, g.made), g.id
	r.skipped(reason, groupsBetween(from, g.id))
}

// groupsBetween counts the groups left out, as far as IDs tell: a jump of IDs
// is no measure of groups, so it is capped.
func groupsBetween(from, to uint64) int { return int(min(to-from, 1<<10)) }

func (r *Reader) skipped(reason SkipReason, groups int) {
	if r.cfg.OnSkip != nil {
		r.cfg.OnSkip(reason, groups)
	}
}
