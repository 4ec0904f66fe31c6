package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/freshet-live/freshet/auth"
	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/push"
)

// issuer mints tokens for a gateway that has its public key.
type issuer struct {
	t    *testing.T
	key  []byte
	file string // Of the public key.
}

func newIssuer(t *testing.T, algorithm string) *issuer {
	t.Helper()
	private, public, err := auth.GenerateKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, key: private, file: filepath.Join(t.TempDir(), "keys.pem")}
	if err := os.WriteFile(i.file, public, 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

// token grants all below root for a while.
func (i *issuer) token(root string, lasts time.Duration) string {
	i.t.Helper()
	token, err := auth.Mint(i.key, "", auth.Claims{
		Root: root, Put: auth.Paths{""}, Get: auth.Paths{""},
		RegisteredClaims: jwt.RegisteredClaims{ExpiresAt: jwt.NewNumericDate(time.Now().Add(lasts))},
	})
	if err != nil {
		i.t.Fatal(err)
	}
	return token
}

// guarded is the configuration of a gateway with every door, that asks for the
// issuer's tokens.
func guarded(keys string) configs.Config {
	cfg := loopback()
	cfg.Auth.Keys = keys
	cfg.RTSP.Address, cfg.RTSP.RTPAddress = "127.0.0.1:0", ""
	cfg.MoQ.Publish, cfg.QUIC.Publish = true, true
	return cfg
}

// pushAs plays the demo's clip with a token until the test ends.
func (r *running) pushAs(t *testing.T, token string) {
	t.Helper()
	clip, err := push.Clip(demoClip)
	if err != nil {
		t.Fatal(err)
	}
	status, log := &push.Status{}, slog.New(slog.DiscardHandler)
	to := fmt.Sprintf("srt://%s?streamid=%%23!::r=%s,m=publish,s=%s", r.srt.Addr(), demoName, token)
	output, err := push.NewOutput(push.OutputConfig{To: to, Status: status, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- push.Run(ctx, clip, output, push.NewQueue(time.Second), status) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}
