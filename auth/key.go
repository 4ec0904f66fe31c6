package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// Bounds of a set of keys: a token without a key ID is tried with each.
const (
	maxKeys = 32
	// minRSA and maxRSA are the lengths of moduli in bits: less is weak (RFC 7518,
	// section 3.3), more is slow on purpose.
	minRSA, maxRSA = 2048, 8192
)

// key is a public key with the one algorithm that it is good for.
type key struct {
	id        string // Empty when it has none, as in PEM.
	algorithm string // Of those in algorithms.
	public    crypto.PublicKey
}

// algorithms are all that are accepted. None of them is symmetric, so a public key
// can never be taken for a shared secret.
var algorithms = []string{
	jwt.SigningMethodEdDSA.Alg(), jwt.SigningMethodES256.Alg(), jwt.SigningMethodRS256.Alg(),
}

// newKey finds what a public key is good for.
func newKey(id string, public crypto.PublicKey) (key, error) {
	k := key{id: id, public: public}
	switch p := public.(type) {
	case ed25519.PublicKey:
		k.algorithm = jwt.SigningMethodEdDSA.Alg()
	case *ecdsa.PublicKey:
		if p.Curve != elliptic.P256() {
			return k, fmt.Errorf("elliptic curve %s; only P-256 is taken", p.Curve.Params().Name)
		}
		k.algorithm = jwt.SigningMethodES256.Alg()
	case *rsa.PublicKey:
		if n := p.N.BitLen(); n < minRSA || n > maxRSA {
			return k, fmt.Errorf("RSA key of %d bits; %d to %d are taken", n, minRSA, maxRSA)
		}
		k.algorithm = jwt.SigningMethodRS256.Alg()
	default:
		return k, errors.New("neither an Ed25519, P-256 nor RSA key")
	}
	return k, nil
}

// keySet is immutable.
type keySet []key

// candidates are the keys that may have signed a token: the one that it names, or
// else those that have no name.
func (s keySet) candidates(algorithm, id string) jwt.VerificationKeySet {
	var named, others jwt.VerificationKeySet
	for _, k := range s {
		switch {
		case k.algorithm != algorithm:
		case id != "" && k.id == id:
			named.Keys = append(named.Keys, k.public)
		case id == "" || k.id == "":
			others.Keys = append(others.Keys, k.public)
		}
	}
	if len(named.Keys) > 0 {
		return named
	}
	return others
}

func (k key) equal(other key) bool {
	p, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.id == other.id && p.Equal(other.public)
}
