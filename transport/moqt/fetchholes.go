package moqt

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

const (
	// overtakenWait is how long a response waits for what others have overtaken on
	// their way here: by as much as a packet that was lost and came again.
	overtakenWait = 200 * time.Millisecond
	// comingWait is how long a response waits for the rest of a group whose stream is
	// open, and comingPause how long such a stream may have brought nothing: one of
	// which its publisher has forgotten to send the end is no reason to wait.
	comingWait  = time.Second
	comingPause = 2 * time.Second
	// askWithin bounds the answers of an upstream that is asked for it then.
	askWithin = 2 * time.Second
	// asksApart is how many holes upstream is asked for one by one; more are one range.
	asksApart = 4
)

// fill gets what the log lacks between what it has: a gap in a response says that
// objects do not exist, and what has an unknown status must be confirmed upstream
// ("Fetch Handling").
func (f *fetchSend) fill(ctx context.Context) error {
	holes := f.overtaken(ctx)
	if len(holes) > asksApart {
		holes = []relay.Hole{{Start: holes[0].Start, End: holes[len(holes)-1].End}}
	}
	asking, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	for _, h := range holes {
		f.ask(asking, h)
	}
	if f.descending && len(f.unknown) > 0 {
		return errUnknown
	}
	return ctx.Err()
}

// overtaken waits for what may be on its way, and gives the holes that stay.
func (f *fetchSend) overtaken(ctx context.Context) []relay.Hole {
	began := time.Now()
	for {
		holes := f.track.Holes(f.start, f.end)
		until := patience(holes, began)
		if !time.Now().Before(until) || ctx.Err() != nil {
			return holes
		}
		timer := time.NewTimer(time.Until(until))
		select {
		case <-f.changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// patience is until when one of the holes may still be filled by what comes by itself,
// for a response that began to wait at began.
func patience(holes []relay.Hole, began time.Time) (until time.Time) {
	for _, h := range holes {
		end := h.Since
		if began.Before(end) {
			end = began
		}
		end = end.Add(overtakenWait)
		if coming(h) {
			end = began.Add(comingWait)
		}
		if end.After(until) {
			until = end
		}
	}
	return until
}

// coming tells whether a hole is the rest of a group that is being sent to us.
func coming(h relay.Hole) bool {
	return !h.Coming.IsZero() && time.Since(h.Coming) < comingPause
}

// ask gets from upstream what is in a hole. A publisher that refuses FETCH has left it
// out, unless it is sending it: nobody else can be asked.
func (f *fetchSend) ask(ctx context.Context, h relay.Hole) {
	some, full := false, false
	err := f.track.FetchUpstream(ctx, h.Start, h.End, func(group uint64, o relay.Object) error {
		some = true
		full = o.Status == relay.StatusUnknown || !f.keep(group, &o)
		if full {
			return errUnknown
		}
		return nil
	})
	switch {
	case err == nil && !some:
		f.track.Settle(h)
	case err != nil && (full || coming(h) || !leftOut(err)):
		f.unknown = append(f.unknown, h)
	}
}

// leftOut tells whether nobody can be asked for objects, so that they are taken for
// such as their publisher left out.
func leftOut(err error) bool {
	if refused, ok := errors.AsType[*RequestError](err); ok {
		switch refused.Code {
		case wire.RequestNotSupported, wire.RequestDoesNotExist, wire.RequestInvalidRange, wire.RequestUnauthorized:
			return true
		default:
			return false
		}
	}
	return errors.Is(err, relay.ErrNotHere) || errors.Is(err, relay.ErrNoTrack) || errors.Is(err, errors.ErrUnsupported)
}

// keep holds an object that the log lacks; false when there is no room.
func (f *fetchSend) keep(group uint64, o *relay.Object) bool {
	if g, ok := f.track.Group(group); ok {
		if _, ok := g.Get(o.ID); ok {
			return true
		}
	}
	f.heldBytes += int64(len(o.Payload))
	if f.x.s.held.Add(int64(len(o.Payload))) > maxHeld {
		return false
	}
	if f.late == nil {
		f.late = make(map[uint64][]relay.Object)
	}
	f.late[group] = append(f.late[group], *o)
	return true
}

// objects are those of a group, wherever they are.
func (f *fetchSend) objects(g *relay.Group) []relay.Object {
	objects := g.Sorted()
	late := f.late[g.ID()]
	if len(late) == 0 {
		return objects
	}
	delete(f.late, g.ID())
	objects = append(objects, late...)
	byID := func(a, b relay.Object) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortStableFunc(objects, byID)
	return slices.CompactFunc(objects, func(a, b relay.Object) bool { return a.ID == b.ID })
}

// sendLate sends the groups that upstream alone has and that go before one of the log;
// all for nil.
func (f *fetchSend) sendLate(ctx context.Context, before *relay.Group) error {
	ids := slices.Sorted(maps.Keys(f.late))
	if f.descending {
		slices.Reverse(ids)
	}
	for _, id := range ids {
		if before != nil && (id == before.ID() || (id > before.ID()) != f.descending) {
			return nil
		}
		objects := f.late[id]
		delete(f.late, id)
		for i := range objects {
			if err := f.send(ctx, id, &objects[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// sendUnknown marks what nobody knows of before a location, or ends the response there:
// within a group there is no such mark.
func (f *fetchSend) sendUnknown(ctx context.Context, before relay.Location) error {
	for len(f.unknown) > 0 && !before.Less(f.unknown[0].End) {
		last := f.unknown[0].End
		f.unknown = f.unknown[1:]
		if last.Object > 0 {
			last.Object--
		} else {
			last = relay.Location{Group: last.Group - 1, Object: wire.LastObject}
		}
		if f.cursor.Within(last.Group) {
			return errUnknown
		}
		f.scratch = f.x.s.d.AppendFetchUnknown(f.scratch[:0], &f.cursor, last)
		if err := f.write(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}
