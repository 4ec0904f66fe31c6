package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

const (
	scripts   = "browser"
	artifacts = "artifacts"

	drainDeadline = 3 * time.Second
)

// Set by TestMain, then read-only.
var (
	binary  string // the gateway
	foreign string // URL of the pages of other people's players, another origin than the gateway's
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "freshet-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.RemoveAll(artifacts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if binary, err = gatewayBinary(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	pages := httptest.NewServer(http.FileServer(http.Dir(scripts)))
	defer pages.Close()
	foreign = pages.URL + "/pages/"
	return m.Run()
}

func gatewayBinary(dir string) (string, error) {
	if given := os.Getenv("E2E_BINARY"); given != "" {
		return given, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // with nothing compiled yet
	defer cancel()
	return rig.Build(ctx, dir)
}

// artifactDir is a folder for the test's logs and screenshots, which stays only
// if the test fails.
func artifactDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(artifacts, strings.ReplaceAll(t.Name(), "/", "_"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			os.RemoveAll(dir)
		}
	})
	return dir
}

// startGateway starts a gateway that ends with the test, and says so if it did
// not end well.
func startGateway(t *testing.T, config rig.GatewayConfig) *rig.Gateway {
	t.Helper()
	config.Binary, config.Dir, config.Drain = binary, artifactDir(t), drainDeadline
	g, err := rig.StartGateway(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopGateway(t, g) })
	return g
}

// stopGateway ends a gateway that should end by its drain deadline; one that
// does not leaves its goroutines in the log.
func stopGateway(t *testing.T, g *rig.Gateway) {
	t.Helper()
	if err := g.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	select {
	case <-g.Done():
	case <-time.After(drainDeadline + 5*time.Second):
		t.Errorf("the gateway did not end within its drain deadline of %v and 5 s more", drainDeadline)
		if err := g.Signal(syscall.SIGQUIT); err != nil {
			t.Error(err)
		}
		<-g.Done()
		return
	}
	// A second SIGTERM ends it as any signal does.
	if err := g.Err(); err != nil && err.Error() != "signal: terminated" {
		t.Errorf("the gateway ended with %v", err)
	}
	if out := g.Output(); strings.Contains(out, "panic:") {
		t.Errorf("the gateway panicked:\n%s", out)
	}
}

// watchFor is how long a stream is watched: 30 s where the test or E2E_LONG
// asks for it, else long enough to see a stall of any size that matters.
func watchFor(long bool) float64 {
	if long || os.Getenv("E2E_LONG") == "1" {
		return 30
	}
	return 10
}

// beside lets a test run beside another when those that measure are over: it waits more
// than it works, and none of its bounds is near what a quiet machine takes. With E2E_LONG
// and E2E_TIERS every test has the machine to itself.
func beside(t *testing.T) {
	t.Helper()
	if os.Getenv("E2E_LONG") == "" && os.Getenv("E2E_TIERS") == "" {
		t.Parallel()
	}
}

// within waits until a condition holds, and fails the test with its last
// complaint if it never does.
func within(t *testing.T, limit time.Duration, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %v", limit, err)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
