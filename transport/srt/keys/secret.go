package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // The protocol's choice, as the hash of an HMAC.
	"errors"
	"fmt"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

// iterations is that of PBKDF2 (section 6.1.4).
const iterations = 2048

var (
	// ErrBadSecret: the passphrase does not open the keys.
	ErrBadSecret = errors.New("the passphrase does not open the keys")
	// ErrCipher: the sender encrypts with something else than AES-CTR.
	ErrCipher = errors.New("cipher not supported")
)

// Secret opens the key material of one peer. It is for one goroutine at a time;
// what is Known may be opened by several.
type Secret struct {
	passphrase string

	// The key encrypting key of the last salt: keys change more often than salts.
	kek    cipher.Block
	salt   [16]byte
	length int
}

// NewSecret derives nothing yet.
func NewSecret(passphrase string) *Secret { return &Secret{passphrase: passphrase} }

// Clone gives a Secret that knows the same.
func (s *Secret) Clone() *Secret { c := *s; return &c }

// Known tells that Open needs no PBKDF2 for k, which costs a millisecond.
func (s *Secret) Known(k packet.KeyMaterial) bool {
	return s.kek != nil && s.salt == k.Salt && s.length == k.KeyLength
}

// Open unwraps the keys of a message. The errors are ErrBadSecret and ErrCipher.
func (s *Secret) Open(k packet.KeyMaterial) (Opened, error) {
	if k.Cipher != packet.CipherCTR || k.Auth != 0 {
		return Opened{}, fmt.Errorf("%w: cipher %d with authentication %d", ErrCipher, k.Cipher, k.Auth)
	}
	if !s.Known(k) {
		if err := s.derive(k); err != nil {
			return Opened{}, err
		}
	}
	plain, ok := unwrap(s.kek, k.Wrapped)
	if !ok {
		return Opened{}, ErrBadSecret
	}
	var o Opened
	for _, which := range [...]packet.Key{packet.EvenKey, packet.OddKey} {
		if k.Keys&which == 0 {
			continue
		}
		if len(plain) < k.KeyLength {
			return Opened{}, ErrBadSecret
		}
		block, err := aes.NewCipher(plain[:k.KeyLength])
		if err != nil {
			return Opened{}, err
		}
		o.keys[which-1] = key{block, k.Salt}
		plain = plain[k.KeyLength:]
	}
	return o, nil
}

// derive makes the key encrypting key (section 6.1.4): of the salt only the last
// 64 bits.
func (s *Secret) derive(k packet.KeyMaterial) error {
	raw, err := pbkdf2.Key(sha1.New, s.passphrase, k.Salt[8:], iterations, k.KeyLength)
	if err != nil {
		return err
	}
	s.kek, err = aes.NewCipher(raw)
	s.salt, s.length = k.Salt, k.KeyLength
	return err
}
