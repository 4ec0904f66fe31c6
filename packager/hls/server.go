package hls

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// Server keeps the HLS view of the broadcasts of a relay: of one that is published here
// from the first request for it to its end, of one from upstream while somebody asks.
// What the log holds is listed at once; each chunk that is followed wakes a goroutine and
// is looked through, so nothing is that nobody asked for.
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

// Presentation looks the newest presentation of a namespace up. Asking is what begins
// it; Presentation.Ready tells when there is something.
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
	if b, live := s.cfg.Relay.Broadcast(ns); live && !ns.Hidden() {
		return s.ask(b)
	}
	return p, ok
}

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

// Run follows the broadcasts that are asked for until ctx ends. It owns a goroutine for
// each and returns when they have ended.
func (s *Server) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer s.stop()
	for {
		for _, p := range s.takeAsked() {
			wg.Go(func() { s.follow(ctx, p) })
		}
		select {
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
