package hls

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// Server keeps the HLS view of every broadcast of a relay.
type Server struct {
	// Set by New, then read-only.
	cfg     Config
	metrics *metrics

	mu            sync.RWMutex
	presentations map[relay.Namespace]*Presentation // Guarded by mu. Live and lingering ones.
}

// New makes a Server. It does nothing before Run.
func New(cfg Config) (*Server, error) {
	if cfg.Relay == nil {
		return nil, errors.New("hls: no relay")
	}
	cfg = cfg.withDefaults()
	return &Server{
		cfg: cfg, metrics: newMetrics(cfg.Registerer),
		presentations: make(map[relay.Namespace]*Presentation),
	}, nil
}

// Presentation looks the newest presentation of a namespace up.
func (s *Server) Presentation(ns relay.Namespace) (*Presentation, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.presentations[ns]
	return p, ok
}

// Run follows the relay's broadcasts until ctx ends. It owns a goroutine for
// each broadcast and returns when they have ended.
func (s *Server) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	known := make(map[*relay.Broadcast]bool)
	for {
		broadcasts, changed := s.cfg.Relay.Broadcasts("")
		now := make(map[*relay.Broadcast]bool, len(broadcasts))
		for _, b := range broadcasts {
			now[b] = true
			if !known[b] {
				p := s.add(b)
				wg.Go(func() { s.follow(ctx, b, p) })
			}
		}
		known = now
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *Server) add(b *relay.Broadcast) *Presentation {
	p := newPresentation(b.Namespace(), s.cfg, s.metrics)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.presentations[b.Namespace()] = p
	return p
}

// follow runs a broadcast's follower and keeps what it made for a while.
func (s *Server) follow(ctx context.Context, b *relay.Broadcast, p *Presentation) {
	defer s.remove(p)
	f := &follower{p: p, b: b, wake: make(chan struct{}, 1)}
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

func (s *Server) remove(p *Presentation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.presentations[p.namespace] == p {
		delete(s.presentations, p.namespace)
	}
}
