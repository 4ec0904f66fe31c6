package certs

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"time"
)

// filePair is the text of a certificate and a key file.
type filePair struct{ cert, key []byte }

func readPair(certFile, keyFile string) (filePair, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return filePair{}, fmt.Errorf("read certificate: %w", err)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return filePair{}, fmt.Errorf("read key: %w", err)
	}
	return filePair{cert: cert, key: key}, nil
}

func (p filePair) equal(q filePair) bool {
	return bytes.Equal(p.cert, q.cert) && bytes.Equal(p.key, q.key)
}

func (p filePair) parse(now time.Time) (*tls.Certificate, error) {
	cert, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		return nil, err
	}
	if !now.Before(cert.Leaf.NotAfter) {
		return nil, fmt.Errorf("expired at %s", cert.Leaf.NotAfter.Format(time.RFC3339))
	}
	return &cert, nil
}

// reload takes a changed pair once it was the same on two looks, so that a pair
// whose files are replaced one after the other is not judged half-way. A pair
// that was refused is not judged again until it changes.
func (s *Source) reload() {
	pair, err := readPair(s.cfg.CertFile, s.cfg.KeyFile)
	settled := pair.equal(s.seen)
	s.seen = pair
	if !settled || pair.equal(s.judged) {
		return
	}
	s.judged = pair
	if err != nil {
		s.refuse(err)
		return
	}
	cert, err := pair.parse(s.cfg.Now())
	if err != nil {
		s.refuse(err)
		return
	}
	s.serve(cert, nil)
	s.changes.WithLabelValues("accepted").Inc()
	s.log.Info("certificate replaced", "file", s.cfg.CertFile, "not_after", cert.Leaf.NotAfter)
}

func (s *Source) refuse(err error) {
	s.changes.WithLabelValues("refused").Inc()
	s.log.Error("new certificate refused, the old one stays", "file", s.cfg.CertFile, "err", err)
}
