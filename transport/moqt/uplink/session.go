package uplink

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/routes"
	"github.com/freshet-live/freshet/transport/moqt"
)

// session is one session with a parent: a source of tracks.
type session struct {
	conn    moqt.Conn
	c       *moqt.Client
	goaway  chan string // Where to go on, once the session should be left.
	parting atomic.Bool // It is being left.
	silent  atomic.Bool // Nothing has come for a while.
}

// leave has another session take over, at uri or at the same place; the first call
// counts.
func (s *session) leave(uri string) {
	select {
	case s.goaway <- uri:
	default:
	}
}

func (s *session) doubtful() bool { return s.parting.Load() || s.silent.Load() }

// rtt is the round-trip time to the parent, as far as the transport knows it.
func (s *session) rtt() time.Duration {
	if measured, ok := s.conn.(interface{ RTT() time.Duration }); ok {
		return measured.RTT()
	}
	return 0
}

// Subscribe implements relay.Upstream.
func (s *session) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	return s.c.SubscribeInto(ctx, t, accepted)
}

// Fetch implements relay.Upstream.
func (s *session) Fetch(ctx context.Context, t *relay.Track, start, end relay.Location, emit func(uint64, relay.Object) error) error {
	return s.c.FetchInto(ctx, t, start, end, emit)
}

// hear reads the routes of a relay of ours, or the namespaces of another.
func (s *session) hear(ctx context.Context, l *link) error {
	sub, err := s.c.Subscribe(ctx, Namespace, Track, moqt.SubscribeOptions{})
	if _, refused := errors.AsType[*moqt.RequestError](err); refused {
		return s.hearNamespaces(ctx, l)
	}
	if err != nil {
		return err
	}
	defer sub.Close()
	newest := uint64(0)
	for {
		o, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		// Each is a stream of its own, and streams overtake each other.
		if o.End || o.Location.Group < newest {
			continue
		}
		newest = o.Location.Group
		list, err := routes.Parse(o.Payload)
		if err != nil {
			return err
		}
		l.take(s, list)
	}
}

func (s *session) hearNamespaces(ctx context.Context, l *link) error {
	sub, err := s.c.SubscribeNamespace(ctx, "")
	if err != nil {
		return err
	}
	defer sub.Close()
	live := make(map[relay.Namespace]struct{})
	for {
		a, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		if a.Live && len(live) < routes.MaxRoutes {
			live[a.Namespace] = struct{}{}
		} else {
			delete(live, a.Namespace)
		}
		list := make([]routes.Route, 0, len(live))
		for ns := range live {
			list = append(list, routes.Route{Name: string(ns), Hops: []string{l.url}})
		}
		l.take(s, list)
	}
}

// windowed gives the tracks from upstream their window here. Of a catalog the
// newest group is enough.
type windowed struct {
	relay.Upstream
	window time.Duration
}

func (w windowed) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	return w.Upstream.Subscribe(ctx, t, func(cfg relay.TrackConfig) {
		if t.Name() != msf.TrackName {
			cfg.Window = w.window
		}
		accepted(cfg)
	})
}
