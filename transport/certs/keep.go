package certs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of Config.Dir: certificate and key in one PEM file each, so that
// one rename replaces both.
const (
	currentFile = "self-made.pem"
	nextFile    = "self-made-next.pem"
)

// restore gives a kept certificate, or nil when there is none that serves.
func (s *Source) restore(name string) (*tls.Certificate, error) {
	if s.cfg.Dir == "" {
		return nil, nil
	}
	text, err := os.ReadFile(filepath.Join(s.cfg.Dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read kept certificate: %w", err)
	}
	cert, err := filePair{cert: text, key: text}.parse(s.cfg.Now())
	if err != nil {
		s.log.Warn("kept certificate not used", "file", name, "err", err)
		return nil, nil
	}
	for _, host := range s.names() {
		if err := cert.Leaf.VerifyHostname(host); err != nil {
			s.log.Info("kept certificate not used", "file", name, "err", err)
			return nil, nil
		}
	}
	return cert, nil
}

// keep writes a certificate and its key for their owner alone.
func (s *Source) keep(name string, cert *tls.Certificate) error {
	if s.cfg.Dir == "" {
		return nil
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		return fmt.Errorf("keep certificate: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("keep certificate: %w", err)
	}
	path := filepath.Join(s.cfg.Dir, name)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("keep certificate: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("keep certificate: %w", err)
	}
	return nil
}

// promote makes the kept next certificate the current one, unless another node that
// shares the folder has done it.
func (s *Source) promote() error {
	if s.cfg.Dir == "" {
		return nil
	}
	err := os.Rename(filepath.Join(s.cfg.Dir, nextFile), filepath.Join(s.cfg.Dir, currentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
