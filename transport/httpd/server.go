package httpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wsconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// Limits of a connection over TCP.
const (
	// headerWithin bounds a request's header and the TLS handshake.
	headerWithin = 5 * time.Second
	// readWithin bounds the whole request: it has no body worth reading.
	readWithin = 10 * time.Second
	// idleWithin keeps a player's connection between two playlist requests.
	idleWithin = time.Minute
	// maxHeaderBytes is ample for a URL with a token and a browser's cookies.
	maxHeaderBytes = 32 << 10
)

// Server is the front of a node.
type Server struct {
	// Set by New, then read-only.
	cfg       Config
	log       *slog.Logger
	files     *files
	metrics   metrics
	plain     net.Listener // Nil when there is none, as the next three.
	encrypted net.Listener
	quic      *quicconn.Listener
	wt        *wtconn.Server
	ws        *wsconn.Server // Nil without MoQ.
	altSvc    string
	drained   context.Context
	drain     context.CancelFunc

	running  atomic.Bool
	draining atomic.Bool
}

// New binds the addresses.
func New(cfg Config) (*Server, error) {
	if err := cfg.prepare(); err != nil {
		return nil, err
	}
	files, err := loadFiles(cfg.Player)
	if err != nil {
		return nil, fmt.Errorf("player files: %w", err)
	}
	s := &Server{cfg: cfg, log: cfg.Logger, files: files, metrics: newMetrics(cfg.Registerer)}
	s.drained, s.drain = context.WithCancel(context.Background())
	s.newWebSockets()
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.closeListeners())
	}
	return s, nil
}

// newWebSockets serves MoQ to whom QUIC does not reach, on both addresses.
func (s *Server) newWebSockets() {
	if s.cfg.MoQ == nil {
		return
	}
	s.ws = wsconn.New(wsconn.Config{
		Protocols:   s.cfg.Protocols,
		MoQ:         s.cfg.MoQ,
		Drain:       s.drained,
		Origins:     s.cfg.Origins,
		MaxSessions: s.cfg.MaxSessions,
		Logger:      s.log,
		Registerer:  s.cfg.Registerer,
	})
}

func (s *Server) listen() error {
	limit := newConnLimit(s.cfg.MaxConns)
	var err error
	if s.cfg.HTTP != "" {
		if s.plain, err = s.listenTCP(s.cfg.HTTP, limit); err != nil {
			return fmt.Errorf("http address: %w", err)
		}
	}
	if s.cfg.HTTPS == "" {
		return nil
	}
	if s.encrypted, err = s.listenTCP(s.cfg.HTTPS, limit); err != nil {
		return fmt.Errorf("https address: %w", err)
	}
	return s.listenQUIC()
}

func (s *Server) listenTCP(address string, limit *connLimit) (net.Listener, error) {
	var conf net.ListenConfig
	l, err := conf.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	return limit.listen(l, s.metrics.connsRefused.Inc), nil
}

// listenQUIC takes the UDP port of the same number as the TCP port of HTTPS,
// also when that one was chosen by the system.
func (s *Server) listenQUIC() error {
	s.wt = wtconn.New(wtconn.Config{
		Protocols:   s.cfg.Protocols,
		MoQ:         s.cfg.MoQ,
		Drain:       s.drained,
		Paths:       moqPaths,
		Origins:     s.cfg.Origins,
		MaxSessions: s.cfg.MaxSessions,
		Handler:     s.handler(),
		Logger:      s.log,
		Registerer:  s.cfg.Registerer,
	})
	conf := s.tlsConfig()
	if s.cfg.ClientCertificates {
		// Over QUIC alone, where browsers do not bother people with the question.
		conf.ClientAuth = tls.RequestClientCert
	}
	var err error
	s.quic, err = quicconn.New(quicconn.Config{
		Addr:       s.encrypted.Addr().String(),
		TLS:        conf,
		Protocols:  s.cfg.Protocols,
		MoQ:        s.cfg.MoQ,
		HTTP3:      s.wt.ServeQUICConn,
		Others:     s.cfg.Others,
		MaxConns:   s.cfg.MaxSessions,
		RetryAbove: s.cfg.RetryAbove,
		Logger:     s.log,
		Registerer: s.cfg.Registerer,
	})
	if err != nil {
		return err
	}
	s.altSvc = fmt.Sprintf(`h3=":%d"; ma=86400`, port(s.encrypted.Addr()))
	return nil
}

