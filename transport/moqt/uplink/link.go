package uplink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/routes"
	"github.com/freshet-live/freshet/transport/moqt"
)

// link is the connection to one parent, through all its sessions.
type link struct {
	m      *Manager
	url    string
	cost   atomic.Int64
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	session *session // Guarded by mu. nil while there is none.
}

func newLink(m *Manager, p Parent) *link {
	l := &link{m: m, url: p.URL}
	l.cost.Store(int64(p.Cost))
	l.ctx, l.cancel = context.WithCancel(m.ctx)
	return l
}

// upstream is the source that the present session is; nil without one.
func (l *link) upstream() relay.Upstream {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == nil {
		return nil
	}
	return l.session
}

func (l *link) set(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.session = s
}

// run keeps a session for ever, at the URL that the parent sent us to last.
func (l *link) run() {
	defer l.m.lost(l)
	wait := firstRetry
	url := l.url
	for l.ctx.Err() == nil {
		began := time.Now()
		next, err := l.connect(url)
		if l.ctx.Err() != nil {
			return
		}
		if url = next; url == "" {
			url = l.url
		}
		if time.Since(began) > steady {
			wait = firstRetry
		}
		l.m.log.Warn("parent lost", "parent", l.url, "error", err, "retry_in", wait)
		sleep(l.ctx, wait/2+rand.N(wait))
		wait = min(2*wait, lastRetry)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// connect runs one session to its end. It gives the URL that the parent named in
// GOAWAY, and why the session ended.
func (l *link) connect(url string) (next string, err error) {
	s, err := l.dial(url)
	if err != nil {
		l.m.metrics.dials.WithLabelValues("failed").Inc()
		return "", err
	}
	l.m.metrics.dials.WithLabelValues("connected").Inc()
	l.m.metrics.sessions.Inc()
	defer l.m.metrics.sessions.Dec()
	l.m.log.Info("parent connected", "parent", url, "draft", s.c.Draft())
	l.set(s)
	defer func() {
		// First the broadcasts move, then the session goes.
		l.set(nil)
		l.m.lost(l)
		_ = s.c.Close()
	}()
	return s.listen(l)
}

func (l *link) dial(url string) (*session, error) {
	ctx, cancel := context.WithTimeout(l.ctx, dialWithin)
	defer cancel()
	conn, err := l.m.cfg.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	s := &session{goaway: make(chan string, 1)}
	// The session lives on beyond the attempt.
	s.c, err = moqt.NewClient(context.WithoutCancel(ctx), conn, moqt.ClientConfig{
		Logger: l.m.log, AuthToken: l.m.cfg.Token,
		OnGoaway: func(uri string, _ time.Duration) { s.goaway <- uri },
	})
	if err != nil {
		return nil, fmt.Errorf("parent %s: %w", url, err)
	}
	return s, nil
}

// session is one session with a parent: a source of tracks.
type session struct {
	c      *moqt.Client
	goaway chan string
}

// Subscribe implements relay.Upstream.
func (s *session) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	return s.c.SubscribeInto(ctx, t, accepted)
}

// Fetch implements relay.Upstream.
func (s *session) Fetch(ctx context.Context, t *relay.Track, start, end relay.Location, emit func(uint64, relay.Object) error) error {
	return s.c.FetchInto(ctx, t, start, end, emit)
}

// listen takes the parent's announcements in until the session ends, or the parent
// asks us to leave.
func (s *session) listen(l *link) (next string, err error) {
	ctx, cancel := context.WithCancel(l.ctx)
	defer cancel()
	ended := make(chan error, 1)
	l.m.tasks.Go(func() { ended <- s.hear(ctx, l) })
	select {
	case uri := <-s.goaway:
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return uri, fmt.Errorf("parent goes away: %w", err)
		}
		return uri, errors.New("parent goes away")
	case err := <-ended:
		return "", err
	}
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
	for {
		o, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		if o.End {
			continue
		}
		list, err := routes.Parse(o.Payload)
		if err != nil {
			return err
		}
		l.m.heard(l, list)
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
		l.m.heard(l, list)
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
