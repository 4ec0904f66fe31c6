package push

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const clipFile = "../cmd/freshet/demo/clip.ts"

func readClip(t *testing.T) []byte {
	t.Helper()
	ts, err := os.ReadFile(clipFile)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func newSource(t *testing.T, cfg SourceConfig) Source {
	t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	source, err := NewSource(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// A file is sent whole, by its clock.
func TestFileKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var got []byte
		if err := newSource(t, SourceConfig{From: clipFile})(t.Context(), func(b []byte) { got = append(got, b...) }); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, readClip(t)) {
			t.Errorf("%d bytes", len(got))
		}
		if d := time.Since(begin); d < 7500*time.Millisecond || d > 8500*time.Millisecond {
			t.Errorf("8 s took %v", d)
		}
	})
}

// A loop goes on after the file's end.
func TestFileLoops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		n := 0
		err := newSource(t, SourceConfig{From: clipFile, Loop: true})(ctx, func(b []byte) { n += len(b) })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if clip := len(readClip(t)); n < 2*clip || n > 3*clip {
			t.Errorf("%d bytes in 20 s of a clip of %d", n, clip)
		}
	})
}

func TestPipe(t *testing.T) {
	ts := readClip(t)
	var got []byte
	in := io.MultiReader(strings.NewReader("noise before"), bytes.NewReader(ts))
	if err := newSource(t, SourceConfig{From: "-", Stdin: in})(t.Context(), func(b []byte) { got = append(got, b...) }); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, ts) {
		t.Errorf("%d bytes of %d", len(got), len(ts))
	}
	empty := newSource(t, SourceConfig{From: "-", Stdin: strings.NewReader("")})
	if err := empty(t.Context(), func([]byte) {}); !errors.Is(err, errNoStream) {
		t.Error(err)
	}
}

// Datagrams come bare and in RTP, with extensions and without, over unicast and
// multicast.
func TestUDP(t *testing.T) {
	rtp := []byte{0x80, 33, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}
	extended := append([]byte{0x91, 33, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0xBE, 0xDE, 0, 1}, 9, 9, 9, 9)
	for _, group := range []string{"127.0.0.1", "239.255.77.1"} {
		t.Run(group, func(t *testing.T) {
			port := freePort(t)
			cfg := SourceConfig{From: "udp://@" + group + ":" + port}
			if group != "127.0.0.1" {
				cfg.Interface = "lo"
			}
			source := newSource(t, cfg)
			ctx, cancel := context.WithCancel(t.Context())
			ts := readClip(t)[:188*7*6]
			var got []byte
			done := make(chan error, 1)
			go func() {
				done <- source(ctx, func(b []byte) {
					if got = append(got, b...); len(got) == len(ts) {
						cancel()
					}
				})
			}()
			sendUDP(t, group+":"+port, ts, [][]byte{nil, rtp, extended})
			select {
			case err := <-done:
				if !errors.Is(err, context.Canceled) || !bytes.Equal(got, ts) {
					t.Errorf("%d bytes of %d: %v", len(got), len(ts), err)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("nothing more comes")
			}
		})
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, port, err := net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// sendUDP sends from the loopback, so that a group is reached on it.
func sendUDP(t *testing.T, addr string, ts []byte, heads [][]byte) {
	t.Helper()
	to, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, to)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := 0; len(ts) > 0; i++ {
		n := min(7*188, len(ts))
		if _, err := conn.Write(append(bytes.Clone(heads[i%len(heads)]), ts[:n]...)); err != nil {
			t.Fatal(err)
		}
		ts = ts[n:]
	}
}

func TestBadEnds(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short.ts")
	if err := os.WriteFile(short, []byte("no transport stream"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []SourceConfig{
		{From: "nowhere.ts"},
		{From: short, Loop: true},
		{From: "-", Loop: true},
		{From: "udp://:1", Loop: true},
		{From: "rtmp://host/x"},
		{From: "udp://no-such-host.invalid:1"},
		{From: "srt://host"},
		{From: "udp://127.0.0.1:0", Interface: "no-such-interface"},
	} {
		if _, err := NewSource(cfg); err == nil {
			t.Errorf("%+v is taken", cfg)
		}
	}
	for _, to := range []string{
		"", "host:4443", "http://host/x", "quic://host:4443/", "quic://host/x?mode=other", "quic://host/x?latency=1h",
		"quic://host/x?unknown=1", "srt://host", "moqt://host:4443/", "moqt://host:4443/v1/x", "https://host:4443/moq",
		"moqt://host:4443/live/x?draft=15", "rtsp://host:8554", "rtsp:///live/x", "file:", "file:/no/such/folder/x.ts",
	} {
		if _, err := NewOutput(OutputConfig{To: to}); err == nil {
			t.Errorf("%q is taken", to)
		}
	}
}
