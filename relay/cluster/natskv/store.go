package natskv

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/freshet-live/freshet/relay/cluster"
)

// Config configures a Store.
type Config struct {
	// URLs are those of an external NATS cluster; they may hold user and
	// password.
	URLs []string
	// TLS is for URLs; nil is the system's.
	TLS *tls.Config
	// Server is the one in this process, when there are no URLs.
	Server *Server
	// Name names the connection for the operators of NATS.
	Name string
	// Logger may be nil.
	Logger *slog.Logger
}

// Store implements cluster.Store.
type Store struct {
	// Set by New, then read-only.
	cfg    Config
	log    *slog.Logger
	broken chan struct{} // One slot: the buckets must be looked at.

	mu      sync.Mutex
	nc      *nats.Conn                           // Guarded by mu. Nil unless Run runs.
	buckets map[cluster.Table]jetstream.KeyValue // Guarded by mu. Those that were found.
}

var _ cluster.Store = (*Store)(nil)

// New makes a Store that is not connected.
func New(cfg Config) (*Store, error) {
	if (len(cfg.URLs) == 0) == (cfg.Server == nil) {
		return nil, errors.New("nats: either URLs or a server of our own")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Store{cfg: cfg, log: cfg.Logger, broken: make(chan struct{}, 1)}, nil
}

const (
	// reconnectEvery is the pause between two tries of an external server.
	reconnectEvery = 250 * time.Millisecond
	// pingEvery, twice unanswered, ends a connection: a partition is found out
	// before a lease expires.
	pingEvery = time.Second
	// lookTime bounds one look at the buckets; the first one, while the voters
	// elect their leader, takes several.
	lookTime = 2 * time.Second
	// lookAgain is the pause after one that failed.
	lookAgain = 250 * time.Millisecond
)

// Run implements cluster.Store.
func (s *Store) Run(ctx context.Context) error {
	if s.cfg.Server != nil {
		if err := s.cfg.Server.start(); err != nil {
			return err
		}
		defer s.cfg.Server.stop()
	}
	nc, err := s.connect()
	if err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	defer nc.Close()
	js, err := s.jetStream(nc)
	if err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	s.bind(nc)
	defer s.bind(nil)
	s.keep(ctx, js)
	return nil
}

// keep looks for the buckets at first and whenever an operation failed.
func (s *Store) keep(ctx context.Context, js jetstream.JetStream) {
	for {
		if err := s.look(ctx, js); err != nil {
			s.log.Debug("look for the buckets", "error", err)
		} else {
			select {
			case <-ctx.Done():
				return
			case <-s.broken:
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookAgain):
		}
	}
}

func (s *Store) bind(nc *nats.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nc, s.buckets = nc, make(map[cluster.Table]jetstream.KeyValue)
}

func (s *Store) jetStream(nc *nats.Conn) (jetstream.JetStream, error) {
	if s.cfg.Server != nil && len(s.cfg.Server.cfg.Leaf) > 0 {
		return jetstream.NewWithDomain(nc, domain)
	}
	return jetstream.New(nc)
}

func (s *Store) connect() (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name(s.cfg.Name), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectEvery), nats.RetryOnFailedConnect(true),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2), nats.IgnoreDiscoveredServers(),
		// What is written while it is away would be stale when it is back.
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			s.log.Warn("nats connection", "error", err)
		}),
	}
	if s.cfg.Server != nil {
		return nats.Connect("", append(options, nats.InProcessServer(s.cfg.Server),
			nats.Token(s.cfg.Server.password))...)
	}
	if s.cfg.TLS != nil {
		options = append(options, nats.Secure(s.cfg.TLS))
	}
	return nats.Connect(strings.Join(s.cfg.URLs, ","), options...)
}
