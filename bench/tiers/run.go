package tiers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/freshet-live/freshet/bench/fleet"
	"github.com/freshet-live/freshet/bench/view"
	"github.com/freshet-live/freshet/e2e/rig"
)

// Config is a run. Scenario, Binary, Logs and Clip are required.
type Config struct {
	Scenario Scenario
	Binary   string // The gateway's, which can push as well.
	Logs     string // Folder of all logs.
	Clip     string // The transport stream that the encoder repeats.
	Seed     uint64 // Of the links' chance.
	// Seen, if set, is told each outcome when it is there.
	Seen func(Outcome)
}

// Outcome is what the viewers saw of a step. Its field names are stable.
type Outcome struct {
	Step string `json:"step"`
	view.Report
	// Down and Up are how long a restarted node took to end, and to be ready again.
	Down float64 `json:"down_s,omitempty"`
	Up   float64 `json:"up_s,omitempty"`
	// Failed says what is not as it should be; empty if all is.
	Failed string `json:"failed,omitempty"`
}

// ErrNotHere is why this machine, or this user, cannot run tiers.
var ErrNotHere = errors.New("tiers cannot be tried out here")

// Possible gives ErrNotHere with the reason, or nil.
func Possible() error {
	switch {
	case runtime.GOOS != "linux":
		return fmt.Errorf("%w: network namespaces are Linux's, and this is %s", ErrNotHere, runtime.GOOS)
	case os.Geteuid() != 0:
		return fmt.Errorf("%w: network namespaces and TUN devices need root: run it with sudo", ErrNotHere)
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return fmt.Errorf("%w: ip(8) of iproute2 is not installed", ErrNotHere)
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return fmt.Errorf("%w: no TUN devices: %w", ErrNotHere, err)
	}
	return nil
}

// broadcast is what the encoder publishes.
const broadcast = "live/tiers"

// run is a scenario under way. Its methods are for one goroutine.
type run struct {
	Config
	fleet    *fleet.Fleet
	encoder  *rig.Process
	origin   string // Where the encoder is.
	audience *view.Audience
	serving  string          // The mid, once it was asked for.
	killed   map[string]bool // By the scenario.
	taken    map[string]int  // Steps so far, by name.
}

// Run does what the scenario says, removes all that it made, and gives what was seen,
// as far as it came.
func Run(ctx context.Context, cfg Config) (out []Outcome, err error) {
	if err := Possible(); err != nil {
		return nil, err
	}
	links := make(fleet.Links)
	for hop, quality := range cfg.Scenario.Links {
		links[hop] = quality.settings()
	}
	r := &run{Config: cfg, origin: "origin-a", killed: make(map[string]bool), taken: make(map[string]int)}
	r.fleet, err = fleet.New(ctx, fleet.Config{
		Binary: cfg.Binary, Logs: cfg.Logs, External: cfg.Scenario.Directory == External,
		EdgeDrain: 5 * time.Second, Links: links, Seed: cfg.Seed,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.fleet.Close()) }()
	if err := r.push(ctx); err != nil {
		return nil, err
	}
	defer func() { _ = r.encoder.Kill() }() // Ended or not, it is gone.
	return r.watched(ctx)
}

// push starts the encoder at the origin; it calls again until it is let in.
func (r *run) push(ctx context.Context) (err error) {
	r.encoder, err = rig.Command{
		Name: "push-" + r.origin, Path: r.Binary, Dir: r.Logs,
		Args: []string{"push", "--loop", "--to", r.fleet.Nodes[r.origin].SRT() + "?streamid=publish:" + broadcast, r.Clip},
	}.Start(context.WithoutCancel(ctx))
	return err
}

// watched has the viewers come, and takes the steps while they watch.
func (r *run) watched(ctx context.Context) (out []Outcome, err error) {
	if err := r.fleet.Serves(ctx, broadcast); err != nil {
		return nil, err
	}
	r.audience, err = view.New(view.Config{
		URLs: r.fleet.URLs(), Namespace: broadcast, Tracks: []string{"video", "audio"}, Viewers: r.Scenario.Viewers,
		Ramp: time.Duration(r.Scenario.Viewers) * arrivalEvery,
		TLS:  &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}, //nolint:gosec // Made by the fleet a moment ago.
	})
	if err != nil {
		return nil, err
	}
	watching, leave := context.WithCancel(ctx)
	var viewers sync.WaitGroup
	viewers.Go(func() { _ = r.audience.Run(watching) }) // Its end is asked for.
	defer viewers.Wait()
	defer leave()
	if err := r.gathered(ctx); err != nil {
		return nil, err
	}
	for _, step := range r.Scenario.Steps {
		seen, err := r.take(ctx, step)
		out = append(out, seen...)
		if err != nil {
			return out, fmt.Errorf("%v: %w", step, err)
		}
	}
	return out, nil
}

const (
	// arrivalEvery keeps handshakes from being the load.
	arrivalEvery = 20 * time.Millisecond
	// gatherWithin is beside the time over which they come.
	gatherWithin = time.Minute
	// calm is for what the joining cost to be over.
	calm = 3 * time.Second
)

// gathered waits until all viewers watch.
func (r *run) gathered(ctx context.Context) error {
	deadline := time.Now().Add(gatherWithin + time.Duration(r.Scenario.Viewers)*arrivalEvery)
	for {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		report := r.audience.Report("gathering")
		switch {
		case report.Watching == r.Scenario.Viewers:
			err := pause(ctx, calm)
			r.audience.Report("gathered") // Begins anew.
			return err
		case time.Now().After(deadline):
			return fmt.Errorf("%d of %d viewers watch: %v", report.Watching, r.Scenario.Viewers, report.Errors)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
