package moqt

import (
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// fetchRange is what a FETCH asks for: from start up to end, which is exclusive
// in Object, with zero for the whole of end.Group.
type fetchRange struct {
	track      *relay.Track
	start, end relay.Location
}

// fetch answers FETCH from the log and, where that lacks the head of the range,
// from upstream (fetchsend.go).
func (x *exchange) fetch(m *wire.Fetch) {
	var r *fetchRange
	if m.Type == wire.StandaloneFetch {
		track, release := x.lookup(ActionFetch, m.Track, 0)
		if track == nil {
			return
		}
		defer release()
		track.AwaitStarted(x.ctx)
		r = &fetchRange{track: track, start: m.Start, end: m.End}
	} else if r = x.joining(m); r == nil {
		return
	}
	largest, ok := r.track.Largest()
	if !ok || largest.Less(r.start) || r.empty() {
		x.refuse(wire.RequestInvalidRange, "nothing was published in this range")
		return
	}
	f := &fetchSend{x: x, fetchRange: *r, descending: order(m) == wire.Descending}
	f.priority.Store(uint32(defaultPriority))
	f.reprioritize(&m.Params)
	f.limit(largest)
	x.takeUpdates(f.update)
	x.send(&wire.FetchOK{RequestID: x.id, End: f.end, EndOfTrack: f.endOfTrack(largest)})
	f.run(x.ctx)
}

func order(m *wire.Fetch) uint8 {
	if m.Params.GroupOrder == nil {
		return wire.Ascending
	}
	return *m.Params.GroupOrder
}

// joining computes the range of a joining fetch, which ends where its
// subscription began ("Joining Fetch Range Calculation").
func (x *exchange) joining(m *wire.Fetch) *fetchRange {
	p := x.joinedPublication(m.JoiningID)
	if p == nil {
		x.refuse(wire.RequestInvalidJoiningID, "no such subscription")
		return nil
	}
	joining, forward, isLargest := p.joinable()
	if x.s.d.JoinsLargestOnly && !isLargest {
		// Draft 16 would have the session closed; an answer says the same
		// without taking the viewer's other tracks down.
		x.refuse(wire.RequestInvalidRange, "the subscription's filter is not Largest Object")
		return nil
	}
	if joining == nil || !forward && !x.s.d.JoinsLargestOnly {
		x.refuse(wire.RequestInvalidRange, "nothing to join")
		return nil
	}
	start := m.JoiningStart
	if m.Type == wire.RelativeJoiningFetch {
		start = joining.Group - min(m.JoiningStart, joining.Group)
	}
	return &fetchRange{
		track: p.track,
		start: relay.Location{Group: start},
		end:   relay.Location{Group: joining.Group, Object: joining.Object + 1},
	}
}

// joinedPublication finds the subscription, which may still be under way or
// about to be accepted.
func (x *exchange) joinedPublication(id uint64) *publication {
	sub, ok := x.s.incoming.await(x.ctx, id)
	if !ok {
		return nil
	}
	select {
	case <-sub.settled:
	case <-sub.ctx.Done():
		return nil
	case <-x.ctx.Done():
		return nil
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	return sub.publication
}

// empty tells whether the range ends before it starts.
func (r *fetchRange) empty() bool {
	return r.end.Group < r.start.Group ||
		r.end.Group == r.start.Group && r.end.Object != 0 && r.end.Object <= r.start.Object
}

// limit cuts the end to what was published, as FETCH_OK reports it.
func (r *fetchRange) limit(largest relay.Location) {
	published := relay.Location{Group: largest.Group, Object: largest.Object + 1}
	if r.end.Group > largest.Group ||
		r.end.Group == largest.Group && (r.end.Object == 0 || published.Less(r.end)) {
		r.end = published
	}
}

// endOfTrack is 1 when the track is over and the range reaches its last object.
func (r *fetchRange) endOfTrack(largest relay.Location) uint8 {
	if r.track.Err() != nil && largest.Less(r.end) {
		return 1
	}
	return 0
}
