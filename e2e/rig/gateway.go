package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// GatewayConfig is what a test decides about a gateway; ports are found.
type GatewayConfig struct {
	Binary      string
	Dir         string            // for the configuration and the log
	Name        string            // of their files and, in a cluster, of the node; default gateway
	Machine     *Machine          // to run on; default this process's own
	YAML        string            // the whole configuration, with the standard ports, of a Machine's
	Relay       bool              // `freshet relay`, as with Parents
	Parents     []string          // MoQ URLs; a gateway with parents takes no encoders
	CertDir     string            // shared by gateways that a browser moves between
	Redirect    string            // MoQ URL that a drain sends clients to
	MoQURL      string            // what players are told of MoQ; default where it is
	Publish     bool              // takes MoQ publishers
	Profiles    bool              // serves pprof to the operator
	More        string            // YAML sections that are not among these
	Passphrases map[string]string // of streams that have one
	Hold        time.Duration     // default 5 s
	Drain       time.Duration     // default 3 s
	MaxLag      time.Duration     // default 2 s
	Env         []string
}

// Gateway is a running `freshet serve`.
type Gateway struct {
	*Process
	config                    GatewayConfig
	host                      string
	starts                    int
	srt, http, https, metrics int
}

// StartGateway starts the binary and waits until it is ready.
func StartGateway(ctx context.Context, config GatewayConfig) (*Gateway, error) {
	g, err := NewGateway(config)
	if err != nil {
		return nil, err
	}
	return g, g.Start(ctx)
}

// NewGateway finds ports for a gateway that is not started yet.
func NewGateway(config GatewayConfig) (*Gateway, error) {
	g := &Gateway{config: config, host: loopback}
	if config.Machine != nil {
		g.host = config.Machine.Addr.String()
		g.srt, g.http, g.https, g.metrics = 8890, 8080, 4443, 9464
		return g, nil
	}
	for _, port := range []*int{&g.srt, &g.http, &g.https, &g.metrics} {
		var err error
		if *port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// Start starts a gateway that does not run, for the first time or again at the same
// addresses, and waits until it is ready.
func (g *Gateway) Start(ctx context.Context) error {
	config := g.config
	if config.Name == "" {
		config.Name = "gateway"
	}
	if g.starts++; g.starts > 1 {
		config.Name += "-" + strconv.Itoa(g.starts)
	}
	file := filepath.Join(config.Dir, config.Name+".yaml")
	text := []byte(config.YAML)
	if config.Machine == nil {
		text = g.yaml(g.config)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	command := Command{Name: config.Name, Path: config.Binary, Args: []string{"serve", "--config", file}, Env: config.Env, Dir: config.Dir}
	if len(config.Parents) > 0 || config.Relay {
		command.Args[0] = "relay"
	}
	if config.Machine != nil {
		command = config.Machine.Inside(command)
	}
	var err error
	if g.Process, err = command.Start(ctx); err != nil {
		return err
	}
	if err := g.waitReady(ctx); err != nil {
		return errors.Join(err, g.Kill())
	}
	return nil
}

// Name is what the gateway is called.
func (g *Gateway) Name() string { return g.config.Name }

// Redirect says where the next start's drains send clients.
func (g *Gateway) Redirect(url string) { g.config.Redirect = url }

func (g *Gateway) yaml(config GatewayConfig) []byte {
	var b strings.Builder
	if config.Name != "" {
		fmt.Fprintf(&b, "node:\n  id: %s\n", config.Name)
	}
	if config.Machine != nil && !strings.Contains(config.More, "auth:") {
		// Tests in network namespaces are not about who may do what.
		b.WriteString("auth:\n  open: true\n")
	}
	fmt.Fprintf(&b, "srt:\n  address: %s:%d\n", g.host, g.srt)
	if len(config.Passphrases) > 0 {
		b.WriteString("  streams:\n")
	}
	for path, passphrase := range config.Passphrases {
		fmt.Fprintf(&b, "    - path: %s\n      passphrase: %s\n", path, passphrase)
	}
	fmt.Fprintf(&b, "ingest:\n  hold: %v\n", orElse(config.Hold, 5*time.Second))
	fmt.Fprintf(&b, "web:\n  http: %s:%d\n  https: %s:%d\n  cert_dir: %q\n  moq_url: %q\n", g.host, g.http, g.host, g.https, config.CertDir, config.MoQURL)
	fmt.Fprintf(&b, "moq:\n  max_lag: %v\n  publish: %v\n", orElse(config.MaxLag, 2*time.Second), config.Publish)
	fmt.Fprintf(&b, "metrics:\n  address: %s:%d\n  pprof: %v\n", g.host, g.metrics, config.Profiles)
	fmt.Fprintf(&b, "drain:\n  deadline: %v\n  url: %q\n", orElse(config.Drain, 3*time.Second), config.Redirect)
	fmt.Fprintf(&b, "relay:\n  insecure: true\n")
	if len(config.Parents) > 0 {
		b.WriteString("  parents:\n")
	}
	for _, url := range config.Parents {
		fmt.Fprintf(&b, "    - url: %s\n", url)
	}
	b.WriteString(config.More)
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
func (g *Gateway) SRT() string { return fmt.Sprintf("srt://%s:%d", g.host, g.srt) }

// HTTP is the URL of a path on the plain listener.
func (g *Gateway) HTTP(path string) string {
	return fmt.Sprintf("http://%s:%d%s", g.host, g.http, path)
}

// HTTPS is the URL of a path on the TLS listener, which is WebTransport's too.
func (g *Gateway) HTTPS(path string) string {
	return fmt.Sprintf("https://%s:%d%s", g.host, g.https, path)
}

// QUIC is the address of the TLS listener.
func (g *Gateway) QUIC() string { return fmt.Sprintf("%s:%d", g.host, g.https) }

// Operator is the URL of a path on the operator's listener.
func (g *Gateway) Operator(path string) string {
	return fmt.Sprintf("http://%s:%d%s", g.host, g.metrics, path)
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
