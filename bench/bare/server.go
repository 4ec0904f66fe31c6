package bare

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// path is where sessions are opened.
const path = "/bare"

// Server sends a schedule to all who come.
type Server struct {
	// Set by New, then read-only.
	schedule Schedule
	payloads [][]byte
	conn     *net.UDPConn
	wt       *webtransport.Server
	delivery prometheus.Histogram

	viewers sync.WaitGroup

	mu      sync.Mutex
	log     []chunk                // Guarded by mu.
	newest  map[uint8]int          // Guarded by mu. Where in log each track's newest group begins.
	waiting map[chan struct{}]bool // Guarded by mu.
}

// New binds a socket of this machine.
func New(schedule Schedule, registerer prometheus.Registerer) (*Server, error) {
	source, err := certs.New(certs.Config{})
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("bare server: %w", err)
	}
	s := &Server{
		schedule: schedule, payloads: schedule.payloads(), conn: conn,
		waiting: make(map[chan struct{}]bool), newest: make(map[uint8]int),
		// The gateway's own, so that one reading does for both.
		delivery: promauto.With(registerer).NewHistogram(prometheus.HistogramOpts{
			Name:    "freshet_moqt_delivery_seconds",
			Help:    "From a chunk being published to its last byte being handed to QUIC.",
			Buckets: moqt.DeliveryBuckets(),
		}),
	}
	s.wt = &webtransport.Server{
		H3: &http3.Server{
			Handler:   http.HandlerFunc(s.serve),
			TLSConfig: &tls.Config{GetCertificate: source.GetCertificate, NextProtos: []string{http3.NextProtoH3}, MinVersion: tls.VersionTLS13},
			QUICConfig: &quic.Config{
				EnableDatagrams: true, EnableStreamResetPartialDelivery: true,
			},
		},
		ApplicationProtocols: wire.Protocols(),
		CheckOrigin:          func(*http.Request) bool { return true },
	}
	webtransport.ConfigureHTTP3Server(s.wt.H3)
	return s, nil
}

// URL is where viewers open sessions.
func (s *Server) URL() string { return fmt.Sprintf("https://%s%s", s.conn.LocalAddr(), path) }

// Run publishes and serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	var publishing sync.WaitGroup
	publishing.Go(func() { s.publish(ctx) })
	stop := context.AfterFunc(ctx, func() { _ = s.wt.Close() })
	defer stop()
	err := s.wt.Serve(s.conn)
	publishing.Wait()
	s.viewers.Wait()
	if ctx.Err() != nil {
		err = nil
	}
	return errors.Join(err, s.conn.Close())
}

// publish appends chunks to the log at their times.
func (s *Server) publish(ctx context.Context) {
	groups := map[uint8]uint64{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for began := time.Now(); ; began = began.Add(s.schedule.Length) {
		for i, e := range s.schedule.Events {
			timer.Reset(time.Until(began.Add(e.At)))
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
			if e.First {
				groups[e.Priority]++
			}
			now := time.Now()
			s.append(chunk{
				at: now, priority: e.Priority, group: groups[e.Priority], first: e.First,
				bytes: s.schedule.stamp(i, s.payloads[i], now),
			})
		}
	}
}

func (s *Server) append(c chunk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.first {
		s.newest[c.priority] = len(s.log)
	}
	s.log = append(s.log, c)
	for wake := range s.waiting {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// next gives the chunk at a place in the log, if it is there.
func (s *Server) next(at int) (chunk, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at < len(s.log) {
		return s.log[at], true
	}
	return chunk{}, false
}
