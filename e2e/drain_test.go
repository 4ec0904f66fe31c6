package e2e_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/view"
	"github.com/freshet-live/freshet/e2e/rig"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
)

// On SIGTERM viewers are told to go by GOAWAY, /readyz says no, media flows on,
// and the process is out by its deadline though nobody leaves.
func TestDrain(t *testing.T) {
	rig.Need(t, "ffmpeg")
	gateway := startGateway(t, rig.GatewayConfig{})
	goaway := make(chan struct{})
	objects := watchOverMoQ(t, gateway, moqt.ClientConfig{OnGoaway: func(string, time.Duration) { close(goaway) }})

	began := time.Now()
	if err := gateway.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-goaway:
		t.Logf("GOAWAY after %v", time.Since(began))
	case <-time.After(2 * time.Second):
		t.Error("no GOAWAY")
	}
	if _, err := rig.Get(t.Context(), gateway.Operator("/readyz")); err == nil {
		t.Error("a draining gateway says that it is ready")
	}
	select {
	case <-objects:
	case <-time.After(time.Second):
		t.Error("media stopped at the start of the drain")
	}
	select {
	case <-gateway.Done():
	case <-time.After(drainDeadline + 3*time.Second):
		t.Fatalf("the gateway runs on after its deadline of %v", drainDeadline)
	}
	t.Logf("out after %v", time.Since(began))
	if took := time.Since(began); took < drainDeadline/2 {
		t.Errorf("the gateway was out after %v and left a viewer no time", took)
	}
}

// A second SIGTERM means now.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	rig.Need(t, "ffmpeg")
	gateway := startGateway(t, rig.GatewayConfig{})
	watchOverMoQ(t, gateway, moqt.ClientConfig{})
	for range 2 {
		if err := gateway.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		// Two signals at the same moment are one to the kernel.
		time.Sleep(300 * time.Millisecond)
	}
	select {
	case <-gateway.Done():
	case <-time.After(time.Second):
		t.Error("the gateway drains on after a second SIGTERM")
	}
}

// An edge whose viewers have gone on to another ends then, whatever its deadline.
func TestDrainEndsWithItsLastViewer(t *testing.T) {
	beside(t)
	rig.Need(t, "ffmpeg")
	const path, deadline = "live/leaving", 25 * time.Second
	origin := startGateway(t, rig.GatewayConfig{})
	other := startGateway(t, rig.GatewayConfig{Name: "other", Parents: []string{origin.HTTPS("/moq")}})
	edge := startGateway(t, rig.GatewayConfig{
		Name: "edge", Parents: []string{origin.HTTPS("/moq")}, Redirect: other.HTTPS("/moq"), Drain: deadline,
	})
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: origin, StreamID: path}, small, rig.Encoding{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Stop()
	for _, at := range []*rig.Gateway{edge, other} {
		within(t, 20*time.Second, func() error {
			_, err := rig.Get(t.Context(), at.HTTP("/"+path+"/video/index.m3u8"))
			return err
		})
	}
	audience := startAudience(t, path, 6, edge.HTTPS("/moq"), "moqt://"+edge.QUIC())
	within(t, 20*time.Second, func() error {
		time.Sleep(500 * time.Millisecond)
		if r := audience.Report("gathering"); r.Watching < 6 {
			return fmt.Errorf("%d viewers watch", r.Watching)
		}
		return nil
	})
	began := time.Now()
	if err := edge.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-edge.Done():
	case <-time.After(4 * time.Second):
		_ = edge.Signal(syscall.SIGQUIT) // Its log tells where it stands.
		<-edge.Done()
		t.Errorf("the edge stays though nobody does:\n%s", edge.Output())
	}
	t.Logf("out after %v", time.Since(began))
	time.Sleep(time.Second)
	if r := audience.Report("moved"); r.Moves != 6 || r.Ended+r.Missing+r.Twice > 0 || r.Watching != 6 {
		t.Errorf("%+v", r)
	}
}

// startAudience has viewers watch until the test ends.
func startAudience(t *testing.T, path relay.Namespace, viewers int, urls ...string) *view.Audience {
	t.Helper()
	audience, err := view.New(view.Config{
		URLs: urls, Namespace: path, Tracks: []string{"video", "audio"}, Viewers: viewers,
		TLS: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() { left <- audience.Run(ctx) }()
	t.Cleanup(func() {
		leave()
		if err := <-left; err != nil {
			t.Error(err)
		}
	})
	return audience
}

// watchOverMoQ pushes a broadcast, subscribes to its video and gives a channel
// that receives while objects come.
func watchOverMoQ(t *testing.T, gateway *rig.Gateway, config moqt.ClientConfig) <-chan struct{} {
	t.Helper()
	const path = "live/drain"
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: gateway, StreamID: path}, small, rig.Encoding{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.Stop)
	client, err := gateway.DialMoQ(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	within(t, 20*time.Second, func() error {
		_, err := rig.Catalog(ctx, client, path)
		return err
	})
	objects := make(chan struct{})
	_, err = client.Subscribe(ctx, path, "audio", moqt.SubscribeOptions{OnObject: func(moqt.Object) {
		select {
		case objects <- struct{}{}:
		default:
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-objects:
	case <-ctx.Done():
		t.Fatal("no object comes")
	}
	return objects
}

// The demo prints where to look, and what it prints plays. With
// E2E_SCREENSHOT=1 the picture of the README is made of it.
func TestDemo(t *testing.T) {
	beside(t)
	rig.Need(t, "node", "chromium")
	dir := artifactDir(t)
	demo, err := rig.Command{Name: "demo", Path: binary, Args: []string{"demo"}, Dir: dir}.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		demo.Signal(syscall.SIGTERM)
		demo.Signal(syscall.SIGTERM)
		demo.Stop(5 * time.Second)
	})
	page := printed(t, demo, `http://\S+/live/demo/`)
	for _, pattern := range []string{`srt://\S+`, `http://\S+/index\.m3u8`, `https://\S+/moq`} {
		t.Log(printed(t, demo, pattern))
	}
	watch := rig.Watch{URL: page, Seconds: 8, Stats: "freshet.stats()", Key: "i", Screenshot: filepath.Join(dir, "player.png")}
	seen := look(t, watch)
	media, wall := seen.Advanced()
	t.Logf("%.1f s played in %.1f s, first picture after %.0f ms, stalls %.0f ms", media, wall, seen.FirstPicture, seen.Stalls)
	if media < 0.9*wall {
		t.Errorf("%.1f s of the demo played in %.1f s", media, wall)
	}
	if os.Getenv("E2E_SCREENSHOT") == "1" {
		picture, err := os.ReadFile(watch.Screenshot)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("../docs/player.png", picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// printed waits until a program has printed something like this.
func printed(t *testing.T, process *rig.Process, pattern string) string {
	t.Helper()
	like := regexp.MustCompile(pattern)
	var found string
	within(t, 15*time.Second, func() error {
		for lines := bufio.NewScanner(strings.NewReader(process.Output())); lines.Scan(); {
			if found = like.FindString(lines.Text()); found != "" {
				return nil
			}
		}
		return os.ErrNotExist
	})
	return found
}
