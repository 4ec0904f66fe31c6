package beacon

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxCertificates bounds what a catalog holds: the session key before, the present
// one, the next, and as many for those who rotate faster.
const MaxCertificates = 8

// Keys are the catalog's object "swarm": whose signature counts.
type Keys struct {
	// StreamKey certifies the session keys (Ed25519, 32 bytes).
	StreamKey    []byte        `json:"streamKey"`
	Certificates []Certificate `json:"certificates"`
}

// Certificate is the stream key's word for a session key.
type Certificate struct {
	Key []byte `json:"key"`
	// NotBefore and NotAfter bound the time of beacons, in ms since the Unix epoch.
	NotBefore int64 `json:"notBefore"`
	NotAfter  int64 `json:"notAfter"`
	// MinGroup is the first group that the key may speak of.
	MinGroup  uint64 `json:"minGroup"`
	Signature []byte `json:"signature"`
}

// Validate tells whether the fields are of the right shape; whether signatures hold
// is the Verifier's to say. The error is ErrMalformed.
func (k *Keys) Validate() error {
	if len(k.StreamKey) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: stream key of %d bytes", ErrMalformed, len(k.StreamKey))
	}
	if n := len(k.Certificates); n > MaxCertificates {
		return fmt.Errorf("%w: %d certificates", ErrMalformed, n)
	}
	var errs error
	for i := range k.Certificates {
		errs = errors.Join(errs, k.Certificates[i].validate())
	}
	return errs
}

func (c *Certificate) validate() error {
	switch {
	case len(c.Key) != ed25519.PublicKeySize:
		return fmt.Errorf("%w: session key of %d bytes", ErrMalformed, len(c.Key))
	case len(c.Signature) != ed25519.SignatureSize:
		return fmt.Errorf("%w: signature of %d bytes", ErrMalformed, len(c.Signature))
	case c.NotBefore < 0 || c.NotAfter >= maxInt || c.NotBefore >= c.NotAfter || c.MinGroup >= maxInt:
		return fmt.Errorf("%w: certificate from %d to %d, group %d", ErrMalformed, c.NotBefore, c.NotAfter, c.MinGroup)
	}
	return nil
}

// Certify gives the stream key's word for a session key of a broadcast. The times
// are in ms since the Unix epoch.
func Certify(stream ed25519.PrivateKey, namespace string, key ed25519.PublicKey, notBefore, notAfter int64, minGroup uint64) Certificate {
	c := Certificate{Key: key, NotBefore: notBefore, NotAfter: notAfter, MinGroup: minGroup}
	c.Signature = ed25519.Sign(stream, c.signed(namespace))
	return c
}

// signed is what the stream key signs.
func (c *Certificate) signed(namespace string) []byte {
	b := append(appendText([]byte(domainKey), namespace), c.Key...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.NotBefore))
	b = binary.BigEndian.AppendUint64(b, uint64(c.NotAfter))
	return binary.BigEndian.AppendUint64(b, c.MinGroup)
}

// verify tells whether the stream key certifies the key for the broadcast.
func (c *Certificate) verify(stream ed25519.PublicKey, namespace string) error {
	if err := c.validate(); err != nil {
		return err
	}
	if !ed25519.Verify(stream, c.signed(namespace), c.Signature) {
		return ErrCertificate
	}
	return nil
}

func (c *Certificate) equal(d *Certificate) bool {
	return c.NotBefore == d.NotBefore && c.NotAfter == d.NotAfter && c.MinGroup == d.MinGroup &&
		bytes.Equal(c.Key, d.Key) && bytes.Equal(c.Signature, d.Signature)
}
