package hls

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// Server keeps the HLS view of every broadcast of a relay: of one that is published
// here from its start, or with Config.OnDemand from the first request on, of one from
// upstream while somebody asks for it.
type Server struct {
	// Set by New, then read-only.
	cfg     Config
	metrics *metrics
	begin   chan struct{} // Wakes Run: asked has grown.

	mu            sync.RWMutex
	presentations map[relay.Namespace]*Presentation // Guarded by mu. Live and lingering ones.
	asked         []*Presentation                   // Guarded by mu. To be followed by Run.
	stopped       bool                              // Guarded by mu. Run has ended.
}

// errIdle ends a follower that nobody asks any more.
var errIdle = errors.New("nobody asks")

// New makes a Server. It does nothing before Run.
func New(cfg Config) (*Server, error) {
	if cfg.Relay == nil {
		return nil, errors.New("hls: no relay")
	}
	cfg = cfg.withDefaults()
	return &Server{
		cfg: cfg, metrics: newMetrics(cfg.Registerer), begin: make(chan struct{}, 1),
		presentations: make(map[relay.Namespace]*Presentation),
	}, nil
}

// Presentation looks the newest presentation of a namespace up. For a broadcast
// from upstream, and with Config.OnDemand for any, asking is what begins it;
// Presentation.Ready tells when there is something.
func (s *Server) Presentation(ns relay.Namespace) (*Presentation, bool) {
	s.mu.RLock()
	p, ok := s.presentations[ns]
	if ok {
		p.touch()
	}
	s.mu.RUnlock()
	if ok && !p.ended() {
		return p, true
	}
	if b, live := s.cfg.Relay.Broadcast(ns); live && s.waits(b) && !ns.Hidden() {
		return s.ask(b)
	}
	return p, ok
}

// waits tells whether a broadcast is followed only once somebody asks.
func (s *Server) waits(b *relay.Broadcast) bool { return b.Remote() || s.cfg.OnDemand }

// ask begins a presentation.
func (s *Server) ask(b *relay.Broadcast) (*Presentation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.presentations[b.Namespace()]; ok && p.broadcast == b {
		return p, true
	}
	if s.stopped {
		return nil, false
	}
	p := newPresentation(b, s.cfg, s.metrics)
	p.touch()
	s.presentations[b.Namespace()] = p
	s.asked = append(s.asked, p)
	select {
	case s.begin <- struct{}{}:
	default: // A wake-up is pending already.
	}
	return p, true
}

// Run follows the relay's broadcasts until ctx ends. It owns a goroutine for
// each broadcast and returns when they have ended.
func (s *Server) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer s.stop()
	known := make(map[*relay.Broadcast]bool)
	for {
		broadcasts, changed := s.cfg.Relay.Broadcasts("")
		now := make(map[*relay.Broadcast]bool, len(broadcasts))
		begun := s.takeAsked()
		for _, b := range broadcasts {
			if s.waits(b) {
				continue
			}
			now[b] = true
			if !known[b] {
				begun = append(begun, s.add(b))
			}
		}
		for _, p := range begun {
			wg.Go(func() { s.follow(ctx, p) })
		}
		known = now
		select {
		case <-changed:
		case <-s.begin:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *Server) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
}

func (s *Server) takeAsked() []*Presentation {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *Server) add(b *relay.Broadcast) *Presentation {
	p := newPresentation(b, s.cfg, s.metrics)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.presentations[b.Namespace()] = p
	return p
}

// follow runs a broadcast's follower and keeps what it made for a while.
func (s *Server) follow(ctx context.Context, p *Presentation) {
	defer s.remove(p)
	f := &follower{p: p, b: p.broadcast, wake: make(chan struct{}, 1)}
	if f.b.Remote() {
		f.idle = func() bool { return s.retire(p) }
	}
	if err := f.run(ctx); err != nil {
		return
	}
	linger := time.NewTimer(s.cfg.Linger)
	defer linger.Stop()
	select {
	case <-linger.C:
	case <-ctx.Done():
	}
}

// retire takes a presentation that nobody asks for out of the list, so that the
// next request begins another.
func (s *Server) retire(p *Presentation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.idle() {
		return false
	}
	s.removeLocked(p)
	return true
}

func (s *Server) remove(p *Presentation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeLocked(p)
}

func (s *Server) removeLocked(p *Presentation) {
	if s.presentations[p.Namespace()] == p {
		delete(s.presentations, p.Namespace())
	}
}
