package moqt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
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
// is being published, when the peer still has its start, or the next. What older groups
// are still being sent then is left to those who want the past, for who joins begins at
// the newest one: a FETCH of it is handed on, and answered upstream when they have come
// (fetchSend.overtaken). Another goes on where it is (relay.Track.Resume). Errors wrap relay.ErrLost when the session
// has gone or is going, relay.ErrEnded when the publisher ended the track,
// relay.ErrMoved when the peer did, and relay.ErrNoTrack when there is none.
func (c *Client) SubscribeInto(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	return c.s.subscribeInto(ctx, t, accepted)
}

// FetchInto brings objects of the past, from start up to end, exclusive.
func (c *Client) FetchInto(ctx context.Context, t *relay.Track, start, end relay.Location, emit func(uint64, relay.Object) error) error {
	return c.s.fetchInto(ctx, t, start, end, emit)
}

func (s *session) subscribeInto(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	in := newIntoTrack(s, t, accepted)
	defer in.leave()
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
	select {
	case <-sub.Done():
		return s.upstreamError(sub.Err())
	case <-ctx.Done():
		_ = sub.Close()
		return context.Cause(ctx)
	}
}

const (
	// anewWithin and anewAfter are how long, and how often, a subscription is tried that
	// the peer takes for a second one.
	anewWithin = time.Second
	anewAfter  = 20 * time.Millisecond
)

// subscribeAnew subscribes to a track that may just have been left: its end, on a
// stream of its own, can come after the new request.
func (s *session) subscribeAnew(ctx context.Context, t *relay.Track, o SubscribeOptions) (*Subscription, error) {
	for began := time.Now(); ; {
		sub, err := s.subscribe(ctx, t.Broadcast().Namespace(), t.Name(), o)
		refused, ok := errors.AsType[*RequestError](err)
		if !ok || refused.Code != wire.RequestDuplicate || time.Since(began) > anewWithin {
			return sub, err
		}
		select {
		case <-time.After(anewAfter):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// upstreamError says in the relay's words why nothing comes.
func (s *session) upstreamError(err error) error {
	if done, ok := errors.AsType[*DoneError](err); ok {
		switch done.Code {
		case wire.DoneGoingAway:
			return fmt.Errorf("%w: %w", relay.ErrLost, err)
		case wire.DoneTrackEnded:
			return fmt.Errorf("%w: %w", relay.ErrEnded, err)
		default:
			return fmt.Errorf("%w: %w", relay.ErrMoved, err)
		}
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
	past := newPastFill(in.track)
	defer past.suspend()
	return f.into(ctx, past.take)
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
				ID: o.Location.Object, Subgroup: o.Subgroup, Datagram: o.Datagram, Priority: o.Priority,
				Properties: o.Properties, Payload: o.Payload, Complete: o.Arrival,
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
	begun    sync.Once      // The first stream that something may be missing before.
	tail     atomic.Bool    // A stream brings the rest of the group that was joined.
	feeders  *feeders

	// Set by accept, before streams are read; then read-only.
	sub      *Subscription
	priority uint8          // Of streams that name none.
	join     *wire.Location // What was published before came in another way; nil when there is nothing.

	past chan struct{} // Closed when what went before join is there or will not come.
	once sync.Once
	gone bool // Set before past is closed: it will not come.
}

func newIntoTrack(s *session, t *relay.Track, accepted func(relay.TrackConfig)) *intoTrack {
	return &intoTrack{s: s, track: t, accepted: accepted, past: make(chan struct{}), feeders: newFeeders(s.ctx)}
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
	in.accepted(relay.TrackConfig{Priority: in.priority, Properties: true, Started: sub.largest})
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
func (in *intoTrack) stream(st ReceiveStream, sh wire.SubgroupHeader, r *wire.StreamReader, turn *turn) error {
	if !in.feeders.enter(st) {
		return errLeftOut
	}
	defer in.feeders.exit(st)
	if in.join != nil && sh.Group <= in.join.Group {
		in.tail.Store(true)
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
	switch {
	case in.resume:
		in.begun.Do(func() { in.bridge(sh.Group) })
	case in.join != nil && sh.Group > in.join.Group:
		in.begun.Do(in.askTail)
	}
	g, err := in.track.OpenGroup(sh.Group)
	turn.done()
	if err != nil {
		return fmt.Errorf("%w: %w", errLeftOut, err)
	}
	if !sh.HasPriority {
		sh.Priority = in.priority
	}
	f := subgroupFill{in: in, header: sh, group: g, st: st, r: r}
	return f.run(wire.NewSubgroupReader(r, sh))
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
	now := time.Now()
	return relay.Object{
		ID: h.Location.Object, Subgroup: h.Subgroup, Datagram: h.Datagram, Priority: h.Priority,
		Status: h.Status, Properties: h.Properties, Size: h.Length, Begun: now, Complete: now,
	}
}
