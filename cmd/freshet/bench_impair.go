package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/impair"
	"github.com/freshet-live/freshet/bench/report"
)

// impairCommand runs a network of bench/impair.
type impairCommand struct {
	List bool `help:"Print the shipped scenarios: what each is, and the SRT latency and QUIC setting it calls for."`

	Listen []string        `help:"Where clients send to; one for each link of the scenario." placeholder:":9000"`
	To     []string        `help:"Where their packets go; one for each link, or one for all." placeholder:"HOST:8890"`
	Tun    []impair.Device `help:"Two TUN devices instead, NAME[=ADDRESS/BITS][@NAMESPACE] each: all protocols, on Linux as root." placeholder:"imp0=10.9.0.1/24@left" sep:"none"`

	Scenario string            `help:"A shipped scenario, or a YAML file; flags change what it says." placeholder:"NAME|FILE.yaml"`
	Seed     uint64            `help:"Of chance: one seed, one fate for the nth packet." default:"1"`
	Duration time.Duration     `help:"Ends by itself after this." placeholder:"1m"`
	Packets  string            `help:"Write the fate of each packet to a file (CSV)." placeholder:"FILE"`
	Outage   []impair.Interval `help:"Start and length of an outage; may be repeated." placeholder:"5s+1s"`
	Stall    []impair.Interval `help:"The same, but packets wait in the queue." placeholder:"5s+300ms"`
	Rebind   []time.Duration   `help:"When clients get a new source port, as behind a NAT; may be repeated." placeholder:"10s"`
	Repeat   time.Duration     `help:"The timeline starts again after this." placeholder:"30s"`

	Trace     string `help:"A recorded link: Mahimahi's format, or CSV (see bench/README.md)." placeholder:"FILE"`
	UpTrace   string `help:"For the way up alone." placeholder:"FILE"`
	DownTrace string `help:"For the way down alone." placeholder:"FILE"`

	Both impair.Settings `embed:"" group:"Both directions:"`
	Up   impair.Settings `embed:"" prefix:"up-" group:"The way up alone, from clients:"`
	Down impair.Settings `embed:"" prefix:"down-" group:"The way down alone:"`

	Output benchOutput `embed:""`
}

func (c impairCommand) Run(ctx context.Context, con console) error {
	if c.List {
		return listScenarios(con.out)
	}
	paths, err := c.paths()
	if err != nil {
		return err
	}
	ends, err := c.ends(len(paths))
	if err != nil {
		return err
	}
	cfg := impair.Config{Paths: paths, Ends: ends, Seed: c.Seed}
	if c.Packets != "" {
		file, err := os.Create(c.Packets)
		if err != nil {
			return err
		}
		defer file.Close()
		cfg.Packets = file
	}
	if c.Duration > 0 {
		timed, cancel := context.WithTimeout(ctx, c.Duration)
		defer cancel()
		ctx = timed
	}
	return c.run(ctx, con, cfg)
}

func (c impairCommand) run(ctx context.Context, con console, cfg impair.Config) (err error) {
	network, err := impair.New(cfg)
	if err != nil {
		return err
	}
	for i, ends := range network.Ends() {
		fmt.Fprintln(con.err, cmp.Or(cfg.Paths[i].Name, "link"), ends)
	}
	lines := c.Output
	lines.Quiet = true // The network has a view of its own.
	r, err := lines.Open(con, c.about(cfg))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	record := impair.Record{Report: r}
	err = c.watch(ctx, con, network, &record)
	readings := network.Readings()
	record.End(readings)
	return errors.Join(err, impair.WriteText(c.Output.text(con), readings))
}

// watch looks at the network once a second until it ends.
func (c impairCommand) watch(ctx context.Context, con console, network *impair.Network, record *impair.Record) error {
	ended := make(chan error, 1)
	go func() { ended <- network.Run(ctx) }()
	view := impair.View{Screen: screenOf(con.err)}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			readings := network.Readings()
			record.Look(readings)
			if !c.Output.Quiet {
				view.Show(readings)
			}
		case err := <-ended:
			return err
		}
	}
}

