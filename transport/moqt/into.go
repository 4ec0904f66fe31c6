package moqt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// defaultPublisherPriority is that of a track whose publisher names none
// ("DEFAULT PUBLISHER PRIORITY").
const defaultPublisherPriority = 128

// SubscribeInto fills a track of a relay with what the peer publishes under the
// same names, until ctx or the subscription ends. It calls accepted once, when the
// peer has agreed. A track that is empty begins with a whole group: the one that
// is being published, when the peer still has its start, or the next. Another goes
// on where it is (relay.Track.Resume). Errors wrap relay.ErrLost when the session
// has gone or is going, relay.ErrEnded when the publisher ended the track, and
// relay.ErrNoTrack when there is none.
func (c *Client) SubscribeInto(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	return c.s.subscribeInto(ctx, t, accepted)
}

// FetchInto brings objects of the past, from start up to end, exclusive.
func (c *Client) FetchInto(ctx context.Context, t *relay.Track, start, end relay.Location, emit func(uint64, relay.Object) error) error {
	return c.s.fetchInto(ctx, t, start, end, emit)
}

func (s *session) subscribeInto(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	in := newIntoTrack(s, t, accepted)
	o := SubscribeOptions{into: in, Filter: &wire.Filter{Type: wire.LargestObject}}
	from, resume := t.Resume()
	if resume {
		o.Filter = &wire.Filter{Type: wire.AbsoluteStart, Start: from}
	}
	in.resume, in.from = resume, from
	sub, err := s.subscribeAnew(ctx, t, o)
	if err != nil {
		return s.upstreamError(err)
	}
	if in.join != nil {
		in.joined(s.fetchPast(ctx, sub, in))
	}
	// Whoever goes on with the track must not meet streams of ours.
	defer in.letGo()
	select {
	case <-sub.Done():
		return s.upstreamError(sub.Err())
	case <-ctx.Done():
		_ = sub.Close()
		return context.Cause(ctx)
	}
}

const (
	// anewAfter is the first pause before a subscription is tried again, anewWithin
	// bounds the doubling pauses.
	anewAfter  = 5 * time.Millisecond
	anewWithin = time.Second
)

