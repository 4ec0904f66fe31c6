package srt_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
	"github.com/freshet-live/freshet/ingest/srt"
)

func TestFFmpegPushes(t *testing.T) {
	tests := []struct {
		name, query, stream string
		passphrases         srt.Passphrases
	}{
		{"in clear", "streamid=publish:live/cam1", "live/cam1", srt.Passphrases{}},
		{"standard id", "streamid=#!::r=live/cam1,m=publish", "live/cam1", srt.Passphrases{}},
		{"no id", "", "live/default", srt.Passphrases{}},
		{"AES-128", "streamid=live/cam1&passphrase=correct-horse", "live/cam1", srt.Passphrases{Default: "correct-horse"}},
		{"AES-192", "streamid=live/cam1&passphrase=correct-horse&pbkeylen=24", "live/cam1", srt.Passphrases{Default: "correct-horse"}},
		{"AES-256", "streamid=live/cam1&passphrase=correct-horse&pbkeylen=32", "live/cam1", srt.Passphrases{Default: "correct-horse"}},
		{"passphrase of a pattern", "streamid=studio/a&passphrase=correct-horse", "studio/a", srt.Passphrases{
			Default: "another-horse", Streams: []srt.Stream{{Path: "studio/*", Passphrase: "correct-horse"}},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := start(t, func(c *srt.Config) { c.Passphrases = tt.passphrases })
			ffmpeg(t, g.url(tt.query))
			g.sink(tt.stream).wait(t, "units", playing)
			status := g.sessions.Snapshot()[0]
			stats, ok := status.Stats.(srt.Stats)
			if !ok || stats.PktRecv == 0 || stats.MsRcvTsbPdDelay != 120 || stats.PktRcvUndecrypt != 0 || stats.TS.AccessUnits == 0 {
				t.Errorf("statistics %+v", status)
			}
		})
	}
}

func TestCallerMayAskForMoreLatency(t *testing.T) {
	g := start(t, func(c *srt.Config) { c.Latency = 50 * time.Millisecond })
	ffmpeg(t, g.url("streamid=a&latency=400000"))
	g.sink("a").wait(t, "units", playing)
	if d := g.sink("a").delay; d != 400*time.Millisecond {
		t.Errorf("latency %v", d)
	}
}

func TestSRTLiveTransmitPushes(t *testing.T) {
	g := start(t, func(c *srt.Config) { c.Passphrases.Default = "correct-horse" })
	port := freePort(t)
	encoder(t, "srt-live-transmit", "-q", "udp://127.0.0.1:"+port, g.url("streamid=live/cam1&passphrase=correct-horse"))
	encoder(t, "ffmpeg", "-hide_banner", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", clip,
		"-c", "copy", "-f", "mpegts", "udp://127.0.0.1:"+port+"?pkt_size=1316")
	g.sink("live/cam1").wait(t, "units", playing)
}

