package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// jwks is the issuer's public key, an Ed25519 one, as a JWK Set (RFC 8037).
func (i *issuer) jwks() string {
	i.t.Helper()
	text, err := os.ReadFile(i.file)
	if err != nil {
		i.t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		i.t.Fatal(err)
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		i.t.Fatalf("a %T", key)
	}
	return fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
}

// The keys at the URL change, and a token of the new one has them fetched: it counts soon,
// and one of the old does not any more.
func TestKeysRotateAtTheirURL(t *testing.T) {
	t.Parallel()
	old, fresh := newIssuer(t, "EdDSA"), newIssuer(t, "EdDSA")
	var keys atomic.Value
	keys.Store(old.jwks())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, keys.Load().(string))
	}))
	defer server.Close()
	cfg := guarded("")
	cfg.Auth.JWKS = server.URL
	g := startGateway(t, cfg)
	list := func(i *issuer) string { return g.url("/v1/broadcasts?token=" + i.token("", time.Hour)) }
	until(t, 15*time.Second, list(old), func(status int, _ string) bool { return status == http.StatusOK })
	if status, body := try(t, list(fresh)); status != http.StatusUnauthorized || !strings.Contains(body, `"reason":"wrong_key"`) {
		t.Errorf("a token of a key to come: %d %s", status, body)
	}
	keys.Store(fresh.jwks())
	until(t, 30*time.Second, list(fresh), func(status int, _ string) bool { return status == http.StatusOK })
	if status, body := try(t, list(old)); status != http.StatusUnauthorized || !strings.Contains(body, `"reason":"wrong_key"`) {
		t.Errorf("a token of the key before: %d %s", status, body)
	}
}

// The keys in the file change, and tokens of the new ones count; those of the old do not.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	old, fresh := newIssuer(t, "RS256"), newIssuer(t, "EdDSA")
	g := startGateway(t, guarded(old.file))
	list := func(i *issuer) string { return g.url("/v1/broadcasts?token=" + i.token("", time.Hour)) }
	if status, body := try(t, list(old)); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	text, err := os.ReadFile(fresh.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, 10*time.Second, list(fresh), func(status int, _ string) bool { return status == http.StatusOK })
	if status, body := try(t, list(old)); status != http.StatusUnauthorized || !strings.Contains(body, `"reason":"wrong_key"`) {
		t.Errorf("a token of the key before: %d %s", status, body)
	}
}
