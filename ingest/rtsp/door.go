package rtsp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/ingest"
)

// protocol is this package's name among the doors.
const protocol = "rtsp"

// Config configures a Door.
type Config struct {
	// Address is a TCP address for those who publish; empty serves none.
	Address string
	// RTPAddress is a UDP address with an even port, for the media of those who
	// ask for UDP; the port above it is for RTCP (RFC 3550, section 11). Empty
	// takes media over TCP alone.
	RTPAddress string
	// Pulls are cameras to pull from.
	Pulls []Pull
	// Sessions decides who may publish.
	Sessions *ingest.Sessions
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Door takes publishers in and pulls from cameras. It is made by Listen and works
// in Run.
type Door struct {
	// Set by Listen, then read-only.
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	server  *server // nil without an address.
	pulls   []*puller
}

// Listen opens the sockets. Run must follow, or Close.
func Listen(cfg Config) (*Door, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Door{cfg: cfg, log: cfg.Logger, metrics: newMetrics(cfg.Registerer)}
	for _, p := range cfg.Pulls {
		puller, err := newPuller(d, p)
		if err != nil {
			return nil, fmt.Errorf("pull %s: %w", p.Name, err)
		}
		d.pulls = append(d.pulls, puller)
	}
	if cfg.Address == "" {
		return d, nil
	}
	var err error
	if d.server, err = newServer(d); err != nil {
		return nil, fmt.Errorf("listen rtsp %s: %w", cfg.Address, err)
	}
	return d, nil
}

// Addr is where publishers come to; nil without an address.
func (d *Door) Addr() net.Addr {
	if d.server == nil {
		return nil
	}
	return d.server.sockets.tcp.Addr()
}

// Close lets go of the sockets of a Door that does not run.
func (d *Door) Close() {
	if d.server != nil {
		d.server.sockets.close()
	}
}

// Run takes publishers and pulls until ctx ends. It returns when all sessions
// have ended: nil, or what broke the socket.
func (d *Door) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	if d.server != nil {
		group.Go(func() error { return d.server.run(ctx) })
	}
	for _, p := range d.pulls {
		group.Go(func() error { p.run(ctx); return nil })
	}
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
