package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// jwk is a JSON Web Key (RFC 7517) as far as it can verify (RFC 7518 section 6,
// RFC 8037).
type jwk struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	Curve     string `json:"crv"`
	X         octets `json:"x"`
	Y         octets `json:"y"`
	N         octets `json:"n"`
	E         octets `json:"e"`
}

// octets are base64url without padding in JSON.
type octets []byte

// UnmarshalText decodes.
func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = base64.RawURLEncoding.AppendDecode(nil, text)
	return err
}

// parseJWKS takes the keys that this package can use, and leaves out others: a set
// may be for other purposes as well.
func parseJWKS(text []byte) (keySet, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("JWK Set: %w", err)
	}
	if set.Keys == nil {
		set.Keys = []json.RawMessage{text}
	}
	var out keySet
	var left error
	for _, raw := range set.Keys {
		k, err := parseJWK(raw)
		if err != nil {
			left = err
			continue
		}
		if out = append(out, k); len(out) > maxKeys {
			return nil, fmt.Errorf("more than %d keys", maxKeys)
		}
	}
	if len(out) == 0 {
		return nil, errors.Join(errors.New("no key that can verify a token"), left)
	}
	return out, nil
}

func parseJWK(raw []byte) (key, error) {
	var j jwk
	if err := json.Unmarshal(raw, &j); err != nil {
		return key{}, fmt.Errorf("JWK: %w", err)
	}
	if j.Use != "" && j.Use != "sig" {
		return key{}, fmt.Errorf("JWK %q is for %q", j.ID, j.Use)
	}
	public, err := j.public()
	if err != nil {
		return key{}, fmt.Errorf("JWK %q: %w", j.ID, err)
	}
	k, err := newKey(j.ID, public)
	if err == nil && j.Algorithm != "" && j.Algorithm != k.algorithm {
		err = fmt.Errorf("JWK %q is for algorithm %q", j.ID, j.Algorithm)
	}
	return k, err
}

func (j jwk) public() (crypto.PublicKey, error) {
	switch j.Type + " " + j.Curve {
	case "OKP Ed25519":
		if len(j.X) != ed25519.PublicKeySize {
			return nil, errors.New("x is not 32 bytes")
		}
		return ed25519.PublicKey(j.X), nil
	case "EC P-256":
		// An uncompressed point; whether it is on the curve is checked.
		if len(j.X) != 32 || len(j.Y) != 32 {
			return nil, errors.New("x or y is not 32 bytes")
		}
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, j.X...), j.Y...))
	case "RSA ":
		e := new(big.Int).SetBytes(j.E)
		if len(j.E) > 4 || e.BitLen() > 31 || e.Int64() < 3 || e.Bit(0) == 0 || len(j.N) > maxRSA/8+1 {
			return nil, errors.New("modulus or exponent out of bounds")
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(j.N), E: int(e.Int64())}, nil
	}
	return nil, fmt.Errorf("key type %q %q is not taken", j.Type, j.Curve)
}