// subscribeAnew subscribes to a track that this side may just have left: a request and
// the end of the one before it go different ways, and a track can have one
// subscription in a session ("Subscriptions").
func (s *session) subscribeAnew(ctx context.Context, t *relay.Track, o SubscribeOptions) (*Subscription, error) {
	for pause := anewAfter; ; pause *= 2 {
		sub, err := s.subscribe(ctx, t.Broadcast().Namespace(), t.Name(), o)
		refused, is := errors.AsType[*RequestError](err)
		if !is || refused.Code != wire.RequestDuplicate || pause > anewWithin {
			return sub, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// upstreamError says in the relay's words why nothing comes.
func (s *session) upstreamError(err error) error {
	if done, ok := errors.AsType[*DoneError](err); ok {
		if done.Code == wire.DoneGoingAway {
			return fmt.Errorf("%w: %w", relay.ErrLost, err)
		}
		return fmt.Errorf("%w: %w", relay.ErrEnded, err)
	}
	if refused, ok := errors.AsType[*RequestError](err); ok {
		if refused.Code == wire.RequestGoingAway {
			return fmt.Errorf("%w: %w", relay.ErrLost, err)
		}
		if refused.Code == wire.RequestDoesNotExist {
			return fmt.Errorf("%w: %w", relay.ErrNoTrack, err)
		}
		return err
	}
	// Streams may know of the end before the session does.
	_, closed := errors.AsType[*CloseError](err)
	if closed || errors.Is(err, ErrGoingAway) || s.ctx.Err() != nil || isStreamEnd(err) {
		return fmt.Errorf("%w: %w", relay.ErrLost, err)
	}
	return err
}

// fetchPast brings what went before the subscription's first object in its group.
func (s *session) fetchPast(ctx context.Context, sub *Subscription, in *intoTrack) error {
	f, err := s.fetch(ctx, FetchOptions{}, &wire.Fetch{
		Type: wire.RelativeJoiningFetch, JoiningID: sub.call.id,
	})
	if err != nil {
		return err
	}
	past := pastFill{track: in.track, subgroups: make(map[place]*relay.Subgroup)}
	defer past.suspend()
	return f.into(ctx, past.take)
}

// pastFill takes in what a joining fetch brings. Its subgroups stay open for the
// streams of the subscription to go on with: whether a group is complete is not
// known from its past.
type pastFill struct {
	track     *relay.Track
	subgroups map[place]*relay.Subgroup
	unknown   bool // Of some nobody knows whether they were.
}

type place struct{ group, subgroup uint64 }

func (p *pastFill) take(group uint64, o relay.Object) error {
	if o.Status == relay.StatusUnknown {
		p.unknown = true
		return nil
	}
	g, err := p.track.OpenGroup(group)
	if err != nil {
		return err
	}
	if o.Datagram {
		return ignoreDuplicate(g.Insert(o))
	}
	at := place{group, o.Subgroup}
	to := p.subgroups[at]
	if to == nil {
		if to, err = g.OpenSubgroup(relay.SubgroupConfig{ID: o.Subgroup}); err != nil {
			return err
		}
		p.subgroups[at] = to
	}
	return ignoreDuplicate(to.Insert(o))
}

func (p *pastFill) suspend() {
	for _, s := range p.subgroups {
		s.Suspend()
	}
}

func ignoreDuplicate(err error) error {
	if errors.Is(err, relay.ErrDuplicate) {
		return nil
	}
	return err
}

func (s *session) fetchInto(ctx context.Context, t *relay.Track, start, end relay.Location, emit func(uint64, relay.Object) error) error {
	f, err := s.fetch(ctx, FetchOptions{}, &wire.Fetch{
		Type: wire.StandaloneFetch, Track: trackName(t.Broadcast().Namespace(), t.Name()), Start: start, End: end,
	})
	if err != nil {
		return s.upstreamError(err)
	}
	return f.into(ctx, emit)
}

// into hands a fetch's objects out as the relay's.
func (f *Fetch) into(ctx context.Context, emit func(uint64, relay.Object) error) error {
	for {
		o, err := f.next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err == nil && o.unknown:
			err = emit(o.Location.Group, relay.Object{ID: o.Location.Object, Status: relay.StatusUnknown})
		case err == nil:
			err = emit(o.Location.Group, relay.Object{
				ID: o.Location.Object, Subgroup: o.Subgroup, Datagram: o.datagram, Priority: o.Priority,
				Properties: o.properties, Payload: o.Payload, Complete: o.Arrival,
			})
		}
		if err != nil {
			_ = f.Close()
			return err
		}
	}
}

// intoTrack is how a subscription fills a track.
type intoTrack struct {
	s        *session
	track    *relay.Track
	accepted func(relay.TrackConfig)
	resume   bool
	from     relay.Location // The first object that the subscription itself brings.
	begun    sync.Once      // The first stream of a subscription that resumes.

	// Set by accept, before streams are read; then read-only.
	sub      *Subscription
	priority uint8          // Of streams that name none.
	join     *wire.Location // What was published before came in another way; nil when there is nothing.

	mu      sync.Mutex
	over    bool           // Guarded by mu. Nothing more is taken in.
	feeders sync.WaitGroup // Added to under mu, while not over.

	past chan struct{} // Closed when what went before join is there or will not come.
	once sync.Once
	gone bool // Set before past is closed: it will not come.
}

func newIntoTrack(s *session, t *relay.Track, accepted func(relay.TrackConfig)) *intoTrack {
	return &intoTrack{s: s, track: t, accepted: accepted, past: make(chan struct{})}
}

// feed is asked before something is taken in; fed follows unless it says no.
func (in *intoTrack) feed() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.over {
		in.feeders.Add(1)
	}
	return !in.over
}

func (in *intoTrack) fed() { in.feeders.Done() }

// letGo returns when nothing is taken in any more.
func (in *intoTrack) letGo() {
	in.sub.unwant()
	in.mu.Lock()
	in.over = true
	in.mu.Unlock()
	in.feeders.Wait()
}

// accept is told what the publisher said of the track.
func (in *intoTrack) accept(sub *Subscription, properties wire.KeyValues) {
	in.sub, in.priority = sub, defaultPublisherPriority
	if p, ok := properties.Get(wire.PropertyDefaultPriority); ok {
		in.priority = uint8(min(p.Int, 255))
	}
	if !in.resume && sub.largest != nil {
		in.join = sub.largest
		in.from = relay.Location{Group: in.join.Group, Object: in.join.Object + 1}
	}
	in.accepted(relay.TrackConfig{Priority: in.priority, Properties: true, Started: sub.largest != nil})
}

// joined ends the wait for the past.
func (in *intoTrack) joined(err error) {
	in.once.Do(func() {
		if err != nil {
			in.s.log.Debug("no joining fetch, the track starts at the next group", "track", in.track.Name(), "error", err)
		}
		in.gone = err != nil
		close(in.past)
	})
}

// errLeftOut ends the reading of a stream whose objects nobody wants.
var errLeftOut = errors.New("group is not wanted")

// stream takes in a subgroup stream, object by object and each as it comes.
func (in *intoTrack) stream(sh wire.SubgroupHeader, r *wire.StreamReader, turn *turn) error {
	if !in.feed() {
		return errLeftOut
	}
	defer in.fed()
	if in.join != nil && sh.Group <= in.join.Group {
		turn.done()
		select {
		case <-in.past:
		case <-in.sub.done:
			return errLeftOut
		case <-in.s.ctx.Done():
			return context.Cause(in.s.ctx)
		}
	} else {
		turn.await(in.s.ctx)
	}
	if in.resume {
		in.begun.Do(func() { in.startBridge(sh.Group) })
	}
	g, err := in.track.OpenGroup(sh.Group)
	turn.done()
	if err != nil {
		return fmt.Errorf("%w: %w", errLeftOut, err)
	}
	if !sh.HasPriority {
		sh.Priority = in.priority
	}
	f := subgroupFill{in: in, header: sh, group: g, r: r}
	return f.run(wire.NewSubgroupReader(r, sh))
}

// bridgeWithin bounds the fetch of what is missing before the group that a peer who
// takes over begins with: who watches live gains nothing from what comes later.
const bridgeWithin = 2 * time.Second

func (in *intoTrack) startBridge(first uint64) {
	if in.feed() {
		in.s.tasks.Go(func() {
			defer in.fed()
			in.bridge(first)
		})
	}
}

// bridge fetches what lies between the place to resume at and the first group of
// the subscription. A relay that has just begun with the track itself has it from
// further up. What does not come is gone.
func (in *intoTrack) bridge(first uint64) {
	if first > in.from.Group && !in.bridged(first) && in.sub.wanted.Err() != nil {
		return // Somebody else goes on from the same place.
	}
	in.track.Forsake(first)
}

// bridged tells whether everything came.
func (in *intoTrack) bridged(first uint64) bool {
	ctx, cancel := context.WithTimeout(in.sub.wanted, bridgeWithin)
	defer cancel()
	past := pastFill{track: in.track, subgroups: make(map[place]*relay.Subgroup)}
	err := in.s.fetchInto(ctx, in.track, in.from, relay.Location{Group: first - 1}, past.take)
	past.suspend()
	if err == nil && !past.unknown {
		in.track.Conclude(first)
		return true
	}
	if in.sub.wanted.Err() != nil {
		return false
	}
	in.s.log.Info("objects are lost that no upstream has", "track", in.track.Name(),
		"from_group", in.from.Group, "from_object", in.from.Object, "before_group", first, "error", err)
	return false
}

// datagram takes in an object that came in a datagram.
func (in *intoTrack) datagram(d *wire.Datagram) error {
	h := &d.Header
	g, err := in.track.OpenGroup(h.Location.Group)
	if err != nil {
		return nil //nolint:nilerr // It came too late, as datagrams do.
	}
	o := objectOf(h)
	if !d.HasPriority {
		o.Priority = in.priority
	}
	o.Payload = append([]byte(nil), d.Payload...)
	if err := g.Insert(o); errors.Is(err, relay.ErrMalformed) {
		return err
	}
	return nil
}

func objectOf(h *wire.ObjectHeader) relay.Object {
	return relay.Object{
		ID: h.Location.Object, Subgroup: h.Subgroup, Datagram: h.Datagram, Priority: h.Priority,
		Status: h.Status, Properties: h.Properties, Size: h.Length, Complete: time.Now(),
	}
}
