package wsconn

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/qmux"
)

// readyWithin is how long a client has for its transport parameters.
const readyWithin = 5 * time.Second

// goawayTimeout is GOAWAY_TIMEOUT (draft-ietf-moq-transport-18, "Session Termination
// Error Codes"), for sessions that did not leave in time.
const goawayTimeout = 0x10

// Config configures a Server.
type Config struct {
	// Protocols are the subprotocols of MoQT, newest first.
	Protocols []string
	// MoQ serves a session and returns when it has ended. ctx is Drain, for the life of
	// the session.
	MoQ func(ctx context.Context, conn moqt.Conn)
	// Drain ends when sessions should be asked to leave; never when nil.
	Drain context.Context //nolint:containedctx // The life of the whole server.
	// Origins restricts the pages that may open a session; nil allows all, which is safe
	// as long as a session gets nothing by cookies, and an empty list none. Clients
	// without a page send no Origin.
	Origins []string
	// MaxSessions caps the sessions; 0 is 10,000.
	MaxSessions int

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Server makes sessions of requests to upgrade.
type Server struct {
	// Set by New, then read-only.
	cfg     Config
	refused *prometheus.CounterVec
	gauge   prometheus.Gauge

	mu       sync.Mutex
	sessions int // Guarded by mu.
	serving  sync.WaitGroup
}

// New makes a Server.
func New(cfg Config) *Server {
	if cfg.Drain == nil {
		cfg.Drain = context.Background()
	}
	if cfg.MaxSessions == 0 {
		cfg.MaxSessions = 10_000
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	metrics := promauto.With(cfg.Registerer)
	return &Server{
		cfg: cfg,
		refused: metrics.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_websocket_refused_total",
			Help: "WebSocket sessions refused by reason.",
		}, []string{"reason"}),
		gauge: metrics.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_websocket_sessions",
			Help: "Open WebSocket sessions.",
		}),
	}
}

// Upgrade tells whether a request asks for a WebSocket.
func Upgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// ServeHTTP makes a session and serves it to its end, or to the end of the request's
// context.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protocol, name, why := s.check(r)
	if why == nil {
		why = s.begin()
	}
	if why != nil {
		s.refuse(w, *why)
		return
	}
	defer s.end()
	h := &hijacker{ResponseWriter: w}
	ws, err := websocket.Accept(h, r, &websocket.AcceptOptions{Subprotocols: []string{name}, InsecureSkipVerify: true}) // check has seen the origin.
	if err != nil {
		s.refused.WithLabelValues("handshake").Inc() // Accept has answered.
		return
	}
	s.gauge.Inc()
	defer s.gauge.Dec()
	s.serve(r, newConn(newCarrier(ws, h.tcp), serverConfig(protocol, peerOf(r, h.tcp)), r.URL.RawQuery))
}

// serverConfig bounds what a client can make us hold: requests are short, and 512 KiB
// carry a publisher's 25 Mbit/s at 160 ms of round trip. QUIC's windows grow with use;
// these do not.
func serverConfig(protocol string, remote net.Addr) qmux.Config {
	return qmux.Config{
		Protocol: protocol, RemoteAddr: remote,
		StreamWindow: 512 << 10, ConnWindow: 1 << 20,
		Streams: 128, UniStreams: 256, // As quicconn.ServerConfig has them, for its reasons.
	}
}

func (s *Server) serve(r *http.Request, conn *Conn) {
	defer conn.CloseWithError(0, "") //nolint:errcheck // It has ended already but for a handler that gave up.
	stop := context.AfterFunc(r.Context(), func() { _ = conn.CloseWithError(goawayTimeout, "the server is shutting down") })
	defer stop()
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	err := conn.Ready(ctx)
	cancel()
	if err != nil {
		s.cfg.Logger.Debug("websocket session", "remote", conn.RemoteAddr(), "err", err)
		return
	}
	s.cfg.MoQ(s.cfg.Drain, conn)
}

// Wait waits for the sessions to end, once Drain has.
func (s *Server) Wait() {
	<-s.cfg.Drain.Done()
	s.mu.Lock() // Who comes after this is refused.
	serving := &s.serving
	s.mu.Unlock()
	serving.Wait()
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

// check finds the protocol and the name that the client has for it.
func (s *Server) check(r *http.Request) (protocol, name string, why *refusal) {
	if origin := r.Header.Get("Origin"); origin != "" && s.cfg.Origins != nil && !slices.Contains(s.cfg.Origins, origin) {
		return "", "", &refusal{http.StatusForbidden, "origin", fmt.Sprintf("origin %q is not allowed", origin)}
	}
	protocol, name, ok := choose(s.cfg.Protocols, r.Header)
	if !ok {
		return "", "", &refusal{
			http.StatusNotAcceptable, "protocol",
			fmt.Sprintf("none of the subprotocols %q is spoken here; these are: %q", offers(r.Header), s.cfg.Protocols),
		}
	}
	return protocol, name, nil
}

// begin counts a session.
func (s *Server) begin() *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.Drain.Err() != nil {
		return &refusal{http.StatusServiceUnavailable, "draining", "the server is shutting down"}
	}
	if s.sessions >= s.cfg.MaxSessions {
		return &refusal{http.StatusServiceUnavailable, "limit", "session limit reached"}
	}
	s.sessions++
	s.serving.Add(1)
	return nil
}

func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions--
	s.serving.Done()
}
