package beacon

import (
	"crypto/ed25519"

	"github.com/quic-go/quic-go/quicvarint"
)

// What a signature is of begins with its purpose, so that none can be taken for
// another.
const (
	domainBeacon = "freshet beacon 1\x00"
	domainKey    = "freshet swarm key 1\x00"
)

// Signer signs the beacons of one track.
type Signer struct {
	prefix  []byte // Set by NewSigner, then read-only.
	scratch []byte
	key     ed25519.PrivateKey
	id      KeyID
}

// NewSigner makes a Signer for a track, of a namespace in path form. Use gives it
// its key.
func NewSigner(namespace, track string) *Signer {
	return &Signer{prefix: signedPrefix(namespace, track)}
}

// Use makes key the one that signs from now on.
func (s *Signer) Use(key ed25519.PrivateKey) {
	if s.key.Equal(key) {
		return
	}
	s.key, s.id = key, KeyIDOf(publicOf(key))
}

// publicOf is the second half of a private key (RFC 8032).
func publicOf(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

// Sign gives b its key and its signature, and the bytes that are sent, which are
// the caller's. A beacon that breaks a rule gives ErrMalformed.
func (s *Signer) Sign(b *Beacon) ([]byte, error) {
	b.Key = s.id
	if err := b.validate(); err != nil {
		return nil, err
	}
	s.scratch = b.appendBody(append(s.scratch[:0], s.prefix...))
	body := s.scratch[len(s.prefix):]
	copy(b.Signature[:], ed25519.Sign(s.key, s.scratch))
	out := make([]byte, 0, len(body)+ed25519.SignatureSize)
	return append(append(out, body...), b.Signature[:]...), nil
}

// signedPrefix is what is signed before a beacon's own bytes.
func signedPrefix(namespace, track string) []byte {
	return appendText(appendText([]byte(domainBeacon), namespace), track)
}

// appendText appends length and bytes.
func appendText(dst []byte, s string) []byte {
	return append(quicvarint.Append(dst, uint64(len(s))), s...)
}
