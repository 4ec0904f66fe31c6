package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/configs"
	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/push"
)

// open is a gateway with every door open.
func open() configs.Config {
	cfg := loopback()
	cfg.MoQ.Publish, cfg.QUIC.Publish = true, true
	cfg.RTSP.Address, cfg.RTSP.RTPAddress = "127.0.0.1:0", ""
	return cfg
}

// pushing runs a push until the test ends.
func pushing(t *testing.T, c pushCommand) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runPush(ctx, c, nil) }()
	t.Cleanup(func() { cancel(); <-done })
}

func runPush(ctx context.Context, c pushCommand, stdin io.Reader) error {
	status, queue := &push.Status{}, push.NewQueue(2*time.Second)
	source, output, err := c.ends(status, slog.New(slog.DiscardHandler), stdin, io.Discard)
	if err != nil {
		return err
	}
	return push.Run(ctx, source, output, queue, status)
}

func (r *running) fingerprint() []string { return []string{fmt.Sprintf("%x", r.certs.Hash())} }

// targets are all ways into a gateway.
func (r *running) targets() map[string]string {
	https := r.web.HTTPSAddr().String()
	return map[string]string{
		"quic":     "quic://" + https + "/live/quic",
		"datagram": "quic://" + https + "/live/datagram?mode=datagram&latency=30",
		"srt":      "srt://127.0.0.1:" + port(r.srt.Addr()) + "?streamid=publish:live/srt",
		"moqt":     "moqt://" + https + "/live/moqt",
		"moqt16":   "moqt://" + https + "/live/moqt16?draft=16",
		"rtsp":     "rtsp://" + r.rtsp.Addr().String() + "/live/rtsp",
		"https":    "https://" + https + "/moq?name=live/https",
	}
}

func (r *running) pushEveryWay(t *testing.T) {
	t.Helper()
	for _, to := range r.targets() {
		pushing(t, pushCommand{Source: "demo/clip.ts", Loop: true, To: to, Fingerprint: r.fingerprint()})
	}
}

func TestPushEveryWay(t *testing.T) {
	t.Parallel()
	g := startGateway(t, open())
	g.pushEveryWay(t)
	for name := range g.targets() {
		body := get(t, g.url("/live/"+name+"/index.m3u8"))
		if !strings.Contains(body, "avc1.64001F,mp4a.40.2") {
			t.Errorf("%s: %s", name, body)
		}
	}
	for _, s := range g.node.Sessions.Snapshot() {
		if s.State != ingest.StateReceiving {
			t.Errorf("%s is %s", s.Name, s.State)
		}
	}
}

// Every picture that goes in is in what a player fetches.
func TestPushedPicturesAreTheSame(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg")
	}
	g := startGateway(t, open())
	for _, name := range []string{"quic", "datagram"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// What ffmpeg writes to a pipe, at its pace.
			cmd := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-re", "-i", "demo/clip.ts", "-c", "copy", "-f", "mpegts", "-")
			pipe, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			err = runPush(t.Context(), pushCommand{Source: "-", Once: true, To: g.targets()[name], Fingerprint: g.fingerprint()}, pipe)
			if err := errors.Join(err, cmd.Wait()); err != nil {
				t.Fatal(err)
			}
			want := pictures(t, ffmpeg, "demo/clip.ts")
			got := pictures(t, ffmpeg, g.download(t, "/live/"+name+"/video/"))
			if name == "datagram" { // Nobody repairs what a busy machine drops.
				want = common(want, got)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("pictures (-sent +received)\n%.1000s", diff)
			}
		})
	}
}

// common gives what of a list is in another, in the order of the first.
func common(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(other, s) })
}

// pictures are the hashes of what a file decodes to.
func pictures(t *testing.T, ffmpeg, file string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-i", file, "-map", "0:v", "-fps_mode", "passthrough",
		"-f", "framemd5", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	var hashes []string
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); !strings.HasPrefix(line, "#") {
			hashes = append(hashes, fields[len(fields)-1])
		}
	}
	if len(hashes) < 100 {
		t.Fatalf("%s has %d pictures", file, len(hashes))
	}
	return hashes
}

