package moqt

import (
	"context"
	"time"

	"github.com/freshet-live/freshet/relay"
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
			late := time.After(tailWait)
			in.fetchRest(first)
			select { // The stream of a group may come behind that of a later one.
			case <-late:
			case <-in.feeders.ctx.Done():
			}
		}
		if in.feeders.ctx.Err() == nil { // Else another brings it.
			in.track.Forsake(first)
		}
	})
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
			in.fetchRest(in.join.Group + 1)
		}
	})
}

// fetchRest fetches from the place where the subscription began up to a group.
func (in *intoTrack) fetchRest(before uint64) {
	ctx, cancel := context.WithTimeout(in.feeders.ctx, bridgeWithin)
	defer cancel()
	past := pastFill{track: in.track, subgroups: make(map[place]*relay.Subgroup)}
	err := in.s.fetchInto(ctx, in.track, in.from, relay.Location{Group: before - 1}, past.take)
	past.suspend()
	if err == nil && !past.unknown {
		in.track.Conclude(in.from.Group, before)
		return
	}
	in.s.log.Info("objects are lost that no upstream has", "track", in.track.Name(),
		"from_group", in.from.Group, "from_object", in.from.Object, "before_group", before, "error", err)
}
