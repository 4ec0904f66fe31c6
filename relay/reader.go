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
	// OnSkip, if set, is told of every skip with the number of groups left
	// (at least one). It is called from Next, on the caller's goroutine.
	OnSkip func(reason SkipReason, groups int)
}

// Item is what a Reader hands out: an Object with its Location. Either it is an
// object, or End is set and Object empty: the group at Location.Group is
// complete and all of it was handed out from Location.Object's start on.
type Item struct {
	Location Location
	Object   Object
	Group    *Group
	// End marks the end of a complete group. A group that was skipped ends
	// without it.
	End bool
}

// Reader is a cursor over a Track. It holds no payload and costs no goroutine.
// A Reader is used by one goroutine at a time.
type Reader struct {
	track   *Track
	cfg     ReaderConfig
	next    Location // The next object wanted.
	group   *Group   // The group of next, once found.
	started bool     // Something was handed out.
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
	loc, g := r.next, r.group
	o, ok, end := g.at(int(loc.Object))
	switch {
	case ok:
		r.next.Object++
		r.started = true
		return Item{Location: loc, Object: o, Group: g}, true, nil
	case end:
		r.leaveGroup()
		return Item{Location: loc, Group: g, End: true}, true, nil
	}
	return Item{}, false, nil
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
	if g.id > r.next.Group {
		// A late joiner has lost nothing by what left before it came.
		if evicted && r.started {
			r.skipped(SkipEvicted, groupsBetween(r.next.Group, g.id))
		}
		r.next = Location{Group: g.id}
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
	o, ok, _ := r.group.at(int(r.next.Object))
	if !ok || r.track.now().Sub(o.Complete) <= r.cfg.MaxLag {
		return nil
	}
	newest := r.track.newest()
	if newest == r.group || newest.Len() == 0 {
		return nil
	}
	return newest
}

func (r *Reader) skipTo(g *Group, reason SkipReason) {
	r.skipped(reason, groupsBetween(r.group.id, g.id))
	r.group = g
	r.next = Location{Group: g.id}
}

// groupsBetween counts the groups left out, as far as IDs tell: a jump of IDs
// is no measure of groups, so it is capped.
func groupsBetween(from, to uint64) int { return int(min(to-from, 1<<10)) }

func (r *Reader) skipped(reason SkipReason, groups int) {
	if r.cfg.OnSkip != nil {
		r.cfg.OnSkip(reason, groups)
	}
}
