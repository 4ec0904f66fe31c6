package natskv_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/cluster"
	"github.com/freshet-live/freshet/relay/cluster/natskv"
)

// testLog shows the logs of servers with FRESHET_TEST_LOG=1.
func testLog(name string) *slog.Logger {
	if os.Getenv("FRESHET_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", name)
}

// freeAddress is a loopback address that nobody listens on, for now: voters have
// to know each other's before they start.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func newStore(t *testing.T, cfg natskv.ServerConfig) *natskv.Store {
	t.Helper()
	cfg.Logger = testLog(cfg.Node)
	server, err := natskv.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	store, err := natskv.New(natskv.Config{Server: server, Name: cfg.Node, Logger: cfg.Logger})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// run runs it until the test ends.
func run(t *testing.T, what interface{ Run(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- what.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("does not stop")
		}
	})
}

// eventually waits for ok.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > within {
			t.Fatalf("%s: not within %v", what, within)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(start)
}

// ready waits until the Store answers.
func ready(t *testing.T, s cluster.Store) {
	t.Helper()
	eventually(t, 20*time.Second, "store answers", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Put(ctx, cluster.Nodes, "READY"+fmt.Sprint(time.Now().UnixNano()), []byte("{}"), 0)
		return err == nil
	})
}

// alone is a server without peers and a leaf of it.
func alone(t *testing.T) (hub, leaf *natskv.Store) {
	t.Helper()
	address := freeAddress(t)
	hub = newStore(t, natskv.ServerConfig{Node: "hub", LeafListen: address})
	leaf = newStore(t, natskv.ServerConfig{Node: "leaf", Leaf: []string{"nats://" + address}})
	run(t, hub)
	run(t, leaf)
	ready(t, hub)
	ready(t, leaf)
	return hub, leaf
}

// voters are three servers that know each other.
func voters(t *testing.T) []natskv.ServerConfig {
	t.Helper()
	var configs []natskv.ServerConfig
	var routes []string
	for i := range 3 {
		address := freeAddress(t)
		routes = append(routes, "nats://"+address)
		configs = append(configs, natskv.ServerConfig{
			Node: fmt.Sprintf("origin%d", i+1), Cluster: "test", Listen: address, Dir: t.TempDir(),
		})
	}
	for i := range configs {
		configs[i].Routes = routes
	}
	return configs
}
