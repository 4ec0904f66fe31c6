package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/fleet"
	"github.com/freshet-live/freshet/bench/impair"
	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/tiers"
)

// tiersCommand runs a scenario of bench/tiers.
type tiersCommand struct {
	List     bool                         `help:"Print the shipped scenarios."`
	Scenario string                       `arg:"" optional:"" help:"A shipped scenario, or a YAML file (see bench/README.md)." default:"kill-mid"`
	Viewers  int                          `help:"How many watch, spread over the edges; 0 for what the scenario says." default:"0"`
	RTT      map[fleet.Hop]time.Duration  `name:"rtt" help:"Of all links of a hop: encoder-origin, origin-mid, mid-edge or edge-viewer; may be repeated." placeholder:"HOP=40ms"`
	Loss     map[fleet.Hop]impair.Percent `help:"The share of packets lost, each way." placeholder:"HOP=1%"`
	Seed     uint64                       `help:"Of the links' chance." default:"1"`
	Logs     string                       `help:"Keep the logs of all processes in this folder." placeholder:"FOLDER"`

	Output benchOutput `embed:""`
}

// Run starts the cluster and takes the scenario's steps; it fails if a step did.
func (c tiersCommand) Run(ctx context.Context, con console) error {
	if c.List {
		return listTiers(con.out)
	}
	scenario, err := c.scenario()
	if err != nil {
		return err
	}
	if err := tiers.Possible(); err != nil {
		return err
	}
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "freshet-tiers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	clip, logs := filepath.Join(dir, "clip.ts"), dir
	if err := os.WriteFile(clip, demoClip, 0o600); err != nil {
		return err
	}
	if c.Logs != "" {
		if logs, err = filepath.Abs(c.Logs); err != nil {
			return err
		}
		if err := os.MkdirAll(logs, 0o755); err != nil { //nolint:gosec // Logs are for whoever looks.
			return err
		}
	}
	return c.run(ctx, con, tiers.Config{Scenario: scenario, Binary: binary, Logs: logs, Clip: clip, Seed: c.Seed})
}

func (c tiersCommand) run(ctx context.Context, con console, cfg tiers.Config) (err error) {
	r, err := c.Output.Open(con, report.Run{
		Tool: "bench tiers", Title: "Tiers: " + cfg.Scenario.Name, Seed: &c.Seed, Settings: c.settings(cfg.Scenario),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	out := c.Output.text(con)
	fmt.Fprintf(out, "%s: %s\n%d viewers, seed %d\n", cfg.Scenario.Name, strings.TrimSpace(cfg.Scenario.About), cfg.Scenario.Viewers, c.Seed)
	tiers.WriteHead(out)
	cfg.Seen = func(o tiers.Outcome) {
		tiers.WriteRow(out, o)
		reportOutcome(r, o)
	}
	_, err = tiers.Run(ctx, cfg)
	return err
}

// settings are what was run, with what flags changed.
func (c tiersCommand) settings(s tiers.Scenario) map[string]string {
	out := map[string]string{"scenario": s.Name, "viewers": strconv.Itoa(s.Viewers), "directory": string(s.Directory)}
	for hop, q := range s.Links {
		out["link "+string(hop)] = fmt.Sprintf("rtt %v, jitter %v, loss %v", q.RTT, q.Jitter, q.Loss)
	}
	return out
}

// reportOutcome puts what was seen of a step; a step that is not as it should be fails
// the run.
func reportOutcome(r *report.Report, o tiers.Outcome) {
	labels := report.Labels{"step": o.Step}
	for _, result := range []report.Result{
		{Name: "pause_p50", Unit: "s", Value: o.Pause.P50 / 1e3, Better: report.Lower},
		{Name: "pause_p99", Unit: "s", Value: o.Pause.P99 / 1e3, Better: report.Lower},
		{Name: "pause_max", Unit: "s", Value: o.Pause.Max / 1e3, Better: report.Lower},
		{Name: "objects_missing", Value: float64(o.Missing), Better: report.Lower},
		{Name: "objects_twice", Value: float64(o.Twice), Better: report.Lower},
		{Name: "sessions_ended", Value: float64(o.Ended), Better: report.Lower},
		{Name: "sessions_moved", Value: float64(o.Moves)},
	} {
		result.Labels = labels
		r.Result(result)
	}
	r.Event(report.Event{Name: "step", Subject: o.Step, Detail: fmt.Sprintf("%d of %d viewers watch", o.Watching, o.Viewers)})
	r.Check(report.Check{
		Name: o.Step, Rule: "all viewers watch, none lost an object or a session, pauses are within the scenario's limit",
		Passed: o.Failed == "", Detail: o.Failed,
	})
}

// scenario is the one asked for, with what the flags say laid over.
func (c tiersCommand) scenario() (tiers.Scenario, error) {
	s, err := tiers.Load(c.Scenario)
	if err != nil {
		return s, err
	}
	if c.Viewers > 0 {
		s.Viewers = c.Viewers
	}
	if s.Links == nil {
		s.Links = make(map[fleet.Hop]tiers.Quality)
	}
	for hop, rtt := range c.RTT {
		q := s.Links[hop]
		q.RTT = rtt
		s.Links[hop] = q
	}
	for hop, loss := range c.Loss {
		q := s.Links[hop]
		q.Loss = loss
		s.Links[hop] = q
	}
	return s, s.Check()
}

func listTiers(out io.Writer) error {
	names, err := tiers.Shipped()
	if err != nil {
		return err
	}
	for _, name := range names {
		s, err := tiers.Load(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n%s\n", name, wrapped(s.About))
		for _, step := range s.Steps {
			fmt.Fprintf(out, "    %v\n", step)
		}
		fmt.Fprintln(out)
	}
	return nil
}
