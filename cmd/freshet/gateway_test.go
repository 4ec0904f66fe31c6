package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/ingest/ingesttest"
	"github.com/freshet-live/freshet/ingest/srt"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// loopback is the default configuration on free ports of the loopback.
func loopback() configs.Config {
	cfg := configs.Default()
	cfg.SRT.Address = "127.0.0.1:0"
	cfg.Web.HTTP = "127.0.0.1:0"
	cfg.Web.HTTPS = "127.0.0.1:0"
	cfg.Metrics.Address = "127.0.0.1:0"
	cfg.Drain.Deadline = time.Second
	return cfg
}

// running is a gateway at work.
type running struct {
	*gateway
	stop func() error  // Ends it; only the first call counts.
	said func() string // What it wrote so far.
}

func startGateway(t *testing.T, cfg configs.Config) *running {
	t.Helper()
	log := &ingesttest.Log{}
	g, err := newGateway(cfg, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	r := &running{gateway: g, said: log.String, stop: sync.OnceValue(func() error { cancel(); return <-done })}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return r
}

// push plays the demo's clip until the test ends, or stop is called.
func (r *running) push(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- pushDemo(ctx, slog.New(slog.DiscardHandler), port(r.srt.Addr())) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (r *running) url(path string) string { return "http://" + r.web.HTTPAddr().String() + path }

// get asks until the answer is 200, as a player does.
func get(t *testing.T, url string) string {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for {
		status, body := try(t, url)
		if status == http.StatusOK {
			return body
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d %s", url, status, body)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func try(t *testing.T, url string) (status int, body string) {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

func TestHLSFromSRT(t *testing.T) {
	t.Parallel()
	g := startGateway(t, loopback())
	g.push(t)
	if body := get(t, g.url("/live/demo/index.m3u8")); !strings.Contains(body, "#EXT-X-STREAM-INF") {
		t.Errorf("multivariant playlist: %s", body)
	}
	if body := get(t, g.url("/live/demo/video/index.m3u8")); !strings.Contains(body, "#EXT-X-PART:") {
		t.Errorf("media playlist: %s", body)
	}
	if body := get(t, g.url("/live/demo/")); !strings.Contains(body, "/player/") {
		t.Errorf("player page: %s", body)
	}
}

func TestMoQFromSRT(t *testing.T) {
	t.Parallel()
	g := startGateway(t, loopback())
	g.push(t)
	get(t, g.url("/live/demo/index.m3u8"))
	for _, protocol := range wire.Protocols() {
		t.Run("quic "+protocol, func(t *testing.T) {
			conn, err := quicconn.Dial(t.Context(), g.web.HTTPSAddr().String(), certs.Pinned(g.certs.Hash()), []string{protocol}, nil)
			watch(t, conn, err)
		})
		t.Run("webtransport "+protocol, func(t *testing.T) {
			url := "https://" + g.web.HTTPSAddr().String() + "/moq"
			conn, err := wtconn.Dial(t.Context(), url, certs.Pinned(g.certs.Hash()), []string{protocol}, nil, nil)
			watch(t, conn, err)
		})
	}
}

// watch reads the catalog and some video over a connection.
func watch(t *testing.T, conn moqt.Conn, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	client, err := moqt.NewClient(ctx, conn, moqt.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	catalog := next(ctx, t, client, "catalog")
	var parsed struct {
		Tracks []struct{ Name string }
	}
	if err := json.Unmarshal(catalog.Payload, &parsed); err != nil || len(parsed.Tracks) != 2 {
		t.Errorf("catalog %s: %v", catalog.Payload, err)
	}
	if o := next(ctx, t, client, "video"); !bytes.Contains(o.Payload, []byte("moof")) {
		t.Errorf("video object starts with %q", o.Payload[:min(len(o.Payload), 16)])
	}
}

func next(ctx context.Context, t *testing.T, client *moqt.Client, track string) moqt.Object {
	t.Helper()
	sub, err := client.Subscribe(ctx, demoName, track, moqt.SubscribeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	o, err := sub.Next(ctx)
	if err != nil {
		t.Fatalf("%s: %v", track, err)
	}
	return o
}

// A viewer that ignores GOAWAY holds the gateway up until the deadline, and no
// longer; meanwhile it is not ready and takes no encoder.
func TestDrain(t *testing.T) {
	g := startGateway(t, loopback())
	g.push(t)
	get(t, g.url("/live/demo/index.m3u8"))
	conn, err := quicconn.Dial(t.Context(), g.web.HTTPSAddr().String(), certs.Pinned(g.certs.Hash()), wire.Protocols(), nil)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{})
	client, err := moqt.NewClient(t.Context(), conn, moqt.ClientConfig{OnGoaway: func(string, time.Duration) { close(told) }})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if status, body := try(t, "http://"+g.ops.Addr().String()+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz %d %s", status, body)
	}
	began := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- g.stop() }()
	select {
	case <-told:
	case <-time.After(5 * time.Second):
		t.Fatal("no GOAWAY")
	}
	if status, body := try(t, "http://"+g.ops.Addr().String()+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("readyz while draining: %d %s", status, body)
	}
	err = srt.Push(t.Context(), "srt://"+g.srt.Addr().String()+"?streamid=live/new", bytes.NewReader(nil))
	if err == nil || !strings.Contains(err.Error(), "1503") {
		t.Errorf("encoder while draining: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d < 900*time.Millisecond || d > 3*time.Second {
		t.Errorf("drained for %v, the deadline was 1 s", d)
	}
}

func TestOperatorsSeeWhoPublishes(t *testing.T) {
	t.Parallel()
	g := startGateway(t, loopback())
	ops := "http://" + g.ops.Addr().String()
	until(t, 5*time.Second, ops+"/readyz", func(status int, body string) bool {
		return status == http.StatusOK && body == "web: ok\nready\n"
	})
	g.push(t)
	get(t, g.url("/"+demoName+"/index.m3u8"))
	var list []struct {
		Name, State, Protocol string
		Stats                 struct{ PktRecv uint64 }
	}
	if err := json.Unmarshal([]byte(get(t, ops+"/v1/ingest")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Name != demoName || list[0].State != "receiving" || list[0].Protocol != "srt" || list[0].Stats.PktRecv == 0 {
		t.Errorf("got %+v", list)
	}
}

func TestIdleGatewayStopsAtOnce(t *testing.T) {
	cfg := loopback()
	cfg.Drain.Deadline = time.Minute
	g := startGateway(t, cfg)
	get(t, g.url("/v1/info"))
	began := time.Now()
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	if d := time.Since(began); d > 3*time.Second {
		t.Errorf("took %v", d)
	}
}

// What was started has ended: goroutines and sockets.
func TestNothingIsLeft(t *testing.T) {
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	for range 2 {
		g := startGateway(t, loopback())
		stopPush := g.push(t)
		get(t, g.url("/live/demo/video/index.m3u8"))
		if err := g.stop(); err != nil {
			t.Error(err)
		}
		stopPush()
	}
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > goroutines || descriptors(t) > files {
		if time.Now().After(deadline) {
			var b bytes.Buffer
			if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
				t.Fatal(err)
			}
			t.Fatalf("%d goroutines, were %d; %d descriptors, were %d\n%s",
				runtime.NumGoroutine(), goroutines, descriptors(t), files, b.String())
		}
		time.Sleep(50 * time.Millisecond) // What gosrt started ends by itself.
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(entries)
}

func TestStartUpFailureNamesTheThing(t *testing.T) {
	t.Parallel()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	tests := []struct {
		name   string
		change func(*configs.Config)
		want   []string
	}{
		{"srt", func(c *configs.Config) { c.SRT.Address = udp.LocalAddr().String() }, []string{"srt", udp.LocalAddr().String(), "address already in use"}},
		{"http", func(c *configs.Config) { c.Web.HTTP = tcp.Addr().String() }, []string{"http", tcp.Addr().String(), "address already in use"}},
		{"https", func(c *configs.Config) { c.Web.HTTPS = tcp.Addr().String() }, []string{"https", tcp.Addr().String(), "address already in use"}},
		{"metrics", func(c *configs.Config) { c.Metrics.Address = tcp.Addr().String() }, []string{"metrics", tcp.Addr().String(), "address already in use"}},
		{"certificate", func(c *configs.Config) { c.Web.Cert, c.Web.Key = "absent.pem", "absent.key" }, []string{"certificate", "absent.pem"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := loopback()
			tt.change(&cfg)
			_, err := newGateway(cfg, slog.New(slog.DiscardHandler))
			for _, part := range tt.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%v does not say %q", err, part)
				}
			}
		})
	}
}

func TestOrigins(t *testing.T) {
	for _, tt := range []struct {
		in   []string
		want string
	}{
		{[]string{"*"}, "[]string(nil)"},
		{[]string{"https://a.example", "*"}, "[]string(nil)"},
		{nil, "[]string{}"},
		{[]string{"https://a.example"}, `[]string{"https://a.example"}`},
	} {
		if got := fmt.Sprintf("%#v", origins(tt.in)); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.in, got, tt.want)
		}
	}
}
