package auth

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// parseKeys reads public keys: PEM blocks one after the other, or a JWK Set or a
// single JWK in JSON.
func parseKeys(text []byte) (keySet, error) {
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		return parseJWKS(trimmed)
	}
	return parsePEM(text)
}

func parsePEM(text []byte) (keySet, error) {
	var set keySet
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		k, err := parseBlock(block)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", block.Type, err)
		}
		if set = append(set, k); len(set) > maxKeys {
			return nil, fmt.Errorf("more than %d keys", maxKeys)
		}
	}
	if len(set) == 0 {
		return nil, errors.New("no public key in PEM, and no JWK")
	}
	return set, nil
}

func parseBlock(block *pem.Block) (key, error) {
	switch block.Type {
	case "PUBLIC KEY":
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return key{}, err
		}
		return newKey("", public)
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return key{}, err
		}
		return newKey("", cert.PublicKey)
	}
	return key{}, errors.New("a PUBLIC KEY is wanted; who only checks tokens needs no other")
}
