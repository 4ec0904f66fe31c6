package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/impair"
	"github.com/freshet-live/freshet/bench/report"
	swarm "github.com/freshet-live/freshet/bench/swarm"
)

// benchSwarmCommand runs the simulator of bench/swarm.
type benchSwarmCommand struct {
	List     bool   `help:"Print the scenarios, and what sweeps know."`
	Scenario string `arg:"" optional:"" help:"What happens, or all." default:"steady"`

	Viewers     int            `help:"How many watch." default:"1000" short:"n"`
	Bitrate     impair.Rate    `help:"Of the broadcast, audio with it." default:"4mbit"`
	Delay       time.Duration  `help:"From a chunk at the edge to its display." default:"1s"`
	Chunk       time.Duration  `help:"Media time in a chunk." default:"33333333ns"`
	Country     string         `help:"Whose lines viewers have, or all." default:"us"`
	Mobile      impair.Percent `help:"Viewers on cellular networks, who upload nothing." default:"35%"`
	Session     time.Duration  `help:"How long a viewer stays, in the mean; 0 is to the end." default:"10m"`
	RTT         time.Duration  `name:"rtt" help:"Of two viewers, the median." default:"40ms"`
	Connectable impair.Percent `help:"Pairs that can connect." default:"80%"`
	Loss        impair.Percent `help:"Of packets between viewers." default:"0.1%"`
	Edge        impair.Rate    `help:"What the edge can send; 0 is without bound." default:"0"`

	Seed     uint64        `help:"The first." default:"1"`
	Seeds    int           `help:"How many runs, each with the next seed." default:"5"`
	Sweep    string        `help:"A series of runs instead: a dimension of --list, and values if other than its own." placeholder:"DIM[=A,B...]"`
	Duration time.Duration `help:"Virtual time of a run, unless the scenario says." default:"60s"`
	Warm     time.Duration `help:"What is before this does not count." default:"30s"`

	Output benchOutput `embed:""`
}

// Run makes all runs; it fails if one is not as its scenario says.
func (c benchSwarmCommand) Run(ctx context.Context, con console) (err error) {
	if c.List {
		return listSwarm(con.out)
	}
	cases, err := c.cases()
	if err != nil {
		return err
	}
	lines := c.Output
	lines.Quiet = true // The table is the progress.
	r, err := lines.Open(con, report.Run{Tool: "bench swarm", Title: c.title(), Seed: &c.Seed, Settings: c.settings()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	out := c.Output.text(con)
	fmt.Fprintf(out, "uplinks: %s\n", swarm.Source())
	swarmHead(out)
	done := func(i int, _ *swarm.Result) { swarmRow(out, cases[i].name(), cases[i].results()) }
	if err := c.runAll(ctx, cases, done); err != nil {
		return err
	}
	for i := range cases {
		cases[i].report(r, len(cases) == 1)
	}
	swarmVerdicts(out, cases)
	return nil
}

func (c benchSwarmCommand) title() string {
	if c.Sweep != "" {
		name, _, _ := strings.Cut(c.Sweep, "=")
		return "Swarm: sweep of " + name
	}
	return "Swarm: " + c.Scenario
}

// settings are what the figures hang on. A page draws the results of a sweep by what
// sweep names.
func (c benchSwarmCommand) settings() map[string]string {
	out := map[string]string{
		"scenario": c.Scenario, "viewers": strconv.Itoa(c.Viewers), "bitrate": c.Bitrate.String(), "delay": c.Delay.String(), "chunk": c.Chunk.String(),
		"country": c.Country, "mobile": c.Mobile.String(), "session": c.Session.String(), "rtt": c.RTT.String(), "connectable": c.Connectable.String(),
		"loss": c.Loss.String(), "seeds": strconv.Itoa(c.Seeds), "uplinks": swarm.Source(),
	}
	if d, err := swarm.ParseDimension(c.Sweep); err == nil {
		out["sweep"], out["sweep_unit"] = d.Name, d.Unit
	}
	return out
}

// config is what the flags say.
func (c benchSwarmCommand) config() swarm.Config {
	cfg := swarm.DefaultConfig()
	cfg.Viewers, cfg.Bitrate, cfg.Chunk, cfg.Country = c.Viewers, int64(c.Bitrate), c.Chunk, c.Country
	cfg.Params.Delay, cfg.NonUploaders, cfg.Session = c.Delay, float64(c.Mobile), c.Session
	cfg.Network.PeerRTT, cfg.Network.Connectable, cfg.Network.Loss = c.RTT, float64(c.Connectable), float64(c.Loss)
	cfg.Network.EdgeRate, cfg.Duration, cfg.Warm = int64(c.Edge), c.Duration, c.Warm
	return cfg
}
