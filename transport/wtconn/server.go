package wtconn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/freshet-live/freshet/transport/moqt"
)

const (
	// availableProtocols is draft-ietf-webtrans-http3, "Application Protocol
	// Negotiation".
	availableProtocols = "Wt-Available-Protocols"

	// maxHeaderBytes is ample for a CONNECT with a token and for any request of
	// a player.
	maxHeaderBytes = 32 << 10
	// idleTimeout closes HTTP/3 connections without a request or session,
	// which QUIC's keep-alive would hold for ever.
	idleTimeout = time.Minute
	// settingsWithin is how long the client's SETTINGS, and streams that came
	// before their session, are waited for.
	settingsWithin = 5 * time.Second
)

// Config configures a Server.
type Config struct {
	// Protocols are the subprotocols of MoQT, newest first.
	Protocols []string
	// MoQ serves a session and returns when it has ended. ctx is Drain, for the
	// life of the session.
	MoQ func(ctx context.Context, conn moqt.Conn)
	// Drain ends when sessions should be asked to leave; never when nil.
	Drain context.Context //nolint:containedctx // The life of the whole server.
	// Paths take a WebTransport CONNECT; "/moq" and "/" when nil.
	Paths []string
	// Origins restricts the pages that may open a session, such as
	// "https://example.com"; nil allows all, which is safe as long as a session
	// gets nothing by cookies, and an empty list none. Clients without a page send
	// no Origin.
	Origins []string
	// MaxSessions caps the sessions; 0 is 10,000.
	MaxSessions int
	// Handler takes all other requests of HTTP/3.
	Handler http.Handler

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Server serves WebTransport sessions and HTTP/3 requests.
type Server struct {
	// Set by New, then read-only.
	cfg     Config
	log     *slog.Logger
	wt      *webtransport.Server
	refused *prometheus.CounterVec
	gauge   prometheus.Gauge

	sessions atomic.Int64
}

// New makes a Server.
func New(cfg Config) *Server {
	if cfg.Drain == nil {
		cfg.Drain = context.Background()
	}
	if cfg.Paths == nil {
		cfg.Paths = []string{"/moq", "/"}
	}
	if cfg.MaxSessions == 0 {
		cfg.MaxSessions = 10_000
	}
	if cfg.Handler == nil {
		cfg.Handler = http.NotFoundHandler()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	metrics := promauto.With(cfg.Registerer)
	s := &Server{
		cfg: cfg,
		log: cfg.Logger,
		refused: metrics.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_webtransport_refused_total",
			Help: "WebTransport sessions refused by reason.",
		}, []string{"reason"}),
		gauge: metrics.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_webtransport_sessions",
			Help: "Open WebTransport sessions.",
		}),
	}
	s.wt = &webtransport.Server{
		H3: &http3.Server{
			Handler:        http.HandlerFunc(s.serveHTTP),
			MaxHeaderBytes: maxHeaderBytes,
			IdleTimeout:    idleTimeout,
			ConnContext: func(ctx context.Context, qc *quic.Conn) context.Context {
				conn := &h3conn{qc: qc}
				stop := context.AfterFunc(cfg.Drain, conn.drain)
				context.AfterFunc(qc.Context(), func() { stop() })
				return context.WithValue(ctx, connKey{}, conn)
			},
		},
		ApplicationProtocols: cfg.Protocols,
		ReorderingTimeout:    settingsWithin,
		CheckOrigin:          s.originAllowed,
	}
	return s
}

// connKey finds the connection of a request.
type connKey struct{}

// ServeQUICConn serves an h3 connection until it ends.
func (s *Server) ServeQUICConn(qc *quic.Conn) {
	if err := s.wt.ServeQUICConn(qc); err != nil && !errors.Is(err, http.ErrServerClosed) {
		s.log.Debug("http3 connection", "remote", qc.RemoteAddr(), "err", err)
	}
}

// Close ends what is left once every ServeQUICConn has returned.
func (s *Server) Close() error { return s.wt.Close() }

