package moqt

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// settledAge is how old a single object must be for its group to count as
// complete, see startOf. A chunk of media is followed by the next one sooner.
const settledAge = 250 * time.Millisecond

// defaultPriority is that of a subscriber who names none ("SUBSCRIBER PRIORITY
// Parameter").
const defaultPriority = 128

// publication is the publisher's side of a subscription: what the subscriber
// wants, and the delivery of it (delivery.go).
type publication struct {
	// Set by newPublication, then read-only.
	x     *exchange
	s     *session
	track *relay.Track
	// changed wakes run: the track grew, or the subscriber's wishes changed.
	changed chan struct{}
	born    time.Time

	// Owned by run.
	delivery

	mu      sync.Mutex
	wishes  wishes         // Guarded by mu.
	joining *wire.Location // Guarded by mu. The Joining Location ("Subscriptions").
}

// wishes are what SUBSCRIBE says and REQUEST_UPDATE changes.
type wishes struct {
	version  int // Counts changes of where to read.
	forward  bool
	priority uint8
	start    relay.Location
	endGroup uint64 // Inclusive.
	debt     time.Duration
	largest  bool // The filter was Largest Object.
	resumes  bool // It named a place within a group, as one does who was there before.
}

func newPublication(x *exchange, t *relay.Track, m *wire.Subscribe) *publication {
	p := &publication{x: x, s: x.s, track: t, changed: make(chan struct{}, 1), born: time.Now()}
	p.joining = largest(t)
	p.wishes = wishes{forward: true, priority: defaultPriority}
	p.wishes.apply(&m.Params)
	f := m.Params.Filter
	if f == nil {
		// No filter passes all ("Subscription Filters").
		f = &wire.Filter{Type: wire.AbsoluteStart}
	}
	p.wishes.filter(f, p.track, p.joining)
	return p
}

// apply takes the parameters other than the filter.
func (w *wishes) apply(p *wire.Params) {
	if p.Forward != nil && w.forward != (*p.Forward == 1) {
		w.forward = !w.forward
		w.version++
	}
	if p.SubscriberPriority != nil {
		w.priority = *p.SubscriberPriority
	}
}

// filter resolves a filter against what was published up to newest.
func (w *wishes) filter(f *wire.Filter, t *relay.Track, newest *wire.Location) {
	w.version++
	w.endGroup = 1<<64 - 1
	w.debt = 0
	w.largest = f.Type == wire.LargestObject
	w.resumes = (f.Type == wire.AbsoluteStart || f.Type == wire.AbsoluteRange) && f.Start.Object > 0
	if f.Type == wire.AbsoluteRange {
		w.endGroup = f.EndGroup
	}
	w.start, w.debt = startOf(f, t, newest)
}

// startOf is the location to start at, and how old that is: a lag the
// subscriber asked for is not held against it.
//
// Largest Object means the object after the newest one. For a track such as the
// catalog, each of whose groups is one object that holds the whole state, the
// subscriber would wait for a change it may never see; players do subscribe so (and
// then hang). As the state is what was asked for, such a group is delivered from its
// start. A joining fetch then brings the same object again, which is allowed for. Not
// so of media: who moves here between two groups would get one of them twice.
//
// An absolute start that is not in the log, like the {0,0} of an unfiltered
// subscription, means "what is published from now on" and starts at the newest
// group, where decoding can begin; the past is what FETCH is for.
func startOf(f *wire.Filter, t *relay.Track, newest *wire.Location) (relay.Location, time.Duration) {
	if newest == nil {
		if f.Type == wire.AbsoluteStart || f.Type == wire.AbsoluteRange {
			return f.Start, 0
		}
		return relay.Location{}, 0
	}
	g, ok := t.Group(newest.Group)
	switch f.Type {
	case wire.NextGroupStart:
		return relay.Location{Group: newest.Group + 1}, 0
	case wire.LargestObject:
		if ok && settled(t, g) {
			return relay.Location{Group: newest.Group}, 0
		}
		return relay.Location{Group: newest.Group, Object: newest.Object + 1}, 0
	case wire.AbsoluteStart, wire.AbsoluteRange:
	}
	if f.Start.Group >= newest.Group {
		return f.Start, 0
	}
	old, ok := t.Group(f.Start.Group)
	if !ok {
		return relay.Location{Group: newest.Group}, 0
	}
	return f.Start, time.Since(old.Created())
}

