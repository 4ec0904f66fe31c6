package view

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// Config configures an Audience. URLs, Namespace, Tracks and Viewers are required.
type Config struct {
	// URLs are those of gateways, https for WebTransport and moqt for raw QUIC; the
	// viewers are spread over them in turn.
	URLs      []string
	Namespace relay.Namespace
	Tracks    []string
	Viewers   int
	// Ramp is the time over which the viewers come.
	Ramp time.Duration
	// TLS says which certificates count.
	TLS *tls.Config
}

// Audience is many viewers in one process.
type Audience struct {
	// Set by New, then read-only.
	cfg     Config
	viewers []*viewer

	mu     sync.Mutex
	mark   time.Time // Guarded by mu. Of the last Report.
	before counts    // Guarded by mu. Of all viewers at mark.
}

// New makes an Audience that is not there yet.
func New(cfg Config) (*Audience, error) {
	if len(cfg.URLs) == 0 || cfg.Namespace == "" || len(cfg.Tracks) == 0 || cfg.Viewers < 1 {
		return nil, errors.New("view: URLs, a broadcast, tracks and viewers are needed")
	}
	a := &Audience{cfg: cfg, mark: time.Now()}
	for i := range cfg.Viewers {
		a.viewers = append(a.viewers, newViewer(cfg, i))
	}
	return a, nil
}

// Run watches until ctx ends.
func (a *Audience) Run(ctx context.Context) error {
	var viewers sync.WaitGroup
	defer viewers.Wait()
	for i, v := range a.viewers {
		viewers.Go(func() {
			pause(ctx, a.cfg.Ramp*time.Duration(i)/time.Duration(len(a.viewers)))
			v.run(ctx)
		})
	}
	<-ctx.Done()
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
