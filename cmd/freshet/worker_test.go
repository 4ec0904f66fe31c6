package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// startWorkers starts a gateway with n workers, which are the test binary, and a push.
func startWorkers(t *testing.T, n int) *running {
	t.Helper()
	t.Setenv("FRESHET_TEST_MAIN", "1")
	cfg := loopback()
	cfg.Web.Workers = n
	g := startGateway(t, cfg)
	until(t, 20*time.Second, g.opsURL("/readyz"), func(status int, _ string) bool { return status == http.StatusOK })
	g.push(t)
	get(t, g.url("/"+demoName+"/index.m3u8"))
	return g
}

func (r *running) opsURL(path string) string { return "http://" + r.ops.Addr().String() + path }

// audience are viewers, each with a connection of its own.
type audience []*moqt.Client

// join has n viewers come, over raw QUIC and WebTransport in turn, and see a catalog.
func (r *running) join(t *testing.T, n int) audience {
	t.Helper()
	var a audience
	for i := range n {
		var conn moqt.Conn
		var err error
		if i%2 == 0 {
			conn, err = quicconn.Dial(t.Context(), r.web.HTTPSAddr().String(), certs.Pinned(r.certs.Hash()), wire.Protocols(), nil)
		} else {
			conn, err = wtconn.Dial(t.Context(), "https://"+r.web.HTTPSAddr().String()+"/moq", certs.Pinned(r.certs.Hash()), wire.Protocols(), nil, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		client, err := moqt.NewClient(t.Context(), conn, moqt.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if o := next(ctx, t, client, "video"); !bytes.Contains(o.Payload, []byte("moof")) {
			t.Errorf("a video object starts with %q", o.Payload[:min(len(o.Payload), 16)])
		}
		cancel()
		a = append(a, client)
	}
	return a
}

// served counts those who get another object.
func (a audience) served(ctx context.Context) int {
	var n atomic.Int64
	var asking sync.WaitGroup
	for _, client := range a {
		asking.Go(func() {
			sub, err := client.Subscribe(ctx, demoName, "audio", moqt.SubscribeOptions{})
			if err != nil {
				return
			}
			defer sub.Close()
			if _, err := sub.Next(ctx); err == nil {
				n.Add(1)
			}
		})
	}
	asking.Wait()
	return int(n.Load())
}

// connections reads how many QUIC connections a worker has.
func (r *running) connections(t *testing.T, worker int) int {
	t.Helper()
	_, text := try(t, r.opsURL("/metrics"))
	n := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "freshet_quic_connections{") || !strings.Contains(line, fmt.Sprintf("worker=%q", strconv.Itoa(worker))) {
			continue
		}
		v, err := strconv.Atoi(strings.Fields(line)[1])
		if err != nil {
			t.Fatal(err)
		}
		n += v
	}
	return n
}

// pid is the process of a worker.
func (r *running) pid(t *testing.T, worker int) int {
	t.Helper()
	_, text := try(t, r.opsURL(fmt.Sprintf("/workers/%d/v1/worker", worker)))
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatalf("worker %d: %q", worker, text)
	}
	return pid
}

// Viewers are spread over the workers, and one that crashes takes its own with it and no
// others; its successor serves again.
func TestWorkersServe(t *testing.T) {
	g := startWorkers(t, 2)
	if body := get(t, g.url("/"+demoName+"/video/index.m3u8")); !strings.Contains(body, "#EXT-X-PART:") {
		t.Errorf("media playlist: %s", body)
	}
	viewers := g.join(t, 12)
	first, second := g.connections(t, 0), g.connections(t, 1)
	if first+second != 12 || first == 0 || second == 0 {
		t.Fatalf("the workers have %d and %d connections", first, second)
	}
	if status, _ := try(t, g.opsURL("/workers/2/readyz")); status != http.StatusNotFound {
		t.Errorf("pages of a worker that is not there: %d", status)
	}

	if err := syscall.Kill(g.pid(t, 0), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, 10*time.Second, g.opsURL("/metrics"), func(_ int, body string) bool {
		return strings.Contains(body, `freshet_worker_exits_total{worker="0"} 1`)
	})
	until(t, 10*time.Second, g.opsURL("/readyz"), func(status int, _ string) bool { return status == http.StatusOK })
	// The crashed one's cannot tell a process that is gone from a path that is quiet.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if n := viewers.served(ctx); n != second {
		t.Errorf("%d are served, %d were the second worker's", n, second)
	}
	g.join(t, 8)
	if g.connections(t, 0) == 0 {
		t.Error("the successor has no connections")
	}
}

// A drain passes on to the viewers of all workers, and leaves no process behind.
func TestWorkersDrain(t *testing.T) {
	g := startWorkers(t, 2)
	pids := []int{g.pid(t, 0), g.pid(t, 1)}
	g.join(t, 6)
	began := time.Now()
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d < 900*time.Millisecond || d > 5*time.Second {
		t.Errorf("drained for %v, the deadline was 1 s", d)
	}
	for _, pid := range pids {
		if syscall.Kill(pid, 0) == nil {
			t.Errorf("worker %d lives", pid)
		}
	}
	if _, err := os.Stat(g.dir); !os.IsNotExist(err) {
		t.Errorf("the folder of workers: %v", err)
	}
}

// Workers do not outlive a gateway that is killed, and its successor has the addresses.
func TestWorkersEndWithTheirGateway(t *testing.T) {
	start := func(address string) (*exec.Cmd, string) {
		return servingWith(t, strings.ReplaceAll(quietConfig, `https: "127.0.0.1:0"`, `workers: 2, https: "`+address+`"`))
	}
	cmd, address := start("127.0.0.1:0")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	exit(t, cmd)
	deadline := time.Now().Add(10 * time.Second)
	for !free("udp", address) || !free("tcp", address) {
		if time.Now().After(deadline) {
			t.Fatal("somebody still has the address")
		}
		time.Sleep(10 * time.Millisecond)
	}
	again, _ := start(address)
	if err := again.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if state := exit(t, again); state.ExitCode() != 0 {
		t.Errorf("ended with %v", state)
	}
}
