package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// GenerateKey makes a key pair in PEM: PKCS #8 and its public half. The algorithm is
// EdDSA, ES256 or RS256.
func GenerateKey(algorithm string) (private, public []byte, err error) {
	var signer crypto.Signer
	switch algorithm {
	case jwt.SigningMethodEdDSA.Alg():
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	case jwt.SigningMethodES256.Alg():
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jwt.SigningMethodRS256.Alg():
		signer, err = rsa.GenerateKey(rand.Reader, minRSA)
	default:
		err = fmt.Errorf("%q is none of %v", algorithm, algorithms)
	}
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return nil, nil, err
	}
	publicDER, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: publicDER}), nil
}

// Mint signs a token with a private key in PEM (PKCS #8). keyID may be empty.
func Mint(private []byte, keyID string, c Claims) (string, error) {
	switch {
	case c.ExpiresAt == nil:
		return "", errors.New("a token has to expire")
	case len(c.Put) == 0 && len(c.Get) == 0:
		return "", errors.New("the token would grant nothing: give paths to publish or to watch")
	}
	signer, method, err := parsePrivate(private)
	if err != nil {
		return "", err
	}
	t := jwt.NewWithClaims(method, c)
	if keyID != "" {
		t.Header["kid"] = keyID
	}
	token, err := t.SignedString(signer)
	if err == nil && len(token) > maxToken {
		err = fmt.Errorf("the token would have %d bytes; %d are taken", len(token), maxToken)
	}
	return token, err
}

func parsePrivate(text []byte) (crypto.PrivateKey, jwt.SigningMethod, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, nil, errors.New("no PRIVATE KEY in PEM (PKCS #8)")
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, nil, errors.New("the key cannot sign")
	}
	k, err := newKey("", signer.Public())
	if err != nil {
		return nil, nil, err
	}
	return private, jwt.GetSigningMethod(k.algorithm), nil
}