func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	conn, ok := r.Context().Value(connKey{}).(*h3conn)
	if !ok {
		panic("wtconn: request without its connection")
	}
	session := r.Method == http.MethodConnect && strings.HasPrefix(r.Proto, "webtransport")
	conn.begin()
	defer conn.end(session)
	if session {
		s.upgrade(conn.qc, w, r)
		return
	}
	s.cfg.Handler.ServeHTTP(w, r)
}

// upgrade makes a session of a CONNECT and serves it to its end. w must be the
// very writer of package http3.
func (s *Server) upgrade(qc *quic.Conn, w http.ResponseWriter, r *http.Request) {
	if refusal := s.check(r); refusal != nil {
		s.refuse(w, *refusal)
		return
	}
	defer s.sessions.Add(-1)
	session, err := s.wt.Upgrade(w, r)
	if err != nil {
		s.refuse(w, refusal{status: http.StatusBadRequest, reason: "protocol", text: err.Error()})
		return
	}
	s.gauge.Inc()
	defer s.gauge.Dec()
	conn := newConn(session, qc, r.URL.RawQuery)
	defer conn.CloseWithError(0, "") //nolint:errcheck // It has ended already but for a handler that gave up.
	s.cfg.MoQ(s.cfg.Drain, conn)
}

// refusal is a session that is not opened, and why.
type refusal struct {
	status int
	reason string // The label of the metric.
	text   string
}

func (s *Server) refuse(w http.ResponseWriter, why refusal) {
	s.refused.WithLabelValues(why.reason).Inc()
	http.Error(w, why.text, why.status)
}

// check counts the session when it may be opened, and sets the one protocol
// that Upgrade is to choose: the newest in common, where webtransport-go would
// take the client's first.
func (s *Server) check(r *http.Request) *refusal {
	if s.cfg.Drain.Err() != nil {
		return &refusal{http.StatusServiceUnavailable, "draining", "the server is shutting down"}
	}
	if !slices.Contains(s.cfg.Paths, r.URL.Path) {
		return &refusal{http.StatusNotFound, "path", fmt.Sprintf("no WebTransport at %q; it is at %q", r.URL.Path, s.cfg.Paths[0])}
	}
	if !s.originAllowed(r) {
		return &refusal{http.StatusForbidden, "origin", fmt.Sprintf("origin %q is not allowed", r.Header.Get("Origin"))}
	}
	if err := s.choose(r.Header); err != nil {
		return &refusal{http.StatusNotAcceptable, "protocol", err.Error()}
	}
	if s.sessions.Add(1) > int64(s.cfg.MaxSessions) {
		s.sessions.Add(-1)
		return &refusal{http.StatusServiceUnavailable, "limit", "session limit reached"}
	}
	return nil
}

func (s *Server) originAllowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin == "" || s.cfg.Origins == nil || slices.Contains(s.cfg.Origins, origin)
}

// choose leaves the newest protocol in common in the header. An offer without
// any is an error, no offer at all is none.
func (s *Server) choose(h http.Header) error {
	offered := offers(h[availableProtocols])
	if len(offered) == 0 {
		return nil
	}
	for _, protocol := range s.cfg.Protocols {
		if slices.Contains(offered, protocol) {
			h.Set(availableProtocols, fmt.Sprintf("%q", protocol))
			return nil
		}
	}
	return fmt.Errorf("none of the protocols %q is spoken here; these are: %q", offered, s.cfg.Protocols)
}

// offers parses a list of strings (RFC 8941). A list that is broken counts as
// absent, as that RFC wants it.
func offers(lines []string) []string {
	list, err := httpsfv.UnmarshalList(lines)
	if err != nil {
		return nil
	}
	var names []string
	for _, member := range list {
		if item, ok := member.(httpsfv.Item); ok {
			if name, ok := item.Value.(string); ok {
				names = append(names, name)
			}
		}
	}
	return names
}
