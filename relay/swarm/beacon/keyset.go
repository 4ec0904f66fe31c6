package beacon

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
)

// keySet holds the session keys that count for a broadcast.
type keySet struct {
	namespace string
	pinned    ed25519.PublicKey // nil takes the catalog's word.
	stream    ed25519.PublicKey
	list      []sessionKey
}

type sessionKey struct {
	id          KeyID
	certificate Certificate
}

// set takes the keys of a catalog; those that are not certified are left out, and
// the error tells. With another stream key than the pinned one nothing changes.
func (s *keySet) set(k *Keys) error {
	if err := (&Keys{StreamKey: k.StreamKey}).Validate(); err != nil {
		return err
	}
	if s.pinned != nil && !bytes.Equal(s.pinned, k.StreamKey) {
		return ErrStreamKey
	}
	if n := len(k.Certificates); n > MaxCertificates {
		return fmt.Errorf("%w: %d certificates", ErrMalformed, n)
	}
	known := s.list
	if !bytes.Equal(s.stream, k.StreamKey) {
		known = nil
	}
	s.stream, s.list = slices.Clone(k.StreamKey), make([]sessionKey, 0, len(k.Certificates))
	var errs error
	for i := range k.Certificates {
		errs = errors.Join(errs, s.add(&k.Certificates[i], known))
	}
	return errs
}

// add takes a certificate. One that was verified before is not verified again: the
// catalog comes every two seconds.
func (s *keySet) add(c *Certificate, known []sessionKey) error {
	i := slices.IndexFunc(known, func(k sessionKey) bool { return k.certificate.equal(c) })
	if i >= 0 {
		s.list = append(s.list, known[i])
		return nil
	}
	if err := c.verify(s.stream, s.namespace); err != nil {
		return err
	}
	own := *c
	own.Key, own.Signature = slices.Clone(c.Key), slices.Clone(c.Signature)
	s.list = append(s.list, sessionKey{id: KeyIDOf(own.Key), certificate: own})
	return nil
}

// certified gives the keys that may have signed a beacon: IDs are short, so there
// may be two of one.
func (s *keySet) certified(b *Beacon) ([]ed25519.PublicKey, error) {
	err := ErrUnknownKey
	var keys []ed25519.PublicKey
	for i := range s.list {
		c := &s.list[i].certificate
		switch {
		case s.list[i].id != b.Key:
		case b.Time < c.NotBefore || b.Time > c.NotAfter:
			err = ErrKeyTime
		case b.Group < c.MinGroup:
			err = ErrKeyGroup
		default:
			keys = append(keys, c.Key)
		}
	}
	if len(keys) == 0 {
		return nil, err
	}
	return keys, nil
}
