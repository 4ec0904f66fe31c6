package rig

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"
)

// WriteAuthority makes what the nodes of a cluster know each other by: an authority,
// ca.crt, and a certificate for all of their addresses, node.crt and node.key, in dir.
func WriteAuthority(dir string, addresses []netip.Addr) error {
	caKey, caText, ca, err := certify(&x509.Certificate{
		Subject: pkix.Name{CommonName: "Freshet test authority"},
		IsCA:    true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	if err != nil {
		return err
	}
	node := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "node"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, a := range addresses {
		node.IPAddresses = append(node.IPAddresses, net.IP(a.AsSlice()))
	}
	nodeKey, nodeText, _, err := certify(node, ca, caKey)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(nodeKey)
	if err != nil {
		return fmt.Errorf("certify: %w", err)
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "ca.crt"), caText, 0o600),
		os.WriteFile(filepath.Join(dir, "node.crt"), nodeText, 0o600),
		os.WriteFile(filepath.Join(dir, "node.key"), key, 0o600),
	)
}

// certify signs with the issuer's key, or with its own.
func certify(c, issuer *x509.Certificate, by *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte, *x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("certify: %w", err)
	}
	if issuer == nil {
		issuer, by = c, key
	}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, key.Public(), by)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("certify: %w", err)
	}
	parsed, err := x509.ParseCertificate(der)
	return key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), parsed, err
}
