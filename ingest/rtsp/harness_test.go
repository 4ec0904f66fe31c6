package rtsp_test

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/ingesttest"
	"github.com/freshet-live/freshet/ingest/rtsp"
)

// unit is what is kept of an access unit.
type unit struct {
	codec    ingest.Codec
	pts, dts int64
	hash     string // As ffprobe shows it of MP4: with lengths, without parameter sets.
	random   bool
	sets     int // Parameter sets in it.
	rate     int
	channels int
}

// sink records a broadcast.
type sink struct {
	mu      sync.Mutex
	begun   int
	ended   int
	program ingest.Program
	units   []unit
	changed chan struct{} // Closed and replaced at each event.
}

func (s *sink) Begin(ingest.Request) { s.change(func() { s.begun++ }) }
func (s *sink) End()                 { s.change(func() { s.ended++ }) }
func (s *sink) Close(error)          {}

func (s *sink) SetProgram(p ingest.Program) error {
	s.change(func() { s.program = p })
	return nil
}

func (s *sink) Push(au ingest.AccessUnit) error {
	s.change(func() { s.units = append(s.units, s.record(au)) })
	return nil
}

func (s *sink) record(au ingest.AccessUnit) unit {
	u := unit{pts: au.PTS, dts: au.DTS, random: au.Random}
	for _, stream := range s.program.Streams {
		if stream.ID == au.Stream {
			u.codec = stream.Codec
		}
	}
	if au.Format != nil {
		u.rate, u.channels = au.Format.SampleRate, au.Format.Channels
	}
	sum := md5.New()
	for _, b := range au.Units {
		switch {
		case u.codec == ingest.CodecH264 && (b[0]&31 == 7 || b[0]&31 == 8),
			u.codec == ingest.CodecH265 && b[0]>>1 >= 32 && b[0]>>1 <= 34:
			u.sets++
			continue
		case u.codec.IsVideo():
			sum.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
		}
		sum.Write(b)
	}
	u.hash = hex.EncodeToString(sum.Sum(nil))
	return u
}

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
	deadline := time.After(20 * time.Second)
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

// of gives the units of video, or of audio.
func (s *sink) of(video bool) []unit {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []unit
	for _, u := range s.units {
		if u.codec.IsVideo() == video {
			out = append(out, u)
		}
	}
	return out
}

// gateway is a door on free ports of the loopback with its sessions.
type gateway struct {
	addr     string
	log      *ingesttest.Log
	reg      *prometheus.Registry
	sessions *ingest.Sessions
	stop     func()

	mu    sync.Mutex
	sinks map[string]*sink
}

// authorize is asked by the sessions of start, unless nil.
func start(t *testing.T, cfg rtsp.Config, authorize func(context.Context, ingest.Request) error) *gateway {
	t.Helper()
	g := &gateway{log: &ingesttest.Log{}, reg: prometheus.NewRegistry(), sinks: make(map[string]*sink)}
	g.sessions = ingest.NewSessions(ingest.Config{
		Hold: time.Minute, Authorize: forEver(authorize),
		NewSink: func(name string) (ingest.HeldSink, error) { return g.sink(name), nil },
	})
	cfg.Sessions, cfg.Registerer = g.sessions, g.reg
	cfg.Logger = g.log.Logger()
	door, err := rtsp.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if door.Addr() != nil {
		g.addr = door.Addr().String()
	}
	g.stop = ingesttest.Run(t, g.log, door.Run, g.sessions.Close)
	return g
}

func (g *gateway) sink(name string) *sink {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sinks[name] == nil {
		g.sinks[name] = &sink{changed: make(chan struct{})}
	}
	return g.sinks[name]
}

func (g *gateway) url(path string) string { return "rtsp://" + g.addr + "/" + path }

// stats are the statistics of a broadcast.
func (g *gateway) stats(t *testing.T, name string) rtsp.Stats {
	t.Helper()
	for _, s := range g.sessions.Snapshot() {
		if s.Name == name {
			if stats, ok := s.Stats.(rtsp.Stats); ok {
				return stats
			}
		}
	}
	t.Fatalf("%s has no statistics: %+v", name, g.sessions.Snapshot())
	return rtsp.Stats{}
}

// evenPort gives a free UDP port of the loopback whose successor is free, too.
func evenPort(t *testing.T) string {
	t.Helper()
	for range 100 {
		a, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := a.LocalAddr().(*net.UDPAddr).Port
		_ = a.Close()
		if port%2 != 0 {
			continue
		}
		b, err := net.ListenPacket("udp", "127.0.0.1:"+strconv.Itoa(port+1))
		if err != nil {
			continue
		}
		_ = b.Close()
		return "127.0.0.1:" + strconv.Itoa(port)
	}
	t.Fatal("no two ports")
	return ""
}

// next is the address with the port above.
func next(t *testing.T, address string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort(host, strconv.Itoa(n+1))
}

// ffmpeg begins a run of it, which ends with the test at the latest.
func ffmpeg(t *testing.T, args ...string) (wait func() string) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg")
	}
	var out ingesttest.Log
	cmd := exec.Command("ffmpeg", append([]string{"-hide_banner", "-nostdin", "-loglevel", "warning", "-y"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	return func() string {
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Error("ffmpeg does not end")
		}
		return out.String()
	}
}

// source makes an MP4 of 3 s with B-frames.
func source(t *testing.T, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "source.mp4")
	all := append([]string{
		"-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-t", "3", "-pix_fmt", "yuv420p",
	}, args...)
	wait := ffmpeg(t, append(all, path)...)
	out := wait()
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("ffmpeg made nothing: %s", out)
	}
	return path
}

// packet is one of a file, as ffprobe sees it.
type packet struct {
	Type string `json:"codec_type"`
	PTS  string `json:"pts_time"`
	Hash string `json:"data_hash"`
	pts  float64
}

// probe lists the packets of a file: video, or audio.
func probe(t *testing.T, path string, video bool) []packet {
	t.Helper()
	text, err := exec.Command("ffprobe", "-v", "error", "-of", "json", "-show_packets", "-show_data_hash", "md5",
		"-show_entries", "packet=codec_type,pts_time,data_hash", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Packets []packet }
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var out []packet
	for _, p := range all.Packets {
		if (p.Type == "video") == video {
			p.pts, _ = strconv.ParseFloat(p.PTS, 64)
			p.Hash = strings.ToLower(strings.TrimPrefix(p.Hash, "MD5:"))
			out = append(out, p)
		}
	}
	return out
}

// forEver grants without an end.
func forEver(authorize func(context.Context, ingest.Request) error) func(context.Context, ingest.Request) (time.Time, error) {
	if authorize == nil {
		return nil
	}
	return func(ctx context.Context, r ingest.Request) (time.Time, error) { return time.Time{}, authorize(ctx, r) }
}
