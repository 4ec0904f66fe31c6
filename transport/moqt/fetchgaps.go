package moqt

import (
	"context"
	"errors"
	"time"

	"github.com/freshet-live/freshet/relay"
)

const (
	// gapWait is how long a response waits for an object that others of its group
	// have overtaken: by as much as a packet that was lost and came again.
	gapWait = 200 * time.Millisecond
	// gapWithin bounds the answer of an upstream that is asked for one.
	gapWithin = 2 * time.Second
)

// settled gives the objects of a group once those that were overtaken are there, or
// do not come.
func (f *fetchSend) settled(ctx context.Context, g *relay.Group) []relay.Object {
	timer := time.NewTimer(gapWait)
	defer timer.Stop()
	for {
		closed := g.Closed()
		objects := g.Sorted()
		if closed || !f.gaps(g.ID(), objects) {
			return objects
		}
		select {
		case <-f.changed:
		case <-timer.C:
			return objects
		case <-ctx.Done():
			return objects
		}
	}
}

// gaps tells whether there are IDs in the range that are lower than those that came.
func (f *fetchSend) gaps(group uint64, objects []relay.Object) bool {
	next := f.firstOf(group)
	for i := range objects {
		if !f.wants(group, objects[i].ID) {
			continue
		}
		if objects[i].ID != next {
			return true
		}
		next++
	}
	return false
}

// firstOf is the first Object ID of a group that the range has.
func (f *fetchSend) firstOf(group uint64) uint64 {
	if group == f.start.Group {
		return f.start.Object
	}
	return 0
}

// sendGap asks upstream for the objects from one ID up to another that have not
// come: there they may be known, or known not to be. What nobody can be asked for, or
// who can be asked refuses, was left out by the publisher. A mark that they are
// unknown has no place within a group, so the response ends where nobody answers.
func (f *fetchSend) sendGap(ctx context.Context, group, from, to uint64) error {
	asking, cancel := context.WithTimeout(ctx, gapWithin)
	defer cancel()
	var broken error // Of this session, not of upstream.
	next := from
	err := f.track.FetchUpstream(asking, relay.Location{Group: group, Object: from}, relay.Location{Group: group, Object: to},
		func(_ uint64, o relay.Object) error {
			switch {
			case o.Status == relay.StatusUnknown:
				broken = errUnknown
			case o.ID >= next && o.ID < to:
				next = o.ID + 1
				broken = f.send(ctx, group, &o)
			}
			return broken
		})
	_, refused := errors.AsType[*RequestError](err)
	switch {
	case broken != nil:
		return broken
	case err == nil || refused || errors.Is(err, relay.ErrNotHere) || errors.Is(err, relay.ErrNoTrack):
		return nil
	}
	return upstreamFailed(ctx, err)
}
