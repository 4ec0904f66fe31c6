package moqt

import (
	"context"
	"errors"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// bridgeWithin bounds the fetch of what is missing before the group that a peer who
// takes over begins with: who watches live gains nothing from what comes later.
const bridgeWithin = 2 * time.Second

// bridge fetches what lies between the place to resume at and the first group of
// the subscription. A relay that has just begun with the track itself has it from
// further up. What does not come is gone.
func (in *intoTrack) bridge(first uint64) {
	if !in.feeders.enter(nil) {
		return
	}
	in.s.tasks.Go(func() {
		defer in.feeders.exit(nil)
		if first > in.from.Group {
			in.fetchMissing(first)
		}
		if in.feeders.ctx.Err() == nil { // Else another brings it.
			in.track.Forsake(first)
		}
	})
}

// fetchMissing asks a second time for what did not come at once: the stream of a group
// may come behind that of a later one, here and at every relay above.
func (in *intoTrack) fetchMissing(before uint64) {
	ctx, cancel := context.WithTimeout(in.feeders.ctx, bridgeWithin)
	defer cancel()
	late := time.After(tailWait)
	err := in.fetchRest(ctx, before)
	if err == nil {
		return
	}
	select {
	case <-late:
	case <-ctx.Done():
	}
	if refused, ok := errors.AsType[*RequestError](err); !ok || refused.Code != wire.RequestNotSupported {
		err = in.fetchRest(ctx, before)
	}
	if err != nil && in.feeders.ctx.Err() == nil {
		in.s.log.Info("objects are lost that no upstream has", "track", in.track.Name(),
			"from_group", in.from.Group, "from_object", in.from.Object, "before_group", before, "error", err)
	}
}

// tailWait is how long a stream may come later than that of a group behind its own.
const tailWait = 100 * time.Millisecond

// askTail asks for the rest of the group that was joined, when the next one begins and
// no stream has brought any: who joins behind a group's last object is not told that
// it was the last.
func (in *intoTrack) askTail() {
	if !in.feeders.enter(nil) {
		return
	}
	in.s.tasks.Go(func() {
		defer in.feeders.exit(nil)
		ctx := in.feeders.ctx
		select {
		case <-in.past:
		case <-ctx.Done():
		}
		select {
		case <-time.After(tailWait):
		case <-ctx.Done():
		}
		if ctx.Err() == nil && !in.gone && !in.tail.Load() {
			in.fetchTail(ctx)
		}
	})
}

// fetchTail fetches the rest of the group that was joined.
func (in *intoTrack) fetchTail(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, bridgeWithin)
	defer cancel()
	if err := in.fetchRest(ctx, in.join.Group+1); err != nil && in.feeders.ctx.Err() == nil {
		in.s.log.Info("the end of the group that was joined is lost", "track", in.track.Name(), "group", in.join.Group, "error", err)
	}
}

// fetchRest fetches from the place where the subscription began up to a group, and ends
// the groups between when all of it came.
func (in *intoTrack) fetchRest(ctx context.Context, before uint64) error {
	past := newPastFill(in.track)
	err := in.s.fetchInto(ctx, in.track, in.from, relay.Location{Group: before - 1}, past.take)
	past.suspend()
	switch {
	case err != nil:
		return err
	case past.unknown:
		return errUnknown
	}
	in.track.Conclude(in.from.Group, before)
	return nil
}
