package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

// The life of a self-made certificate. A browser takes one by its hash only
// when it is valid for at most two weeks (W3C WebTransport, "custom certificate
// requirements").
const (
	// validity stays a day under two weeks.
	validity = 13 * 24 * time.Hour
	// backdate makes room for clients whose clock is behind.
	backdate = time.Hour
	// renewAge is when the next certificate is made and its hash given out.
	renewAge = 10 * 24 * time.Hour
	// overlap is how long a client that read the hashes once may still come
	// with them: after it the next certificate is served.
	overlap = 24 * time.Hour
)

// loadSelfMade takes the kept certificates where they still serve, and makes
// what is missing.
func (s *Source) loadSelfMade() error {
	current, err := s.keptOrMade(currentFile)
	if err != nil {
		return err
	}
	next, err := s.restore(nextFile)
	if err != nil {
		return err
	}
	s.serve(current, next)
	s.renew()
	return nil
}

// keptOrMade gives the kept certificate or, where none serves, makes and keeps one. Of
// nodes that share the folder one makes it, and the others take it: a player comes to
// all of them with the same hash.
func (s *Source) keptOrMade(name string) (*tls.Certificate, error) {
	release, err := s.lock()
	if err != nil {
		return nil, err
	}
	defer release()
	cert, err := s.restore(name)
	if err != nil || cert != nil {
		return cert, err
	}
	if cert, err = s.make(); err != nil {
		return nil, err
	}
	return cert, s.keep(name, cert)
}

// renew takes the step that the age of the current certificate asks for.
func (s *Source) renew() {
	current, next := s.pair()
	age := s.cfg.Now().Sub(current.Leaf.NotBefore)
	if age < renewAge {
		return
	}
	if next == nil {
		next = s.prepare(current)
	}
	if next == nil || age < renewAge+overlap {
		return
	}
	if err := s.promote(); err != nil {
		s.log.Error("certificate not kept for a restart", "err", err)
	}
	s.serve(next, nil)
	s.changes.WithLabelValues("accepted").Inc()
	s.log.Info("certificate renewed", "not_after", next.Leaf.NotAfter)
}

// prepare makes the next certificate and gives its hash out. A folder that
// cannot be written costs the hash at a restart, never the renewal.
func (s *Source) prepare(current *tls.Certificate) *tls.Certificate {
	next, err := s.keptOrMade(nextFile)
	if next == nil {
		s.refuse(err)
		return nil
	}
	if err != nil {
		s.log.Error("certificate not kept for a restart", "err", err)
	}
	s.serve(current, next)
	s.log.Info("next certificate made", "not_after", next.Leaf.NotAfter)
	return next
}

func (s *Source) pair() (current, next *tls.Certificate) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.current, s.next
}

func (s *Source) make() (*tls.Certificate, error) {
	cert, err := selfSigned(s.cfg.Now(), s.names())
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	return cert, nil
}

func (s *Source) names() []string {
	names := append([]string{"localhost", "127.0.0.1", "::1"}, s.cfg.Hosts...)
	slices.Sort(names)
	return slices.Compact(names)
}

// selfSigned makes an ECDSA P-256 certificate: RSA is not allowed for
// certificates that are known by their hash.
func selfSigned(now time.Time, names []string) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Freshet self-made"},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(-backdate).Add(validity),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
