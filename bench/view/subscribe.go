package view

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// begin subscribes to all that is to be watched. ctx is the session's, limited that of
// the time it may take.
func (s *session) begin(ctx, limited context.Context) error {
	if !s.a.cfg.NoCatalog {
		return s.beginWithCatalog(ctx, limited)
	}
	for _, name := range s.a.cfg.Tracks {
		if err := s.subscribe(limited, s.track(name, false)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// subscribe joins a track like a player: at the next group or, by a fetch, at the
// start of this one. After a move it goes on at the newest object, and what lies between
// it and the last one seen is fetched.
func (s *session) subscribe(ctx context.Context, t *track) error {
	from, resume := t.last()
	filter := &wire.Filter{Type: wire.NextGroupStart}
	if resume || s.a.cfg.JoinNow {
		filter.Type = wire.LargestObject
	}
	sub, err := s.client.Subscribe(ctx, s.a.cfg.Namespace, t.truth.name, moqt.SubscribeOptions{
		Filter: filter, Lent: true, OnObject: func(o moqt.Object) {
			// A gateway that has just begun with the track may be behind the last one.
			if !resume || from.Less(o.Location) || o.End {
				s.take(t, o, false)
			}
			if !o.End {
				s.throttle.wait(s.client.Done(), len(o.Payload))
			}
		},
	})
	if err != nil {
		return err
	}
	s.tasks.Go(func() { s.await(t.truth.name, sub) })
	switch {
	case resume:
		fetch, err := s.client.JoinAbsolute(ctx, sub, from.Group, moqt.FetchOptions{})
		return s.catchUp(ctx, t, fetch, err, from)
	case s.a.cfg.JoinNow:
		if _, there := sub.Largest(); !there {
			return nil // It has just begun: all of it comes.
		}
		fetch, err := s.client.JoinRelative(ctx, sub, 0, moqt.FetchOptions{})
		return s.catchUp(ctx, t, fetch, err, relay.Location{})
	}
	return nil
}

// take hands on an object, or the end of a group.
func (s *session) take(t *track, o moqt.Object, past bool) {
	switch {
	case o.End:
		s.moqViewer.mu.Lock()
		defer s.moqViewer.mu.Unlock()
		if s.number == s.current {
			t.end(o.Location.Group, o.Reset, o.Arrival)
		}
	case len(o.Payload) > 0: // Else it says where a group ended.
		s.see(t, item{Location: o.Location, payload: o.Payload, arrived: o.Arrival, past: past})
	}
}

// catchUp takes what was asked of the past, behind from.
func (s *session) catchUp(ctx context.Context, t *track, fetch *moqt.Fetch, err error, from relay.Location) error {
	for err == nil {
		var o moqt.Object
		if o, err = fetch.Next(ctx); err == nil && (from == relay.Location{} || from.Less(o.Location)) {
			s.take(t, o, true)
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("join: %w", err)
}

// leaveAfter is how long a track that ended may still be in the catalog.
const leaveAfter = 2 * time.Second

// await waits for the end of a subscription, which ends the session unless the catalog
// says that the track is over.
func (s *session) await(name string, sub *moqt.Subscription) {
	select {
	case <-sub.Done():
	case <-s.client.Done(): // Which is told by itself.
		return
	}
	deadline := time.NewTimer(leaveAfter)
	defer deadline.Stop()
	for s.lists(name) {
		select {
		case <-time.After(50 * time.Millisecond):
			continue
		case <-s.client.Done():
			return
		case <-deadline.C:
		}
		break
	}
	if s.lists(name) || s.listed == nil {
		s.end(fmt.Errorf("%s: subscription: %w", name, sub.Err()))
		return
	}
	s.drop(name)
}
