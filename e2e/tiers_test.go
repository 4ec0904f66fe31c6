package e2e_test

import (
	"context"
	"crypto/tls"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/view"
	"github.com/freshet-live/freshet/e2e/rig"
)

// tiers are an origin, two mids and two edges that send viewers to each other.
type tiers struct {
	origin *rig.Gateway
	mids   [2]*rig.Gateway
	edges  [2]*rig.Gateway
}

func startTiers(t *testing.T) *tiers {
	t.Helper()
	certs := t.TempDir()
	plan := func(name string, parents ...*rig.Gateway) *rig.Gateway {
		config := rig.GatewayConfig{
			Binary: binary, Dir: artifactDir(t), Name: name, CertDir: certs, Drain: drainDeadline, Publish: len(parents) == 0,
		}
		if config.Publish {
			config.More = "quic:\n  publish: true\n"
		}
		for _, p := range parents {
			config.Parents = append(config.Parents, p.HTTPS("/moq"))
		}
		g, err := rig.NewGateway(config)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	all := &tiers{origin: plan("origin")}
	all.mids = [2]*rig.Gateway{plan("mid-a", all.origin), plan("mid-b", all.origin)}
	all.edges = [2]*rig.Gateway{plan("edge-a", all.mids[:]...), plan("edge-b", all.mids[:]...)}
	for i, edge := range all.edges {
		edge.Redirect(all.edges[1-i].HTTPS("/moq"))
	}
	for _, g := range []*rig.Gateway{all.origin, all.mids[0], all.mids[1], all.edges[0], all.edges[1]} {
		if err := g.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stopGateway(t, g) })
	}
	return all
}

// serving is the mid that the edge gets its media from.
func (all *tiers) serving(t *testing.T) *rig.Gateway {
	t.Helper()
	for _, mid := range all.mids {
		metrics, err := mid.Metrics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if metrics.Sum("freshet_relay_upstream_subscriptions") > 0 {
			return mid
		}
	}
	t.Fatal("no mid is subscribed to anything")
	return nil
}

// A mid is killed, then every relay is restarted, and the viewers of an edge see all
// of the stream once, a browser without standing for a second.
func TestTiers(t *testing.T) {
	beside(t)
	rig.Need(t, "ffmpeg", "node", "chromium")
	all := startTiers(t)
	const path = "live/tiers"
	source, err := rig.StartFFmpeg(context.Background(), artifactDir(t), rig.Target{Gateway: all.origin, StreamID: path}, small, rig.Encoding{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Stop()
	within(t, 20*time.Second, func() error {
		_, err := rig.Get(t.Context(), all.edges[0].HTTP("/"+path+"/video/index.m3u8"))
		return err
	})
	audience, err := view.New(view.Config{
		URLs: []string{all.edges[0].HTTPS("/moq")}, Namespace: path, Tracks: []string{"video"}, Viewers: 1,
		TLS: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- audience.Run(ctx) }()
	defer func() {
		leave()
		if err := <-left; err != nil {
			t.Error(err)
		}
	}()
	watch := ourPage(all.edges[0], path, 120)
	browser := startViewer(t, watch)
	if err := browser.Playing(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	check := func(what string, longest time.Duration, moves int) {
		t.Helper()
		r := audience.Report(what)
		show(t, r)
		if r.Missing+r.Twice+r.Ended+r.Cut > 0 || r.Pause.Max > float64(longest.Milliseconds()) || r.Moves != moves || r.Watching != 1 {
			t.Errorf("%s: %+v", what, r)
		}
	}
	check("start", 3*time.Second, 0)

	mid := all.serving(t)
	if err := mid.Kill(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Second)
	check(mid.Name()+" killed", 2*time.Second, 0)
	if err := mid.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, g := range []*rig.Gateway{all.mids[0], all.mids[1], all.edges[0], all.edges[1]} {
		time.Sleep(2 * time.Second)
		restart(t, g)
		moves := 0
		if g == all.edges[0] || g == all.edges[1] { // Where the viewer is, in turn.
			moves = 1
		}
		check(g.Name()+" restarted", time.Second, moves)
	}
	time.Sleep(4 * time.Second)
	check("at rest", time.Second, 0)

	if err := browser.HangUp(); err != nil {
		t.Error(err)
	}
	seen, err := browser.Result()
	if err != nil {
		t.Fatal(err)
	}
	report(t, seen)
	// The one of the kill is the longest; who is asked to move sees none.
	if longest := slices.Max(append(seen.Stalls, 0)); longest > 2000 {
		t.Errorf("the browser stood for %.0f ms", longest)
	}
}

// restart ends a gateway in good order and starts it again.
func restart(t *testing.T, g *rig.Gateway) {
	t.Helper()
	if err := g.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	select {
	case <-g.Done():
	case <-time.After(drainDeadline + 5*time.Second):
		t.Fatalf("%s does not end", g.Name())
	}
	// All who are there move on when they are asked to, a browser too.
	if took := time.Since(began); took > drainDeadline-500*time.Millisecond {
		t.Errorf("%s was left at its deadline: it took %v", g.Name(), took)
	}
	if err := g.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
}
