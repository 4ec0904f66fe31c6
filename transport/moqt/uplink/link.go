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

	unwanted bool // Guarded by m.mu. It is left when nothing comes from it.

	mu       sync.Mutex
	session  *session        // Guarded by mu. nil while there is none.
	failed   bool            // Guarded by mu. There is none although it was tried.
	leaving  *session        // Guarded by mu. The one before, until session can replace it.
	distance routes.Distance // Guarded by mu.
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

// renew leaves the present session, if there is one.
func (l *link) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session != nil {
		l.session.leave("")
	}
}

// begin makes s the session; the one before stays until s knows its broadcasts.
func (l *link) begin(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaving, l.session, l.failed = l.session, s, false
}

// miss notes that an attempt has failed.
func (l *link) miss() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = l.session == nil
}

// end forgets a session that has ended; its broadcasts move before its streams are
// closed.
func (l *link) end(s *session) {
	l.mu.Lock()
	was := l.session == s
	if was {
		l.session, l.failed = nil, true
	}
	l.mu.Unlock()
	if was {
		l.m.lost(l)
	}
	_ = s.c.Close()
}

// take notes what s announces, and leaves the session before it.
func (l *link) take(s *session, list []routes.Route) {
	l.mu.Lock()
	if l.session != s {
		l.mu.Unlock()
		return
	}
	before := l.leaving
	l.leaving = nil
	l.mu.Unlock()
	l.measure(s)
	l.m.heard(l, s, list)
	if before != nil {
		_ = before.c.Close()
	}
}

// reconsider makes every other parent better than this one while its session s goes
// away, or is silent.
func (l *link) reconsider(s *session) {
	l.mu.Lock()
	current := l.session == s
	l.mu.Unlock()
	if current {
		l.m.doubt(l)
	}
}

func (l *link) doubtful() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session != nil && l.session.doubtful()
}

// answers tells whether the parent can be counted on; known is false until it was tried.
func (l *link) answers() (ok, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == nil {
		return false, l.failed
	}
	return !l.session.doubtful(), true
}

const (
	// glance is how often a session is looked at.
	glance = 100 * time.Millisecond
	// silence is how long nothing may come from a parent, which answers a PING each
	// 200 ms at least (quicconn.UplinkConfig), before others take over. It goes by
	// with a stall of the network, too; then all comes back.
	silence = 500 * time.Millisecond
)

// watch looks out for silence, until ctx ends.
func (l *link) watch(ctx context.Context, s *session) {
	counter, ok := s.conn.(interface{ PacketsReceived() uint64 })
	if !ok {
		return
	}
	measured := time.Now()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	last, heard := counter.PacketsReceived(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if n := counter.PacketsReceived(); n != last {
			last, heard = n, time.Now()
		}
		if time.Since(measured) >= measureEvery && !s.doubtful() {
			measured = time.Now()
			if l.measure(s) {
				l.m.reprice(l)
			}
		}
		if silent := time.Since(heard) > silence; silent != s.silent.Load() {
			s.silent.Store(silent)
			if silent {
				l.m.metrics.silences.Inc()
				l.m.log.Warn("parent is silent", "parent", l.url)
			} else {
				l.m.log.Info("parent is back", "parent", l.url)
			}
			l.reconsider(s)
		}
	}
}

const (
	// costUnit is more than every distance: what SetParents says counts first.
	costUnit = 1 << 8
	// measureEvery is how often the distance of a parent is looked at.
	measureEvery = time.Second
)

// measure looks how far the parent is; it tells whether that has changed.
func (l *link) measure(s *session) bool {
	rtt := s.rtt()
	if rtt > 0 {
		l.m.metrics.rtt.Observe(rtt.Seconds())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.distance.Observe(rtt)
}

// price is the parent's cost, then its distance.
func (l *link) price() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	class, _ := l.distance.Class()
	return int(l.cost.Load())*costUnit + class
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
		pause := wait/2 + rand.N(wait)
		l.tell(err, pause)
		sleep(l.ctx, pause)
		wait = min(2*wait, lastRetry)
	}
}

// tell says why there is no session. That a parent sends us on is no fault.
func (l *link) tell(err error, pause time.Duration) {
	log := l.m.log.With("parent", l.url, "retry_in", pause.Round(time.Millisecond))
	unreached, failed := errors.AsType[*dialError](err)
	switch {
	case errors.Is(err, errGoingAway):
		log.Info("parent goes away")
	case failed:
		log.Warn("parent cannot be reached", "error", unreached.err)
	default:
		log.Warn("parent lost", "error", err)
	}
}

// dialError is an attempt that failed.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// connect runs one session until it ends, or until the parent asks us to leave or
// Renew does: then it goes on beside the attempts to reach the URL that was named.
func (l *link) connect(url string) (next string, err error) {
	s, err := l.dial(url)
	if err != nil {
		l.m.metrics.dials.WithLabelValues("failed").Inc()
		l.miss()
		return "", &dialError{err}
	}
	l.m.metrics.dials.WithLabelValues("connected").Inc()
	l.m.log.Info("parent connected", "parent", url, "draft", s.c.Draft())
	l.begin(s)
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(l.ctx)
	l.m.tasks.Go(func() {
		l.m.metrics.sessions.Inc()
		defer l.m.metrics.sessions.Dec()
		l.m.tasks.Go(func() { l.watch(ctx, s) })
		err := s.hear(l.ctx, l)
		cancel()
		l.end(s)
		ended <- err
	})
	select {
	case uri := <-s.goaway:
		s.parting.Store(true)
		l.reconsider(s)
		l.m.tasks.Go(func() { l.part(ctx, s) })
		return uri, errGoingAway
	case err := <-ended:
		return "", err
	}
}

// part leaves a parent that goes away as soon as nothing comes from it any more: it
// need not wait for us. The only one that serves a broadcast is kept to its end.
func (l *link) part(ctx context.Context, s *session) {
	for l.m.uses(l) && ctx.Err() == nil {
		sleep(ctx, glance)
	}
	_ = s.c.Close()
}

var errGoingAway = errors.New("the session is left for another")

func (l *link) dial(url string) (*session, error) {
	ctx, cancel := context.WithTimeout(l.ctx, dialWithin)
	defer cancel()
	conn, err := l.m.cfg.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, goaway: make(chan string, 1)}
	cfg := moqt.ClientConfig{Logger: l.m.log, OnGoaway: func(uri string, _ time.Duration) { s.leave(uri) }}
	if l.m.cfg.Token != nil {
		cfg.AuthToken = l.m.cfg.Token()
	}
	// The session lives on beyond the attempt.
	s.c, err = moqt.NewClient(context.WithoutCancel(ctx), conn, cfg)
	if err != nil {
		return nil, fmt.Errorf("parent %s: %w", url, err)
	}
	return s, nil
}

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
