package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// GatewayConfig is what a test decides about a gateway; ports are found.
type GatewayConfig struct {
	Binary      string
	Dir         string            // for the configuration and the log
	Passphrases map[string]string // of streams that have one
	Hold        time.Duration     // default 5 s
	Drain       time.Duration     // default 3 s
	MaxLag      time.Duration     // default 2 s
	Env         []string
}

// Gateway is a running `freshet serve`.
type Gateway struct {
	*Process
	srt, http, https, metrics int
}

// StartGateway starts the binary and waits until it is ready.
func StartGateway(ctx context.Context, config GatewayConfig) (*Gateway, error) {
	g := &Gateway{}
	for _, port := range []*int{&g.srt, &g.http, &g.https, &g.metrics} {
		var err error
		if *port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	file := filepath.Join(config.Dir, "freshet.yaml")
	if err := os.WriteFile(file, g.yaml(config), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	var err error
	g.Process, err = Command{
		Name: "gateway", Path: config.Binary, Args: []string{"serve", "--config", file},
		Env: config.Env, Dir: config.Dir,
	}.Start(ctx)
	if err != nil {
		return nil, err
	}
	if err := g.waitReady(ctx); err != nil {
		return nil, errors.Join(err, g.Kill())
	}
	return g, nil
}

func (g *Gateway) yaml(config GatewayConfig) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "srt:\n  address: %s:%d\n", loopback, g.srt)
	if len(config.Passphrases) > 0 {
		b.WriteString("  streams:\n")
	}
	for path, passphrase := range config.Passphrases {
		fmt.Fprintf(&b, "    - path: %s\n      passphrase: %s\n", path, passphrase)
	}
	fmt.Fprintf(&b, "ingest:\n  hold: %v\n", orElse(config.Hold, 5*time.Second))
	fmt.Fprintf(&b, "web:\n  http: %s:%d\n  https: %s:%d\n", loopback, g.http, loopback, g.https)
	fmt.Fprintf(&b, "moq:\n  max_lag: %v\n", orElse(config.MaxLag, 2*time.Second))
	fmt.Fprintf(&b, "metrics:\n  address: %s:%d\n", loopback, g.metrics)
	fmt.Fprintf(&b, "drain:\n  deadline: %v\n", orElse(config.Drain, 3*time.Second))
	return []byte(b.String())
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

func (g *Gateway) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		select {
		case <-g.Done():
			return fmt.Errorf("the gateway ended: %w\n%s", g.Err(), g.Output())
		case <-ctx.Done():
			return fmt.Errorf("the gateway is not ready: %w\n%s", ctx.Err(), g.Output())
		case <-time.After(20 * time.Millisecond):
		}
		if _, err := Get(ctx, g.Operator("/readyz")); err == nil {
			return nil
		}
	}
}

// SRT is the URL that encoders push to, in libsrt's words: a stream id as it is
// (the caller escapes it), latency in ms.
func (g *Gateway) SRT() string { return fmt.Sprintf("srt://%s:%d", loopback, g.srt) }

// HTTP is the URL of a path on the plain listener.
func (g *Gateway) HTTP(path string) string {
	return fmt.Sprintf("http://%s:%d%s", loopback, g.http, path)
}

// HTTPS is the URL of a path on the TLS listener, which is WebTransport's too.
func (g *Gateway) HTTPS(path string) string {
	return fmt.Sprintf("https://%s:%d%s", loopback, g.https, path)
}

// QUIC is the address of the TLS listener.
func (g *Gateway) QUIC() string { return fmt.Sprintf("%s:%d", loopback, g.https) }

// Operator is the URL of a path on the operator's listener.
func (g *Gateway) Operator(path string) string {
	return fmt.Sprintf("http://%s:%d%s", loopback, g.metrics, path)
}

// Get fetches a URL; an answer that is not 200 is an error that holds it.
func Get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", fmt.Errorf("get %s: %w", url, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("get %s: %w", url, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("get %s: %w", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("get %s: %s: %s", url, resp.Status, body)
	}
	return string(body), nil
}
