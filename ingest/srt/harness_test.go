package srt_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	gosrt "github.com/datarhei/gosrt"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/ingesttest"
	"github.com/freshet-live/freshet/ingest/srt"
)

// clip is a real transport stream of 8 s, H.264 and AAC.
const clip = "../../cmd/freshet/demo/clip.ts"

// sink counts what comes out of a session.
type sink struct {
	mu       sync.Mutex
	begun    int
	ended    int
	programs int
	delay    time.Duration
	units    int
	changed  chan struct{} // Closed and replaced at each unit.
}

func (s *sink) Begin(r ingest.Request)          { s.change(func() { s.begun++; s.delay = r.Delay }) }
func (s *sink) SetProgram(ingest.Program) error { s.change(func() { s.programs++ }); return nil }
func (s *sink) Push(ingest.AccessUnit) error    { s.change(func() { s.units++ }); return nil }
func (s *sink) End()                            { s.change(func() { s.ended++ }) }
func (s *sink) Close(error)                     {}

func (s *sink) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait blocks until ok holds of the sink.
func (s *sink) wait(t *testing.T, what string, ok func(*sink) bool) {
	t.Helper()
	deadline := time.After(15 * time.Second)
	for {
		s.mu.Lock()
		done, changed := ok(s), s.changed
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// gateway is a listener on a free port of the loopback with its sessions.
type gateway struct {
	addr     string
	log      *ingesttest.Log
	reg      *prometheus.Registry
	sessions *ingest.Sessions

	mu    sync.Mutex
	sinks map[string]*sink
}

func start(t *testing.T, change func(*srt.Config)) *gateway {
	t.Helper()
	g := &gateway{log: &ingesttest.Log{}, reg: prometheus.NewRegistry(), sinks: make(map[string]*sink)}
	g.sessions = ingest.NewSessions(ingest.Config{Hold: time.Minute, NewSink: func(name string) (ingest.HeldSink, error) {
		return g.sink(name), nil
	}})
	cfg := srt.Config{
		Address: "127.0.0.1:0", Sessions: g.sessions, DefaultStream: "live/default",
		Logger:     g.log.Logger(),
		Registerer: g.reg,
	}
	if change != nil {
		change(&cfg)
	}
	l, err := srt.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	g.addr = l.Addr().String()
	ingesttest.Run(t, g.log, l.Run, g.sessions.Close)
	return g
}

// sink gives the sink of a name; a test may ask before the publisher comes.
func (g *gateway) sink(name string) *sink {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sinks[name] == nil {
		g.sinks[name] = &sink{changed: make(chan struct{})}
	}
	return g.sinks[name]
}

func (g *gateway) waitLog(t *testing.T, parts ...string) {
	t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for time.Now().Before(deadline) {
		for line := range strings.Lines(g.log.String()) {
			if containsAll(line, parts) {
				return
			}
		}
		time.Sleep(10 * time.Millisecond) // A log cannot be waited for.
	}
	t.Fatalf("no log line has all of %q", parts)
}

func containsAll(line string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(line, p) {
			return false
		}
	}
	return true
}

func (g *gateway) url(query string) string { return "srt://" + g.addr + "?" + query }

// encoder starts a foreign program that is ended with the test.
func encoder(t *testing.T, name string, args ...string) (*exec.Cmd, *ingesttest.Log) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	out := &ingesttest.Log{}
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", name, out)
		}
	})
	return cmd, out
}

func ffmpeg(t *testing.T, url string) (*exec.Cmd, *ingesttest.Log) {
	t.Helper()
	return encoder(t, "ffmpeg", "-hide_banner", "-loglevel", "info", "-re", "-i", clip, "-c", "copy", "-f", "mpegts", url)
}

func playing(s *sink) bool { return s.programs > 0 && s.units > 30 }

func metric(t *testing.T, g *gateway, name, label string) float64 {
	t.Helper()
	families, err := g.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// waitIdle waits until no encoder is connected.
func (g *gateway) waitIdle(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for metric(t, g, "freshet_srt_connections", "") != 0 {
		if time.Now().After(deadline) {
			t.Fatal("an encoder stays")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// handshakeOf records the conclusion handshake that a caller sends.
func handshakeOf(t *testing.T) []byte {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	cfg := gosrt.DefaultConfig()
	cfg.StreamId, cfg.Passphrase, cfg.ConnectionTimeout = "live/cam1", "correct-horse", time.Second
	dialed := make(chan error, 1)
	go func() {
		_, err := gosrt.Dial("srt", server.LocalAddr().String(), cfg)
		dialed <- err
	}()
	buf := make([]byte, 1500)
	n, from, err := server.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	answer := bytes.Clone(buf[:n])
	answer[16+3] = 5                         // Version 5,
	answer[16+6], answer[16+7] = 0x4A, 0x17  // with the magic number,
	copy(answer[12:16], answer[16+24:16+28]) // to the caller's socket.
	if _, err := server.WriteTo(answer, from); err != nil {
		t.Fatal(err)
	}
	n, _, err = server.ReadFrom(buf)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-dialed; err == nil {
		t.Fatal("dialled a fake")
	}
	return bytes.Clone(buf[:n])
}
