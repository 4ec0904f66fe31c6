package main

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// The keys in the file change, and tokens of the new ones count; those of the old do not.
func TestKeysRotate(t *testing.T) {
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