// about is what is run.
func (c impairCommand) about(cfg impair.Config) report.Run {
	settings := map[string]string{"scenario": c.Scenario}
	for i := range cfg.Paths {
		p := &cfg.Paths[i]
		link := cmp.Or(p.Name, fmt.Sprint("link", i))
		settings[link+" up"], settings[link+" down"] = p.Up.String(), p.Down.String()
		if n := len(p.Timeline); n > 0 {
			settings[link+" timeline"] = fmt.Sprintf("%d steps, repeated after %v", n, p.Repeat)
		}
	}
	return report.Run{
		Tool: "bench impair", Title: "Impairment: " + cmp.Or(c.Scenario, "by flags"), Seed: &c.Seed,
		Duration: report.Seconds(c.Duration.Seconds()), Settings: settings,
	}
}

// paths are the scenario's, or one plain path, with what flags say laid over.
func (c impairCommand) paths() ([]impair.Path, error) {
	scenario := impair.Scenario{Links: []impair.Path{{}}}
	if c.Scenario != "" {
		var err error
		if scenario, err = impair.Load(c.Scenario); err != nil {
			return nil, err
		}
	}
	for i := range scenario.Links {
		if err := c.overlay(&scenario.Links[i]); err != nil {
			return nil, err
		}
	}
	return scenario.Links, nil
}

func (c impairCommand) overlay(p *impair.Path) error {
	for _, t := range []struct {
		direction impair.Direction
		file      string
	}{{impair.Up, cmp.Or(c.UpTrace, c.Trace)}, {impair.Down, cmp.Or(c.DownTrace, c.Trace)}} {
		if t.file == "" {
			continue
		}
		if err := p.Record(t.direction, t.file); err != nil {
			return err
		}
	}
	p.Up = p.Both.Over(p.Up).Over(c.Both).Over(c.Up)
	p.Down = p.Both.Over(p.Down).Over(c.Both).Over(c.Down)
	p.Both = impair.Settings{}
	p.Repeat = cmp.Or(c.Repeat, p.Repeat)
	yes := true
	for _, o := range c.Outage {
		p.Timeline = append(p.Timeline, impair.Step{At: o.At, For: o.For, Both: impair.Settings{Outage: &yes}, Note: "outage"})
	}
	for _, o := range c.Stall {
		p.Timeline = append(p.Timeline, impair.Step{At: o.At, For: o.For, Both: impair.Settings{Stall: &yes}, Note: "stall"})
	}
	for _, at := range c.Rebind {
		p.Timeline = append(p.Timeline, impair.Step{At: at, Rebind: true})
	}
	return p.Check()
}

// ends are those of n links.
func (c impairCommand) ends(n int) ([]impair.Ends, error) {
	if len(c.Tun) > 0 {
		if len(c.Tun) != 2 || n != 1 || len(c.Listen)+len(c.To) > 0 {
			return nil, errors.New("--tun: takes two devices, a scenario of one link, and neither --listen nor --to")
		}
		return []impair.Ends{{Devices: c.Tun}}, nil
	}
	if len(c.Listen) != n || len(c.To) != n && len(c.To) != 1 {
		return nil, fmt.Errorf("%d --listen and %d --to: the scenario has %d links, and each needs its port and its address (or two --tun)",
			len(c.Listen), len(c.To), n)
	}
	ends := make([]impair.Ends, n)
	for i, listen := range c.Listen {
		ends[i] = impair.Ends{Listen: listen, To: c.To[min(i, len(c.To)-1)]}
	}
	return ends, nil
}

func listScenarios(out io.Writer) error {
	names, err := impair.Shipped()
	if err != nil {
		return err
	}
	for _, name := range names {
		s, err := impair.Load(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s  (SRT latency %d ms)\n%s\n\n%s\n\n", name, s.SRTLatency.Milliseconds(),
			wrapped(s.About), wrapped(s.Advice))
	}
	return nil
}

// wrapped breaks text into lines of a terminal.
func wrapped(text string) string {
	const width = 78
	var out strings.Builder
	column := width
	for word := range strings.FieldsSeq(text) {
		if column+1+len(word) > width {
			out.WriteString("\n  ")
			column = 2
		} else {
			out.WriteString(" ")
			column++
		}
		out.WriteString(word)
		column += len(word)
	}
	return strings.TrimPrefix(out.String(), "\n")
}