func (s *Server) closeListeners() error {
	var errs []error
	for _, l := range []net.Listener{s.plain, s.encrypted} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

func (s *Server) tlsConfig() *tls.Config {
	return &tls.Config{
		// Some television sets stop at 1.2; QUIC asks for 1.3 by itself.
		MinVersion:     tls.VersionTLS12,
		GetCertificate: s.cfg.Certs.GetCertificate,
	}
}

// HTTPAddr is the plain address, nil when there is none.
func (s *Server) HTTPAddr() net.Addr { return addr(s.plain) }

// HTTPSAddr is the TCP address of HTTPS, nil when there is none; the UDP port
// has the same number.
func (s *Server) HTTPSAddr() net.Addr { return addr(s.encrypted) }

func addr(l net.Listener) net.Addr {
	if l == nil {
		return nil
	}
	return l.Addr()
}

func port(a net.Addr) int {
	_, text, err := net.SplitHostPort(a.String())
	if err != nil {
		return 0
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return number
}

// Draining tells whether the end of Run's context has been seen.
func (s *Server) Draining() bool { return s.draining.Load() }

// Ready tells why the server is not ready for new viewers, nil when it is.
func (s *Server) Ready() error {
	switch {
	case s.draining.Load():
		return errors.New("draining")
	case !s.running.Load():
		return errors.New("not serving")
	case s.encrypted != nil:
		return s.cfg.Certs.Check()
	default:
		return nil
	}
}

// Run serves until ctx ends, and then drains.
func (s *Server) Run(ctx context.Context) error {
	// Requests and sessions outlive ctx until the drain's deadline.
	hard, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	s.running.Store(true)
	defer s.running.Store(false)
	group, ctx := errgroup.WithContext(ctx)
	var servers []*http.Server
	if s.plain != nil {
		server := s.httpServer(hard)
		servers = append(servers, server)
		group.Go(func() error { return ignoreClosed(server.Serve(s.plain)) })
	}
	if s.encrypted != nil {
		server := s.httpServer(hard)
		server.TLSConfig = s.tlsConfig()
		servers = append(servers, server)
		group.Go(func() error { return ignoreClosed(server.ServeTLS(s.encrypted, "", "")) })
		group.Go(func() error { return errors.Join(s.quic.Run(hard), s.wt.Close()) })
	}
	if s.ws != nil {
		group.Go(func() error {
			s.ws.Wait()
			return nil
		})
	}
	group.Go(func() error {
		<-ctx.Done()
		s.shutdown(hard, stop, servers)
		return nil
	})
	return group.Wait()
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (s *Server) httpServer(hard context.Context) *http.Server {
	return &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerWithin,
		ReadTimeout:       readWithin,
		IdleTimeout:       idleWithin,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return hard },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// shutdown ends what can end within the drain's time and then, by stop, the
// rest.
func (s *Server) shutdown(hard context.Context, stop func(), servers []*http.Server) {
	s.draining.Store(true)
	s.log.Info("draining", "delay", s.cfg.DrainDelay, "timeout", s.cfg.DrainTimeout)
	time.Sleep(s.cfg.DrainDelay)
	// Not stopped when the requests have ended: QUIC sessions may be left.
	time.AfterFunc(s.cfg.DrainTimeout, stop)
	s.drain()
	if s.quic != nil {
		s.quic.Drain()
	}
	var wg sync.WaitGroup
	for _, server := range servers {
		wg.Go(func() {
			if err := server.Shutdown(hard); err != nil {
				_ = server.Close()
			}
		})
	}
	wg.Wait()
}
