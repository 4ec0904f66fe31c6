package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/freshet-live/freshet/bench/fleet"
	"github.com/freshet-live/freshet/bench/impair"
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
	Report   string                       `help:"What is printed: text, or a line of JSON a step." default:"text" enum:"text,json"`
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

func (c tiersCommand) run(ctx context.Context, con console, cfg tiers.Config) error {
	failed := 0
	lines := json.NewEncoder(con.out)
	if c.Report == "text" {
		fmt.Fprintf(con.out, "%s: %s\n%d viewers, seed %d\n", cfg.Scenario.Name, cfg.Scenario.About, cfg.Scenario.Viewers, c.Seed)
		tiers.WriteHead(con.out)
	}
	var writing error
	cfg.Seen = func(o tiers.Outcome) {
		if o.Failed != "" {
			failed++
		}
		if c.Report == "text" {
			tiers.WriteRow(con.out, o)
			return
		}
		writing = errors.Join(writing, lines.Encode(o))
	}
	if _, err := tiers.Run(ctx, cfg); err != nil {
		return errors.Join(err, writing)
	}
	if failed > 0 {
		return errors.Join(fmt.Errorf("%d steps of %s failed", failed, cfg.Scenario.Name), writing)
	}
	return writing
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
