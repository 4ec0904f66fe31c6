package moqt

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/relay"
)

// Action is what a peer asks to do, for Config.Authorize.
type Action string

// The actions.
const (
	ActionSubscribe Action = "subscribe"
	ActionFetch     Action = "fetch"
	ActionDiscover  Action = "discover"
	ActionPublish   Action = "publish"
)

// Request is what a peer asks to do.
type Request struct {
	Action Action
	// Namespace is the prefix for ActionDiscover.
	Namespace relay.Namespace
	// Token is what the peer showed with this request, else with its SETUP, else
	// in its URL; empty when it showed nothing.
	Token  string
	Remote net.Addr
	// Certificates are the peer's in TLS, its own first, if it showed any: it has the
	// key, and nothing else is verified.
	Certificates []*x509.Certificate
	// First says that the session has not been let have any media yet: a new viewer.
	First bool
}

// Grant is what was granted.
type Grant struct {
	// Expires is when it ends; zero is never.
	Expires time.Time
	// Relay says that the peer is a relay, for the rest of the session: what it asks for
	// is what all of its viewers do (Limits.RelaySubscriptions).
	Relay bool
	// Visible tells which broadcasts ActionDiscover may be told of; nil is all.
	Visible func(relay.Namespace) bool
}

// Config configures a Server. Relay is required.
type Config struct {
	Relay      *relay.Relay
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	// Authorize, if set, is asked before each request. An error refuses: a
	// RequestError with its code and RetryAfter, any other as UNAUTHORIZED.
	Authorize func(ctx context.Context, r Request) (Grant, error)
	// Publishers, if set, takes in what peers publish; otherwise they are refused.
	Publishers Publishers
	// Final tells whether a broadcast that ended with err has ended for good; relays
	// below wait for any other to go on elsewhere. Nil takes all for ended but what is
	// published anew.
	Final func(err error) bool
	// MaxLag is how far a viewer may fall behind before groups are skipped.
	MaxLag time.Duration
	// Limits bound what a peer can ask for.
	Limits Limits
	// Extensions are named in SETUP and served to who names them, too.
	Extensions []ServerExtension
}

// Server answers MoQT sessions from a Relay.
type Server struct {
	// Set by NewServer, then read-only.
	env environment

	mu       sync.Mutex
	sessions map[*session]struct{} // Guarded by mu.
	draining bool                  // Guarded by mu. Set by Drain.
	idle     chan struct{}         // Guarded by mu. Closed when draining and empty.
}

func notReplaced(err error) bool { return !errors.Is(err, relay.ErrReplaced) }

// ErrDraining is given to sessions that come while the server drains.
var ErrDraining = errors.New("server is draining")

// NewServer makes a Server; it starts nothing.
func NewServer(cfg Config) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxLag <= 0 {
		cfg.MaxLag = DefaultMaxLag
	}
	if cfg.Final == nil {
		cfg.Final = notReplaced
	}
	extensions := serverExtensions(cfg.Extensions)
	return &Server{
		env: environment{
			relay:      cfg.Relay,
			log:        cfg.Logger,
			metrics:    newMetrics(cfg.Registerer),
			framing:    new(framing),
			stalls:     &stalls{limit: cfg.MaxLag},
			authorize:  cfg.Authorize,
			publishers: cfg.Publishers,
			final:      cfg.Final,
			maxLag:     cfg.MaxLag,
			limits:     cfg.Limits.withDefaults(),
			options:    extensionOptions(extensions),
			extensions: extensions,
			sent:       new(atomic.Int64),
		},
		sessions: make(map[*session]struct{}),
		idle:     make(chan struct{}),
	}
}

func serverExtensions(all []ServerExtension) []extension {
	out := make([]extension, 0, len(all))
	for _, e := range all {
		out = append(out, extension{Extension: e.Extension, maxStreams: e.MaxStreams, serve: e.Serve})
	}
	return out
}

// Sent is how many bytes of media were handed to transports so far, with the headers
// before them.
func (s *Server) Sent() int64 { return s.env.sent.Load() }

// Serve runs one session until it ends; the error says why, nil when the peer
// left in good order. It closes conn. The caller logs.
func (s *Server) Serve(ctx context.Context, conn Conn) error {
	sess, err := newSession(ctx, conn, roleServer, s.env)
	if err != nil {
		return err
	}
	if !s.add(sess) {
		sess.fail(ErrDraining)
	}
	defer s.remove(sess)
	return sess.run()
}

func (s *Server) add(sess *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[sess] = struct{}{}
	return !s.draining
}

func (s *Server) remove(sess *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sess)
	if s.draining && len(s.sessions) == 0 {
		s.closeIdleLocked()
	}
}

func (s *Server) closeIdleLocked() {
	select {
	case <-s.idle:
	default:
		close(s.idle)
	}
}
