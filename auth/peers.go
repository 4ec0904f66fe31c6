package auth

import (
	"crypto/x509"
	"errors"
	"fmt"
	"path"
	"sync/atomic"
	"time"
)

// Relays says which client certificates make a peer one of our own relays, that may
// watch everything.
type Relays struct {
	// CA is a PEM file of those who certify them; empty trusts no certificate.
	CA string
	// Names are patterns, as of path.Match, one of which a name in the certificate
	// (a URI or DNS name) must match: "spiffe://example.com/relay/edge/*". Empty takes every
	// certificate of the CA.
	Names []string
}

// relays checks certificates.
type relays struct {
	names []string
	roots atomic.Pointer[x509.CertPool]
}

func (r *relays) apply(text []byte) error {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return errors.New("holds no certificate")
	}
	r.roots.Store(pool)
	return nil
}

// verify gives until when the chain proves a relay; certs is the peer's, its own
// first, and the TLS handshake has shown that it has the key.
func (r *relays) verify(certs []*x509.Certificate, now time.Time) (until time.Time, err error) {
	roots := r.roots.Load()
	if roots == nil || len(certs) == 0 {
		return until, errors.New("no certificate is asked for, or none was shown")
	}
	others := x509.NewCertPool()
	for _, c := range certs[1:] {
		others.AddCert(c)
	}
	_, err = certs[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: others, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return until, err
	}
	if !r.named(certs[0]) {
		return until, fmt.Errorf("no name of the certificate matches any of %q", r.names)
	}
	return certs[0].NotAfter, nil
}

func (r *relays) named(cert *x509.Certificate) bool {
	if len(r.names) == 0 {
		return true
	}
	names := cert.DNSNames
	for _, u := range cert.URIs {
		names = append(names, u.String())
	}
	for _, pattern := range r.names {
		for _, name := range names {
			if ok, err := path.Match(pattern, name); ok && err == nil {
				return true
			}
		}
	}
	return false
}
