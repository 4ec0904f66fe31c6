package moqt

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// fetchRange is what a FETCH asks for: from start up to end, which is exclusive
// in Object, with zero for the whole of end.Group.
type fetchRange struct {
	track      *relay.Track
	start, end relay.Location
}

// fetch answers FETCH from the log.
func (x *exchange) fetch(m *wire.Fetch) {
	var r *fetchRange
	if m.Type == wire.StandaloneFetch {
		r = x.standalone(m)
	} else {
		r = x.joining(m)
	}
	if r == nil {
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

func (x *exchange) standalone(m *wire.Fetch) *fetchRange {
	track := x.lookup(ActionFetch, m.Track, 0)
	if track == nil {
		return nil
	}
	return &fetchRange{track: track, start: m.Start, end: m.End}
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

// fetchSend writes the response of one FETCH.
type fetchSend struct {
	fetchRange

	x          *exchange
	descending bool
	priority   atomic.Uint32 // The subscriber's.

	// Owned by run.
	stream  SendStream
	cursor  wire.FetchCursor
	ticket  ticket
	scratch []byte
}

// update takes a new priority ("SUBSCRIBER PRIORITY Parameter").
func (f *fetchSend) update(m *wire.RequestUpdate) {
	f.reprioritize(&m.Params)
	f.x.send(&wire.RequestOK{RequestID: m.RequestID})
}

func (f *fetchSend) reprioritize(p *wire.Params) {
	if p.SubscriberPriority != nil {
		f.priority.Store(uint32(*p.SubscriberPriority))
	}
}

// run sends what is in the log on one stream and ends it with FIN; objects of
// the range that are not there do not exist any more ("Fetch Handling").
func (f *fetchSend) run(ctx context.Context) {
	st, err := f.x.s.conn.OpenUniStream(ctx)
	if err != nil {
		return
	}
	f.stream = st
	f.cursor.Descending = f.descending
	f.scratch = f.x.s.d.AppendFetchHeader(nil, f.x.id)
	err = f.write(ctx, nil)
	for g := f.next(nil); g != nil && err == nil; g = f.next(g) {
		err = f.sendGroup(ctx, g)
	}
	if err == nil {
		_ = st.Close()
		f.x.s.progressed()
		return
	}
	f.abandon(ctx, err)
}

// next finds the group after g, or the first one for nil. It looks at the log
// anew each time: a peer that reads slowly must not keep alive what has left it.
func (f *fetchSend) next(g *relay.Group) *relay.Group {
	groups := f.track.Groups()
	if f.descending {
		slices.Reverse(groups)
	}
	for _, h := range groups {
		if h.ID() < f.start.Group || h.ID() > f.end.Group {
			continue
		}
		if g == nil || (h.ID() > g.ID()) != f.descending && h != g {
			return h
		}
	}
	return nil
}

func (f *fetchSend) sendGroup(ctx context.Context, g *relay.Group) error {
	i := uint64(0)
	if g.ID() == f.start.Group {
		i = f.start.Object
	}
	began := time.Now()
	for ; g.ID() < f.end.Group || f.end.Object == 0 || i < f.end.Object; i++ {
		o, ok := g.Object(int(i))
		if !ok {
			return nil
		}
		if f.overdue(g, began) {
			return errOverdue
		}
		f.scratch = f.x.s.d.AppendFetchObject(f.scratch[:0], &f.cursor, g.ID(), &o)
		if err := f.write(ctx, o.Payload); err != nil {
			return err
		}
	}
	return nil
}

// errOverdue ends a fetch whose peer reads so slowly that the group it is at is
// kept in memory for it alone.
var errOverdue = errors.New("the group has left the log")

func (f *fetchSend) overdue(g *relay.Group, began time.Time) bool {
	if time.Since(began) < f.x.s.limits.StallTimeout {
		return false
	}
	_, cached := f.track.Group(g.ID())
	return !cached
}

// write sends scratch and a payload. The past is not in a hurry, so the limit
// is that of a peer that reads nothing at all.
func (f *fetchSend) write(ctx context.Context, payload []byte) error {
	s := f.x.s
	f.ticket.key = uint16(f.priority.Load())<<8 | uint16(f.track.Priority())
	_ = f.stream.SetWriteDeadline(time.Now().Add(s.limits.StallTimeout))
	err := s.writeMedia(ctx, f.stream, &f.ticket, f.scratch, payload)
	if err == nil {
		s.metrics.bytes.Add(float64(len(payload)))
	}
	return err
}

func (f *fetchSend) abandon(ctx context.Context, err error) {
	s := f.x.s
	code := wire.ResetCancelled
	switch {
	case ctx.Err() != nil || isStreamEnd(err):
	case errors.Is(err, errOverdue):
		code = wire.ResetTooFarBehind
	case errors.Is(err, os.ErrDeadlineExceeded):
		code = wire.ResetDeliveryTimeout
		s.stalled()
	default:
		s.fail(err)
	}
	f.stream.CancelWrite(s.d.Reset(code))
}
