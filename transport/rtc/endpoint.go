package rtc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/big"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/transport/v5"
	"github.com/pion/webrtc/v4"
)

// Config configures an Endpoint. The zero value is ready to use.
type Config struct {
	Logger *slog.Logger
	// LAN lets private addresses through in both directions, which tells peers
	// what the own network looks like inside and lets them have packets sent
	// there. Loopback adds the machine's own, for tests and demos on one machine.
	LAN      bool
	Loopback bool
	// Net is the network; nil is the machine's. Tests have one in memory.
	Net transport.Net
	// Window is the least congestion window of an association in bytes, and what
	// is sent again at once after a loss; 0 is DefaultWindow. A peer on a line
	// that takes less than that in a round trip loses packets by it.
	Window int
}

// DefaultWindow lets a chunk of 4 Mbit/s go in one round trip, after a pause and
// after a loss, too. 50 kB bursts at 40 ms round trip: after a pause 25 ms instead
// of 148, at 1 % loss half of them within 62 ms instead of 113.
const DefaultWindow = 64 << 10

// Endpoint is what a viewer's connections have in common. Its methods may be
// called by many goroutines.
type Endpoint struct {
	// Set by New, then read-only.
	cfg         Config
	log         *slog.Logger
	certificate webrtc.Certificate
	fingerprint string
	api         *webrtc.API

	uplink uplink
}

// New makes an Endpoint with a certificate of its own.
func New(cfg Config) (*Endpoint, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Window == 0 {
		cfg.Window = DefaultWindow
	}
	e := &Endpoint{cfg: cfg, log: cfg.Logger}
	if err := e.certify(); err != nil {
		return nil, fmt.Errorf("make DTLS certificate: %w", err)
	}
	settings, err := settingsOf(&cfg)
	if err != nil {
		return nil, err
	}
	// Data channels only: no codecs, no interceptors.
	e.api = webrtc.NewAPI(
		webrtc.WithSettingEngine(settings),
		webrtc.WithMediaEngine(&webrtc.MediaEngine{}),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}),
	)
	return e, nil
}

// certify makes the certificate, whose fingerprint the edge is told before any
// connection.
func (e *Endpoint) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "WebRTC"},
		NotBefore:    now.AddDate(0, 0, -1),
		NotAfter:     now.AddDate(0, 1, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	e.certificate = webrtc.CertificateFromX509(key, cert)
	e.fingerprint = fingerprintOf(der)
	return nil
}

// fingerprintOf is that of a certificate in DER, as `hello` writes it.
func fingerprintOf(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// Fingerprint is the SHA-256 of the certificate, in lower-case hex.
func (e *Endpoint) Fingerprint() string { return e.fingerprint }

// Uplink estimates what the uplink gives, in bit/s, by what connections delivered
// while more was waiting; 0 while that is not known.
func (e *Endpoint) Uplink() int64 { return e.uplink.estimate() }
