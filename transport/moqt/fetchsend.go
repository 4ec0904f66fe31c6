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
	changed chan struct{} // Wakes who waits for an object that is arriving.
	// What came from upstream by rising Group ID and is wanted by falling.
	held      []heldGroup
	heldBytes int64
	// What the log lacked between what it has (fetchholes.go).
	late    map[uint64][]relay.Object // What upstream has of it, by Group ID.
	unknown []relay.Hole              // What nobody knows of, in order.
}

// The reasons to end a fetch in the middle.
var (
	// errOverdue: the peer reads so slowly that the group it is at is kept in
	// memory for it alone.
	errOverdue = errors.New("the group has left the log")
	// errUnknown: objects that were published could not be had.
	errUnknown = errors.New("objects of the range did not come")
)

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

// run sends the range on one stream and ends it with FIN; objects that are not
// there do not exist any more ("Fetch Handling").
func (f *fetchSend) run(ctx context.Context) {
	st, err := f.x.s.conn.OpenUniStream(ctx)
	if err != nil {
		return
	}
	f.stream = st
	f.changed = make(chan struct{}, 1)
	defer f.track.Notify(f.changed)()
	defer func() { f.x.s.held.Add(-f.heldBytes) }()
	f.cursor.Descending = f.descending
	f.scratch = f.x.s.d.AppendFetchHeader(nil, f.x.id)
	if err = f.write(ctx, nil); err == nil {
		err = f.sendAll(ctx)
	}
	if err == nil {
		_ = st.Close()
		f.x.s.progressed()
		return
	}
	f.abandon(ctx, err)
}

func (f *fetchSend) sendAll(ctx context.Context) error {
	for {
		until, missing := f.track.Missing(f.start, f.end)
		if !missing {
			if err := f.fill(ctx); err != nil {
				return err
			}
			return f.sendLog(ctx)
		}
		take := f.send
		if f.descending {
			take = f.hold
		}
		err := f.track.FetchUpstream(ctx, f.start, until, func(group uint64, o relay.Object) error {
			return take(ctx, group, &o)
		})
		if err != nil {
			return upstreamFailed(ctx, err)
		}
		f.start = until
	}
}

// upstreamFailed tells a failure upstream from one of this session.
func upstreamFailed(ctx context.Context, err error) error {
	if ctx.Err() != nil || isStreamEnd(err) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return errors.Join(errUnknown, err)
}

// sendLog sends what the log has of the range.
func (f *fetchSend) sendLog(ctx context.Context) error {
	if last, some := f.track.Evicted(f.start); some && !f.descending {
		unknown := relay.Object{ID: wire.LastObject, Status: relay.StatusUnknown}
		if err := f.send(ctx, min(last, f.end.Group), &unknown); err != nil {
			return err
		}
	}
	for g := f.next(nil); g != nil; g = f.next(g) {
		// Of one group upstream may have the head and the log the rest.
		err := f.sendHeld(ctx, g.ID())
		if err == nil {
			err = f.sendLate(ctx, g)
		}
		if err == nil {
			err = f.sendGroup(ctx, g)
		}
		if err != nil {
			return err
		}
	}
	if err := f.sendLate(ctx, nil); err != nil {
		return err
	}
	if err := f.sendHeld(ctx, 0); err != nil {
		return err
	}
	return f.sendUnknown(ctx, relay.Location{Group: 1<<64 - 1})
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
		if g == nil || (h.ID() > g.ID()) != f.descending && h.ID() != g.ID() {
			return h
		}
	}
	return nil
}

// wants tells whether an object of a group is in the range.
func (f *fetchSend) wants(group, object uint64) bool {
	if group == f.start.Group && object < f.start.Object {
		return false
	}
	return group < f.end.Group || f.end.Object == 0 || object < f.end.Object
}

func (f *fetchSend) sendGroup(ctx context.Context, g *relay.Group) error {
	began := time.Now()
	if first := g.Trimmed(); first > 0 && f.wants(g.ID(), first-1) && !f.cursor.Within(g.ID()) {
		if err := f.send(ctx, g.ID(), &relay.Object{ID: first - 1, Status: relay.StatusUnknown}); err != nil {
			return err
		}
	}
	for _, o := range f.objects(g) {
		if !f.wants(g.ID(), o.ID) {
			continue
		}
		if f.overdue(g, began) {
			return errOverdue
		}
		if !o.Whole() {
			var err error
			if o, err = f.await(ctx, g, o.ID); err != nil {
				return err
			}
		}
		if err := f.send(ctx, g.ID(), &o); err != nil {
			return err
		}
	}
	return nil
}

// await waits for an object to be whole.
func (f *fetchSend) await(ctx context.Context, g *relay.Group, id uint64) (relay.Object, error) {
	ctx, cancel := context.WithTimeout(ctx, f.x.s.limits.StallTimeout)
	defer cancel()
	for {
		o, ok := g.Get(id)
		if !ok {
			return o, errUnknown
		}
		if o.Whole() {
			return o, nil
		}
		select {
		case <-f.changed:
		case <-ctx.Done():
			return o, errUnknown
		}
	}
}

func (f *fetchSend) overdue(g *relay.Group, began time.Time) bool {
	if time.Since(began) < f.x.s.limits.StallTimeout {
		return false
	}
	_, cached := f.track.Group(g.ID())
	return !cached
}

// send writes an object. One that only marks an end is no object of a response:
// the end of the range says as much.
func (f *fetchSend) send(ctx context.Context, group uint64, o *relay.Object) error {
	if err := f.sendUnknown(ctx, relay.Location{Group: group, Object: o.ID}); err != nil {
		return err
	}
	switch o.Status {
	case relay.StatusNormal:
		f.scratch = f.x.s.d.AppendFetchObject(f.scratch[:0], &f.cursor, group, o)
	case relay.StatusUnknown:
		f.scratch = f.x.s.d.AppendFetchUnknown(f.scratch[:0], &f.cursor, wire.Location{Group: group, Object: o.ID})
	default:
		return nil
	}
	return f.write(ctx, o.Payload)
}

// maxHeld bounds what is held to turn the order of responses from upstream, for all
// fetches of a session together.
const maxHeld = 32 << 20

// heldGroup is what upstream has of a group in a response by falling Group ID.
type heldGroup struct {
	id      uint64
	objects []relay.Object
}

// hold keeps an object until its group's turn.
func (f *fetchSend) hold(_ context.Context, group uint64, o *relay.Object) error {
	f.heldBytes += int64(len(o.Payload))
	if f.x.s.held.Add(int64(len(o.Payload))) > maxHeld {
		return errUnknown
	}
	if o.Status == relay.StatusUnknown {
		return nil
	}
	if n := len(f.held); n == 0 || f.held[n-1].id != group {
		f.held = append(f.held, heldGroup{id: group})
	}
	g := &f.held[len(f.held)-1]
	g.objects = append(g.objects, *o)
	return nil
}

// sendHeld sends the groups that were held, down to an ID.
func (f *fetchSend) sendHeld(ctx context.Context, down uint64) error {
	for n := len(f.held); n > 0 && f.held[n-1].id >= down; n-- {
		g := f.held[n-1]
		for _, o := range g.objects {
			if err := f.send(ctx, g.id, &o); err != nil {
				return err
			}
		}
		f.held = f.held[:n-1]
	}
	return nil
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
	case errors.Is(err, errUnknown):
		code = wire.ResetUnknownStatus
	case errors.Is(err, os.ErrDeadlineExceeded):
		code = wire.ResetDeliveryTimeout
		s.stalled()
	default:
		s.fail(err)
	}
	f.stream.CancelWrite(s.d.Reset(code))
}
