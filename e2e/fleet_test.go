package e2e_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/fleet"
	"github.com/freshet-live/freshet/bench/view"
	"github.com/freshet-live/freshet/e2e/rig"
)

// cluster is a fleet of a test, whose errors end it.
type cluster struct{ *fleet.Fleet }

// startFleet starts all nodes, their directory embedded as in the example files, or in
// a NATS server beside them.
func startFleet(t *testing.T, external bool) cluster {
	t.Helper()
	rig.Need(t, "ip", "ffmpeg")
	cfg := fleet.Config{Binary: binary, Logs: artifactDir(t), External: external}
	if os.Getenv("E2E_TIERS") != "full" { // Nobody who has moved needs more.
		cfg.EdgeDrain = 5 * time.Second
	}
	f, err := fleet.New(t.Context(), cfg)
	if errors.Is(err, rig.ErrNoNetwork) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return cluster{f}
}

// must ends a test at an error of what it stands on.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// watch has viewers at all edges, half of them over raw QUIC.
func (f cluster) watch(t *testing.T, path string, viewers int) *rig.Audience {
	t.Helper()
	audience, err := rig.StartAudience(context.Background(), artifactDir(t), binary, path, viewers, f.URLs()...)
	must(t, err)
	t.Cleanup(func() {
		if err := audience.Leave(); err != nil {
			t.Error(err)
		}
	})
	return audience
}

// below are the edges that get the broadcast from this mid.
func (f cluster) below(t *testing.T, mid, path string) []string {
	t.Helper()
	edges, err := f.Below(t.Context(), mid, path)
	must(t, err)
	return edges
}

func (f cluster) start(t *testing.T, names ...string) {
	t.Helper()
	must(t, f.Start(t.Context(), names...))
}

func (f cluster) settled(t *testing.T) {
	t.Helper()
	must(t, f.Settled(t.Context()))
}

// restart ends a node in good order and starts it again.
func (f cluster) restart(t *testing.T, name string) {
	t.Helper()
	down, up, err := f.Restart(t.Context(), name)
	must(t, err)
	t.Logf("%s restarted: down after %v, up after %v", name, down.Round(time.Millisecond), up.Round(time.Millisecond))
}

// show prints a report in one line.
func show(t *testing.T, r view.Report) {
	t.Helper()
	t.Logf("%-28s %d of %d viewers, %.1f Mbit/s, longest pause p50 %.0f ms p99 %.0f ms max %.0f ms; missing %d, twice %d, cut %d, moves %d, ended %d, starts %d %v",
		r.Phase+":", r.Watching, r.Viewers, float64(r.Bytes)*8e-6/r.Seconds, r.Pause.P50, r.Pause.P99, r.Pause.Max,
		r.Missing, r.Twice, r.Cut, r.Moves, r.Ended, r.Starts, r.Errors)
}