func freePort(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, port, err := net.SplitHostPort(c.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// code is what a caller was rejected with, 0 for anything else.
func code(err error) int {
	if r, ok := errors.AsType[*srt.RejectedError](err); ok {
		return r.Code
	}
	return 0
}

func TestRefusals(t *testing.T) {
	g := start(t, func(c *srt.Config) {
		c.DefaultStream = ""
		c.Passphrases = srt.Passphrases{Streams: []srt.Stream{{Path: "locked", Passphrase: "correct-horse"}}}
	})
	tests := []struct {
		name, query, reason string
		code                int
	}{
		{"wrong passphrase", "streamid=locked&passphrase=wrong-horse-1", "wrong_passphrase", 10},
		{"no passphrase", "streamid=locked", "passphrase_missing", 11},
		{"unexpected passphrase", "streamid=open&passphrase=correct-horse", "passphrase_unexpected", 11},
		{"mode", "streamid=%23!::r=open,m=request", "bad_mode", 1405},
		{"media", "streamid=%23!::r=open,t=file", "bad_media", 1415},
		{"name", "streamid=live/../x", "bad_name", 1400},
		{"reserved name", "streamid=v1/x", "bad_name", 1400},
		{"no id", "", "no_stream_id", 1400},
		{"bad id", "streamid=%23!:{", "bad_stream_id", 1400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := srt.Push(t.Context(), g.url(tt.query), bytes.NewReader(nil))
			if got := code(err); got != tt.code {
				t.Errorf("caller sees %v, want %d", err, tt.code)
			}
			g.waitLog(t, "srt caller refused", "reason="+tt.reason)
			if n := metric(t, g, "freshet_srt_rejected_total", tt.reason); n == 0 {
				t.Error("not counted")
			}
		})
	}
	if got := g.sessions.Snapshot(); len(got) != 0 {
		t.Errorf("a refused caller left %v", got)
	}
}

// libsrt understands the codes: 1405 and 11.
func TestForeignCallerSeesTheReason(t *testing.T) {
	g := start(t, nil)
	for query, want := range map[string]string{
		"streamid=#!::r=open,m=request":          "Application-defined rejection reason",
		"streamid=open&passphrase=correct-horse": "Password required or unexpected",
	} {
		_, out := encoder(t, "srt-live-transmit", "-v", "-loglevel:debug", "udp://127.0.0.1:"+freePort(t), g.url(query))
		deadline := time.Now().Add(10 * time.Second)
		for !strings.Contains(out.String(), want) {
			if time.Now().After(deadline) {
				t.Errorf("%s: caller does not say %q", query, want)
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func TestSecondPublisher(t *testing.T) {
	g := start(t, nil)
	ffmpeg(t, g.url("streamid=live/cam1"))
	first := g.sink("live/cam1")
	first.wait(t, "units", playing)
	began := time.Now()
	err := srt.Push(t.Context(), g.url("streamid=live/cam1"), bytes.NewReader(nil))
	if code(err) != 1409 {
		t.Errorf("second publisher sees %v", err)
	}
	t.Logf("refused after %v", time.Since(began))
	first.mu.Lock()
	before := first.units
	first.mu.Unlock()
	first.wait(t, "more units", func(s *sink) bool { return s.units > before+30 })
	if first.begun != 1 || first.ended != 0 {
		t.Errorf("the first noticed: %d begun, %d ended", first.begun, first.ended)
	}
}

func TestGarbageIsEndedByName(t *testing.T) {
	g := start(t, nil)
	garbage := bytes.NewReader(bytes.Repeat([]byte("this is no transport stream "), 20000))
	err := srt.Push(t.Context(), g.url("streamid=live/cam1"), pace{garbage})
	if err == nil {
		t.Error("the caller was not hung up on")
	}
	g.waitLog(t, "srt encoder gone", "reason=not_a_transport_stream", "level=WARN")
	if n := metric(t, g, "freshet_srt_ended_total", "not_a_transport_stream"); n != 1 {
		t.Errorf("counted %v", n)
	}
}

// pace slows a reader down to about 10 Mbit/s.
type pace struct{ r *bytes.Reader }

func (p pace) Read(b []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return p.r.Read(b[:min(len(b), 1316)])
}

// An encoder that is killed in the middle of a frame comes back at once: the
// half-dead connection gives way, and the same sink goes on.
func TestKilledEncoderReturns(t *testing.T) {
	g := start(t, func(c *srt.Config) { c.Passphrases.Default = "correct-horse" })
	url := g.url("streamid=live/cam1&passphrase=correct-horse")
	first, _ := ffmpeg(t, url)
	s := g.sink("live/cam1")
	s.wait(t, "units", playing)
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	time.Sleep(600 * time.Millisecond) // An encoder's own time to restart.
	ffmpeg(t, url)
	s.wait(t, "second session", func(s *sink) bool { return s.begun == 2 && s.programs >= 2 })
	t.Logf("media again %v after the kill", time.Since(killed))
	if s.ended != 1 {
		t.Errorf("%d sessions ended", s.ended)
	}
	g.waitLog(t, "srt encoder gone", "reason=taken_over")
	if got := g.sessions.Snapshot(); len(got) != 1 || got[0].Reconnects != 1 {
		t.Errorf("snapshot %+v", got)
	}
}

func TestOrderlyEndStartsTheHold(t *testing.T) {
	g := start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	file, err := os.Open(clip)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := os.ReadFile(clip)
	if err != nil {
		t.Fatal(err)
	}
	pushed := make(chan error, 1)
	go func() {
		pushed <- srt.Push(ctx, g.url("streamid=live/cam1"), pace{bytes.NewReader(bytes.Repeat(text, 20))})
	}()
	g.sink("live/cam1").wait(t, "units", playing)
	cancel()
	if err := <-pushed; !errors.Is(err, context.Canceled) {
		t.Errorf("Push: %v", err)
	}
	g.waitLog(t, "srt encoder gone", "reason=closed_by_encoder")
	if got := g.sessions.Snapshot(); len(got) != 1 || got[0].State != ingest.StateReconnecting {
		t.Errorf("snapshot %+v", got)
	}
}

// An encoder that is frozen, not killed: after 5 s of silence it is given up.
func TestFrozenEncoder(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 6 s")
	}
	t.Parallel()
	g := start(t, nil)
	first, _ := ffmpeg(t, g.url("streamid=live/cam1"))
	g.sink("live/cam1").wait(t, "units", playing)
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	g.waitLog(t, "srt encoder is silent")
	g.waitLog(t, "srt encoder gone", "reason=silent")
}

// Half a packet, a handshake cut anywhere, noise: nothing else suffers.
func TestDamagedPackets(t *testing.T) {
	g := start(t, nil)
	ffmpeg(t, g.url("streamid=live/cam1"))
	s := g.sink("live/cam1")
	s.wait(t, "units", playing)

	conn, err := net.Dial("udp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conclusion := handshakeOf(t)
	for n := range conclusion {
		if _, err := conn.Write(conclusion[:n]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // The queue of handshakes is short.
	}
	s.mu.Lock()
	before := s.units
	s.mu.Unlock()
	s.wait(t, "more units", func(s *sink) bool { return s.units > before+30 })
	if metric(t, g, "freshet_srt_rejected_total", "malformed") == 0 {
		t.Error("no handshake was malformed: the test has lost its teeth")
	}
	if s.begun != 1 {
		t.Error("the encoder had to come again")
	}
}

func TestAddressInUse(t *testing.T) {
	g := start(t, nil)
	_, err := srt.Listen(srt.Config{Address: g.addr})
	if err == nil || !strings.HasPrefix(err.Error(), "listen srt "+g.addr+": ") || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
	if _, err := srt.Listen(srt.Config{Address: "localhost:0"}); err == nil {
		t.Error("took a host name")
	}
}

func TestPushLeavesNothing(t *testing.T) {
	g := start(t, nil)
	waitRunning(t)
	before := runtime.NumGoroutine()
	text, err := os.ReadFile(clip)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := srt.Push(t.Context(), g.url("streamid=live/cam1"), pace{bytes.NewReader(text[:40*1316])}); err != nil {
			t.Error(err)
		}
		g.waitIdle(t)
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, were %d", runtime.NumGoroutine(), before)
		}
		time.Sleep(20 * time.Millisecond) // gosrt's own end by themselves.
	}
}

// waitRunning waits until the listener has all of its goroutines.
func waitRunning(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		var b strings.Builder
		if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "transport/srt.(*Listener).Run") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the listener does not run")
		}
	}
}

// The end of a push is not lost in the buffer of the listener, however long it holds.
func TestPushIsHandedOutWhole(t *testing.T) {
	g := start(t, nil)
	text, err := os.ReadFile(clip)
	if err != nil {
		t.Fatal(err)
	}
	text = text[:150*1316]
	counted := &sink{changed: make(chan struct{})}
	d := mpegts.New(mpegts.Config{Sink: counted})
	if err := errors.Join(d.Write(text, time.Now()), d.Flush(time.Now())); err != nil {
		t.Fatal(err)
	}
	if err := srt.Push(t.Context(), g.url("streamid=live/whole&latency=1000"), pace{bytes.NewReader(text)}); err != nil {
		t.Error(err)
	}
	g.waitIdle(t)
	if got := g.sink("live/whole"); got.units != counted.units {
		t.Errorf("%d access units of %d", got.units, counted.units)
	}
}

func TestPushTellsWhatIsWrong(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:1", "srt://%zz", "srt://127.0.0.1:1?passphrase=short"} {
		if err := srt.Push(t.Context(), url, bytes.NewReader(nil)); err == nil {
			t.Errorf("%s: no error", url)
		}
	}
}
