package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/sweep"
)

// sweepCommand looks for the knee of a server.
type sweepCommand struct {
	Dimension sweep.Dimension `arg:"" optional:"" help:"What rises: viewers, bitrate (kbit/s), broadcasts, or loss (thousandths, on the way to the server)." enum:"viewers,bitrate,broadcasts,loss" default:"viewers"`

	Viewers    int           `help:"Of each broadcast." default:"50"`
	Bitrate    int           `help:"Of each broadcast, in kbit/s." default:"6000"`
	Broadcasts int           `help:"How many." default:"1"`
	Loss       float64       `help:"On the way from the publisher to the server, in percent." default:"0"`
	RTT        time.Duration `name:"rtt" help:"Of that way." default:"0s"`

	Start     int           `help:"The first value; it doubles until one fails." default:"25"`
	Max       int           `help:"The largest value." default:"10000"`
	Tolerance float64       `help:"How near to the knee is near enough, in percent of it." default:"5"`
	Repeats   int           `help:"How often the knee is measured again." default:"2"`
	Deadline  time.Duration `help:"An object that is not there this long after it was published fails a trial." default:"1s"`
	Warm      time.Duration `help:"How long all viewers receive before it counts." default:"3s"`
	Window    time.Duration `help:"How long it counts." default:"5s"`
	CPUs      int           `name:"cpus" help:"Processors that the server has to itself; the viewers get the rest. 0: they share all." default:"0"`

	Server  string `help:"A command line that starts a server, {feed} in it being the address to pull from; without it and --pid a relay of this program is measured." placeholder:"CMD"`
	PID     int    `name:"pid" help:"A server that runs already." placeholder:"N"`
	URL     string `help:"Where viewers of that server go: https for WebTransport, moqt for raw QUIC; with --hls a playlist, {n} in it being the broadcast." placeholder:"URL"`
	Publish string `help:"Where it takes broadcasts over MoQ, if that is elsewhere; with --hls where encoders push to, as for bench push, {n} being the broadcast." placeholder:"URL"`
	HLS     bool   `name:"hls" help:"Viewers follow LL-HLS, of what encoders push: of freshet serve, unless another server is named."`
	QUIC    bool   `name:"quic" help:"Viewers of our own relay over raw QUIC instead of WebTransport."`
	Bare    bool   `help:"Measure a bare webtransport-go server, too."`

	Output benchOutput `embed:""`
}