// settled tells whether a group is a state of one object that will not be followed
// by another in it: nor was that so in the group before, if it is there.
func settled(t *relay.Track, g *relay.Group) bool {
	if g.Len() != 1 || !g.Closed() && time.Since(g.Created()) < settledAge {
		return false
	}
	before, ok := t.Group(g.ID() - 1)
	return !ok || before.Len() == 1
}

// ended tells whether the whole of the wanted range is in the past.
func (p *publication) ended() bool {
	l, ok := p.track.Largest()
	return ok && p.wishes.endGroup < l.Group
}

// joined is the Largest Object that SUBSCRIBE_OK reports.
func (p *publication) joined() *wire.Location {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.joining
}

// joinable tells what a joining fetch may refer to.
func (p *publication) joinable() (l *wire.Location, forward, largest bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.joining, p.wishes.forward, p.wishes.largest
}

// update applies REQUEST_UPDATE and answers it ("Updating Subscriptions").
func (p *publication) update(m *wire.RequestUpdate) {
	newest := largest(p.track)
	p.mu.Lock()
	was := p.wishes.forward
	p.wishes.apply(&m.Params)
	if p.wishes.forward && !was {
		p.joining = newest
		if newest != nil {
			// Objects of the pause are not wanted; the filter still counts.
			next := relay.Location{Group: newest.Group, Object: newest.Object + 1}
			if p.wishes.start.Less(next) {
				p.wishes.start = next
			}
		}
	}
	if m.Params.Filter != nil {
		p.wishes.filter(m.Params.Filter, p.track, newest)
	}
	p.mu.Unlock()
	p.wake()
	p.x.send(&wire.RequestOK{RequestID: m.RequestID, Params: wire.Params{Largest: newest}})
}

func (p *publication) wake() {
	select {
	case p.changed <- struct{}{}:
	default: // A wake-up is pending already.
	}
}

func (p *publication) current() wishes {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wishes
}

// run delivers until the track or the range ends and gives the code for
// PUBLISH_DONE; or until ctx ends.
func (p *publication) run(ctx context.Context) (wire.DoneCode, string) {
	stop := p.track.Notify(p.changed)
	defer stop()
	shared := framedTrack{p.track, p.s.d}
	p.frames = p.s.framing.enter(shared)
	defer p.s.framing.leave(shared)
	p.s.stalls.enter(&p.stall)
	defer p.s.stalls.leave(&p.stall)
	defer p.resetAll(wire.ResetCancelled)
	// One channel to sleep at: that is cheaper than a choice of two, for each object.
	defer context.AfterFunc(ctx, p.wake)()
	for ctx.Err() == nil {
		w := p.current()
		p.follow(w)
		if !w.forward {
			p.sleep()
			continue
		}
		moved := p.pump(ctx)
		item, ok, err := p.reader.TryNext()
		p.reconcile()
		switch {
		case errors.Is(err, io.EOF):
			return wire.DoneSubscriptionEnded, "end of the range"
		case err != nil:
			return p.over(err)
		case ok:
			p.take(ctx, item)
			p.reconcile()
		case !moved:
			p.sleep()
		}
	}
	return wire.DoneInternal, ""
}

// over gives the code for the end of a track. Relays wait for one that may go on
// elsewhere, so what ended with its broadcast is told from what its publisher ended.
func (p *publication) over(err error) (wire.DoneCode, string) {
	b := p.track.Broadcast()
	gone := b.Err() != nil
	if errors.Is(err, relay.ErrEnded) || !gone && !b.Remote() || gone && p.s.final(err) {
		return wire.DoneTrackEnded, "track ended"
	}
	return wire.DoneInternal, "the track does not go on here"
}

// sleep waits for a change: of the track, of the subscriber's wishes, or of run's context.
func (p *publication) sleep() { <-p.changed }
