// Package ops is the small server for operation: metrics, liveness, readiness
// and, where it is allowed, profiles. It belongs on an address that viewers do
// not reach.
package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
)

// Config configures a Server.
type Config struct {
	// Addr is the TCP address, such as "127.0.0.1:9464".
	Addr string
	// Gatherer is what /metrics shows.
	Gatherer prometheus.Gatherer
	// Checks are the conditions of readiness by name; an error says what is
	// missing. They must return at once.
	Checks map[string]func() error
	// Draining makes the node not ready; nil is never.
	Draining func() bool
	// Notes are told with readiness and do not decide it.
	Notes map[string]func() error
	// State is what /v1/NAME shows as JSON of each part.
	State map[string]func() any
	// Profiles opens /debug/pprof/.
	Profiles bool

	Logger *slog.Logger
}

// Server serves the pages of operation.
type Server struct {
	// Set by New, then read-only.
	cfg      Config
	listener net.Listener
}

// New binds the address.
func New(cfg Config) (*Server, error) {
	if cfg.Gatherer == nil {
		return nil, errors.New("metrics server: no gatherer")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Draining == nil {
		cfg.Draining = func() bool { return false }
	}
	var conf net.ListenConfig
	listener, err := conf.Listen(context.Background(), "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("metrics address: %w", err)
	}
	return &Server{cfg: cfg, listener: listener}, nil
}

// Addr is the address served.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends. It should be the last to end, so that a drain can
// be watched.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("metrics server: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
	return group.Wait()
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.cfg.Gatherer, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	for name, of := range s.cfg.State {
		mux.HandleFunc("GET /v1/"+name, state(of))
	}
	if s.cfg.Profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// state serves what a part says of itself.
func state(of func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		text, err := json.Marshal(of())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(append(text, '\n'))
	}
}

// ready names each check and what it says, for people as much as for machines.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	status := http.StatusOK
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Checks)) {
		verdict := "ok"
		if err := s.cfg.Checks[name](); err != nil {
			verdict, status = err.Error(), http.StatusServiceUnavailable
		}
		fmt.Fprintf(&text, "%s: %s\n", name, verdict)
	}
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Notes)) {
		if err := s.cfg.Notes[name](); err != nil {
			fmt.Fprintf(&text, "%s: %s (serving goes on)\n", name, err)
		}
	}
	if s.cfg.Draining() {
		status = http.StatusServiceUnavailable
		text.WriteString("draining\n")
	} else if status == http.StatusOK {
		text.WriteString("ready\n")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprint(w, text.String())
}