// download fetches what a media playlist lists, header first: segments, then the
// parts behind the last of them.
func (r *running) download(t *testing.T, folder string) string {
	t.Helper()
	playlist := get(t, r.url(folder+"index.m3u8"))
	uri := regexp.MustCompile(`URI="([^"]+)"`)
	var media bytes.Buffer
	var parts []string
	for line := range strings.Lines(playlist) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#EXT-X-MAP:"):
			media.WriteString(get(t, r.url(folder+uri.FindStringSubmatch(line)[1])))
		case strings.HasPrefix(line, "#EXT-X-PART:"):
			parts = append(parts, uri.FindStringSubmatch(line)[1])
		case line != "" && line[0] != '#':
			media.WriteString(get(t, r.url(folder+line)))
			parts = nil
		}
	}
	for _, part := range parts {
		media.WriteString(get(t, r.url(folder+part)))
	}
	file := filepath.Join(t.TempDir(), "video.mp4")
	if err := os.WriteFile(file, media.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A name has one owner, whatever the door; the next one comes in when it has left.
func TestOneOwnerAcrossDoors(t *testing.T) {
	t.Parallel()
	g := startGateway(t, open())
	stop := g.push(t)
	get(t, g.url("/live/demo/index.m3u8"))
	second := pushCommand{
		Source: "demo/clip.ts", Loop: true, Once: true, Fingerprint: g.fingerprint(),
		To: "quic://" + g.web.HTTPSAddr().String() + "/live/demo",
	}
	if err := runPush(t.Context(), second, nil); !errors.Is(err, ingest.ErrAlreadyPublishing) {
		t.Errorf("second publisher: %v", err)
	}
	stop()
	pushing(t, second)
	waitFor(t, "the second publishes", func() bool {
		s := g.node.Sessions.Snapshot()
		return len(s) == 1 && s[0].Protocol == "quic" && s[0].State == ingest.StateReceiving
	})
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// A push outlives its gateway.
func TestPushComesBack(t *testing.T) {
	t.Parallel()
	cfg := open()
	cfg.Web.CertDir = t.TempDir()
	cfg.Web.HTTPS, cfg.SRT.Address, cfg.RTSP.Address = freeAddress(t), freeAddress(t), freeAddress(t)
	g := startGateway(t, cfg)
	g.pushEveryWay(t)
	for name := range g.targets() {
		get(t, g.url("/live/"+name+"/index.m3u8"))
	}
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	g = startGateway(t, cfg)
	for name := range g.targets() {
		get(t, g.url("/live/"+name+"/index.m3u8"))
	}
}

// The way of a stream over two pushes: a file calls the second over SRT.
func TestPushOverSRTSource(t *testing.T) {
	t.Parallel()
	g := startGateway(t, open())
	_, between, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "passphrase=correct-horse"
	pushing(t, pushCommand{
		Source: "srt://:" + between + "?" + secret, To: g.targets()["quic"], Fingerprint: g.fingerprint(),
	})
	pushing(t, pushCommand{Source: "demo/clip.ts", Loop: true, To: "srt://127.0.0.1:" + between + "?" + secret})
	get(t, g.url("/live/quic/index.m3u8"))
}

// A gateway that takes no such publisher is told from one that is away.
func TestPushToWhoTakesNone(t *testing.T) {
	t.Parallel()
	cfg := open()
	cfg.QUIC.Publish = false
	g := startGateway(t, cfg)
	c := pushCommand{Source: "-", To: g.targets()["quic"], Once: true, Fingerprint: g.fingerprint()}
	if err := runPush(t.Context(), c, bytes.NewReader(demoClip)); err == nil || !strings.Contains(err.Error(), "quic.publish") {
		t.Errorf("%v", err)
	}
}

func TestPushNeedsACertificate(t *testing.T) {
	t.Parallel()
	cfg := open()
	cfg.Web.CertDir = t.TempDir()
	g := startGateway(t, cfg)
	other := open()
	other.Web.CertDir = t.TempDir()
	startGateway(t, other)
	to := g.targets()["quic"]
	clip := func() io.Reader { return bytes.NewReader(demoClip) }
	for name, c := range map[string]pushCommand{
		"nobody's word":     {},
		"another's hash":    {Fingerprint: []string{strings.Repeat("00", 32)}},
		"another authority": {CA: filepath.Join(other.Web.CertDir, "self-made.pem")},
	} {
		c.Source, c.To, c.Once = "-", to, true
		if err := runPush(t.Context(), c, clip()); err == nil || !strings.Contains(err.Error(), "CRYPTO_ERROR") {
			t.Errorf("%s: %v", name, err)
		}
	}
	own := filepath.Join(cfg.Web.CertDir, "self-made.pem")
	for name, c := range map[string]pushCommand{"insecure": {Insecure: true}, "its authority": {CA: own}} {
		c.Source, c.To, c.Once = "-", to, true
		if err := runPush(t.Context(), c, clip()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