// Run sweeps one server after the other.
func (c sweepCommand) Run(ctx context.Context, con console) (err error) {
	targets, err := c.targets()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "freshet-sweep-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	lines := c.Output
	lines.Quiet = true // The table is the progress: nothing may write over it.
	r, err := lines.Open(con, report.Run{Tool: "bench sweep", Title: "Sweep of " + string(c.Dimension), Settings: c.settings()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	out := c.Output.text(con)
	for _, target := range targets {
		sweepHead(out, c.Dimension)
		knee, err := sweep.Run(ctx, c.config(target, dir, func(t sweep.Trial) {
			sweepRow(out, t)
			reportTrial(r, t)
		}))
		if err != nil {
			return err
		}
		writeKnee(out, knee, c.Dimension)
		reportKnee(r, knee, c.Dimension)
	}
	return nil
}

func (c sweepCommand) config(target sweep.Target, dir string, seen func(sweep.Trial)) sweep.Config {
	return sweep.Config{
		Target: target, Dimension: c.Dimension,
		Load: sweep.Load{
			Viewers: c.Viewers, Kbits: c.Bitrate, Broadcasts: c.Broadcasts,
			Loss: int(c.Loss*10 + .5), RTT: c.RTT,
		},
		Search:   sweep.Search{Start: c.Start, Max: c.Max, Tolerance: c.Tolerance / 100, Repeats: c.Repeats},
		Deadline: c.Deadline, Warm: c.Warm, Window: c.Window, CPUs: c.CPUs, Dir: dir, Seen: seen,
	}
}

func (c sweepCommand) targets() ([]sweep.Target, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	first := sweep.Target{Kind: sweep.Ours, Binary: binary, RawQUIC: c.QUIC}
	switch {
	case c.Server != "" && c.PID != 0:
		return nil, errors.New("--server and --pid: one of them")
	case c.Server != "":
		first = sweep.Target{Kind: sweep.Command, Line: c.Server, URL: c.URL, Publish: c.Publish}
	case c.PID != 0:
		first = sweep.Target{Kind: sweep.Running, PID: c.PID, URL: c.URL, Publish: c.Publish}
	}
	first.HLS = c.HLS
	if c.HLS && c.Bare {
		return nil, errors.New("--bare: that server has no LL-HLS")
	}
	out := []sweep.Target{first}
	if c.Bare {
		out = append(out, sweep.Target{Kind: sweep.Bare, Binary: binary})
	}
	for _, t := range out {
		if err := t.Check(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// settings are the flags that count.
func (c sweepCommand) settings() map[string]string {
	delivery := "MoQ"
	if c.HLS {
		delivery = "LL-HLS"
	}
	return map[string]string{
		"delivery": delivery, "dimension": string(c.Dimension), "viewers": strconv.Itoa(c.Viewers), "bitrate": strconv.Itoa(c.Bitrate),
		"broadcasts": strconv.Itoa(c.Broadcasts), "loss": fmt.Sprint(c.Loss), "rtt": c.RTT.String(), "deadline": c.Deadline.String(),
		"warm": c.Warm.String(), "window": c.Window.String(), "cpus": strconv.Itoa(c.CPUs), "repeats": strconv.Itoa(c.Repeats),
	}
}

func sweepHead(w io.Writer, d sweep.Dimension) {
	fmt.Fprintf(w, "%-10s %-7s %10s %6s %8s %7s %7s %7s %7s %9s %7s %7s %6s %7s\n", "server", "phase", d, "", "Mbit/s",
		"p50 ms", "p99 ms", "max ms", "missing", "CPU-s/GB", "cores", "MB", "client", "idle %")
}

func sweepRow(w io.Writer, t sweep.Trial) {
	verdict := "pass"
	if !t.Passed {
		verdict = "FAIL"
	}
	rate := 0.0
	if t.Seconds > 0 {
		rate = float64(t.Bytes) * 8e-6 / t.Seconds
	}
	fmt.Fprintf(w, "%-10.10s %-7s %10d %6s %8.0f %7.1f %7.1f %7.1f %7d %9.2f %7.2f %7.0f %6.2f %7.0f  %s\n", t.Server, t.Phase, t.Value, verdict,
		rate, t.P50, t.P99, t.Max, t.Missing, t.PerGB(), t.Cores, float64(t.RSS)/1e6, t.Client.CPU, 100*t.Idle, t.Why)
}

func writeKnee(w io.Writer, k sweep.Knee, d sweep.Dimension) {
	if k.Value == 0 {
		fmt.Fprintf(w, "%s: no value of %s passed: %s\n\n", k.Server, d, k.Why)
		return
	}
	fmt.Fprintf(w, "%s: the knee is at %d %s (median of %d): %.0f viewers per core, %.2f Gbit/s per core, %.2f CPU-s/GB, latency p50 %.1f ms, p99 %.1f ms",
		k.Server, k.Value, d, k.Trials, k.ViewersPerCore, k.GbitPerCore, k.PerGB, k.P50, k.P99)
	if k.PerViewer != nil {
		fmt.Fprintf(w, ", %.0f kB of memory a viewer", *k.PerViewer/1e3)
	}
	fmt.Fprintln(w)
	switch {
	case k.Failed == 0:
		fmt.Fprintln(w, "nothing failed up to the largest value: this is a lower bound")
	case k.LowerBound:
		fmt.Fprintf(w, "at %d it was the %s that was full (%s): this is a lower bound for the server\n", k.Failed, k.Limit, k.Why)
	default:
		fmt.Fprintf(w, "at %d: %s\n", k.Failed, k.Why)
	}
	fmt.Fprintln(w)
}

// reportTrial puts a trial's figures by the value of its dimension.
func reportTrial(r *report.Report, t sweep.Trial) {
	labels := report.Labels{"server": t.Server, "value": strconv.Itoa(t.Value), "phase": string(t.Phase)}
	for _, s := range []report.Sample{
		{Name: "latency_p50", Unit: "s", Value: t.P50 / 1e3},
		{Name: "latency_p99", Unit: "s", Value: t.P99 / 1e3},
		{Name: "server_cores", Value: t.Cores},
		{Name: "server_memory", Unit: "B", Value: float64(t.RSS)},
		{Name: "cpu_per_gb", Unit: "s/GB", Value: t.PerGB()},
		{Name: "missing", Value: float64(t.Missing)},
		{Name: "client_cores", Value: t.Client.CPU},
		{Name: "machine_idle", Unit: "%", Value: 100 * t.Idle},
	} {
		s.Labels = labels
		r.Sample(s)
	}
	detail := fmt.Sprintf("%d passed", t.Value)
	if !t.Passed {
		detail = fmt.Sprintf("%d failed: %s", t.Value, t.Why)
	}
	r.Event(report.Event{Name: "trial", Subject: t.Server, Detail: detail})
}

func reportKnee(r *report.Report, k sweep.Knee, d sweep.Dimension) {
	labels, note := report.Labels{"server": k.Server}, k.Why
	if k.LowerBound {
		note = "a lower bound: " + string(k.Limit) + " " + k.Why
	}
	results := []report.Result{
		{Name: "knee_" + string(d), Value: float64(k.Value), Better: report.Higher, Note: note},
		{Name: "viewers_per_core", Value: k.ViewersPerCore, Better: report.Higher},
		{Name: "rate_per_core", Unit: "bit/s", Value: k.GbitPerCore * 1e9, Better: report.Higher},
		{Name: "cpu_per_gb", Unit: "s/GB", Value: k.PerGB, Better: report.Lower},
		{Name: "latency_p50", Unit: "s", Value: k.P50 / 1e3, Better: report.Lower},
		{Name: "latency_p99", Unit: "s", Value: k.P99 / 1e3, Better: report.Lower},
	}
	if k.PerViewer != nil {
		results = append(results, report.Result{Name: "memory_per_viewer", Unit: "B", Value: *k.PerViewer, Better: report.Lower})
	}
	for _, result := range results {
		result.Labels = labels
		r.Result(result)
	}
}
