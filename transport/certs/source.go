package certs

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// How often Run looks. A changed pair of files is served after two looks at the
// most, within the 5 s that certificate rotation may take.
const (
	filesEvery    = time.Second
	selfMadeEvery = time.Minute
)

// Config configures a Source. The zero value gives a self-made certificate for
// localhost that is kept in memory.
type Config struct {
	// CertFile and KeyFile are PEM files; both or none.
	CertFile, KeyFile string
	// Hosts are names and addresses beside localhost, 127.0.0.1 and ::1 that a
	// self-made certificate is good for.
	Hosts []string
	// Dir keeps the self-made certificate over a restart, and so its hash; nodes
	// that share it have one certificate. Empty keeps it in memory alone.
	Dir string

	// Now is the clock; time.Now when nil.
	Now        func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Source gives the current certificate.
type Source struct {
	// Set by New, then read-only.
	cfg     Config
	log     *slog.Logger
	expiry  prometheus.Gauge
	changes *prometheus.CounterVec

	// Owned by New, then by Run.
	seen   filePair // What the last look found.
	judged filePair // What was served or refused last.

	mu      sync.RWMutex
	current *tls.Certificate // Guarded by mu.
	next    *tls.Certificate // Guarded by mu. Self-made alone: served soon, its hash is out already.
}

// New loads or makes the certificate. Files that cannot be used are an error
// here, where a person waits for it; later they are only refused.
func New(cfg Config) (*Source, error) {
	if (cfg.CertFile == "") != (cfg.KeyFile == "") {
		return nil, errors.New("certificate and key file: both or none")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	metrics := promauto.With(cfg.Registerer)
	s := &Source{
		cfg: cfg,
		log: cfg.Logger,
		expiry: metrics.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_cert_expiry_timestamp_seconds",
			Help: "Unix time at which the certificate being served ends.",
		}),
		changes: metrics.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_cert_changes_total",
			Help: "Changes of the certificate by result.",
		}, []string{"result"}),
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Source) load() error {
	if s.SelfMade() {
		return s.loadSelfMade()
	}
	pair, err := readPair(s.cfg.CertFile, s.cfg.KeyFile)
	if err != nil {
		return err
	}
	cert, err := pair.parse(s.cfg.Now())
	if err != nil {
		return fmt.Errorf("certificate %s: %w", s.cfg.CertFile, err)
	}
	s.seen, s.judged = pair, pair
	s.serve(cert, nil)
	return nil
}

// SelfMade tells whether clients can know the certificate by its hash alone.
func (s *Source) SelfMade() bool { return s.cfg.CertFile == "" }

// GetCertificate is for tls.Config.
func (s *Source) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return s.Certificate(), nil
}

// Certificate is the one being served. It must not be changed.
func (s *Source) Certificate() *tls.Certificate {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current
}

// Check tells whether the certificate being served is valid now.
func (s *Source) Check() error {
	leaf := s.Certificate().Leaf
	switch now := s.cfg.Now(); {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("certificate expired at %s", leaf.NotAfter.Format(time.RFC3339))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("certificate is not valid before %s", leaf.NotBefore.Format(time.RFC3339))
	default:
		return nil
	}
}

// Hash is the SHA-256 of the DER bytes of the certificate being served.
func (s *Source) Hash() [sha256.Size]byte {
	return sha256.Sum256(s.Certificate().Certificate[0])
}

// Hashes are the hashes a client should accept from now on: the one being
// served and, while the change to the next is near, that of the next.
func (s *Source) Hashes() [][sha256.Size]byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	hashes := [][sha256.Size]byte{sha256.Sum256(s.current.Certificate[0])}
	if s.next != nil {
		hashes = append(hashes, sha256.Sum256(s.next.Certificate[0]))
	}
	return hashes
}

// Run watches the files, or renews the self-made certificate, until ctx ends.
func (s *Source) Run(ctx context.Context) error {
	every, look := filesEvery, s.reload
	if s.SelfMade() {
		every, look = selfMadeEvery, s.renew
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			look()
		}
	}
}

// serve puts a certificate in service, and next in waiting.
func (s *Source) serve(current, next *tls.Certificate) {
	s.expiry.Set(float64(current.Leaf.NotAfter.Unix()))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.next = current, next
}
