package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/view"
)

// phases reports for each line of the input, and when it or ctx ends.
func phases(ctx context.Context, audience *view.Audience, con console) error {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	var failed error
	watching.Go(func() { failed = audience.Run(ctx) })
	lines := make(chan string)
	go func() { // A read of the terminal cannot be interrupted: it ends with the process.
		defer close(lines)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	encoder := json.NewEncoder(con.out)
	for {
		phase, more := "end", false
		select {
		case line, ok := <-lines:
			if ok {
				phase, more = line, true
			}
		case <-ctx.Done():
		}
		if err := encoder.Encode(audience.Report(phase)); err != nil || !more {
			cancel()
			watching.Wait()
			return errors.Join(err, failed)
		}
	}
}

// distributionEvery is how long the intervals are that a comparison judges by.
const distributionEvery = 10 * time.Second

// viewRun is one run whose samples are reported.
type viewRun struct {
	command  viewCommand
	audience *view.Audience
	out      *report.Report
	latency  map[string]*report.Histogram // By track, since reported.
	spread   *report.Histogram
	reported time.Time
}

// show runs the audience, says how it goes once a second, and reports at the end.
func (c viewCommand) show(ctx context.Context, audience *view.Audience, con console) (err error) {
	out, err := c.Output.Open(con, c.about())
	if err != nil {
		return err
	}
	var total view.Report
	defer func() {
		err = errors.Join(err, out.Close())
		writeView(c.Output.text(con), total)
	}()
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- audience.Run(ctx) }()
	defer func() {
		cancel()
		err = errors.Join(err, <-ended)
	}()
	pauseFor(ctx, c.Warmup)
	audience.Report("warm-up")
	audience.Sample()
	r := &viewRun{command: c, audience: audience, out: out, reported: time.Now()}
	r.clear()
	r.watch(ctx)
	total = r.finish()
	return nil
}

func pauseFor(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// about is what is run.
func (c viewCommand) about() report.Run {
	kind := "MoQ"
	if len(c.HLS) > 0 {
		kind = "LL-HLS"
	}
	run := report.Run{
		Tool: "bench view", Title: fmt.Sprintf("%d viewers over %s", c.Viewers, kind), Seed: &c.Seed,
		Settings: map[string]string{
			"viewers": strconv.Itoa(c.Viewers), "ramp": c.Ramp.String(), "stay": c.Stay.String(), "slow": c.Slow.String(),
			"stuck": c.Stuck.String(), "misbehave": c.Misbehave.String(), "buffer": c.Buffer.String(), "http": c.HTTP,
		},
	}
	if c.Duration > 0 {
		run.Duration = report.Seconds((c.Warmup + c.Duration).Seconds())
	}
	return run
}

// watch takes a sample a second until ctx ends.
func (r *viewRun) watch(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			r.take(r.audience.Sample())
			return
		}
		r.take(r.audience.Sample())
	}
}

// take reports a sample.
func (r *viewRun) take(s view.Sample) {
	at := r.out.At(s.At)
	for _, v := range []struct {
		name, unit string
		value      float64
		none       bool
	}{
		{name: "watching", value: float64(s.Watching)},
		{name: "bitrate", unit: "bit/s", value: float64(s.Bytes) * 8 / s.Seconds},
		{name: "latency_p50", unit: "s", value: s.Latency.P50 / 1e3, none: s.Latency.Count == 0},
		{name: "latency_p99", unit: "s", value: s.Latency.P99 / 1e3, none: s.Latency.Count == 0},
		{name: "spread_p99", unit: "s", value: s.Spread.P99 / 1e3, none: s.Spread.Count == 0},
		{name: "stalls", value: float64(s.Stalls)},
		{name: "missing", value: float64(s.Missing)},
		{name: "cut", value: float64(s.Cut)},
		{name: "corrupt", value: float64(s.Corrupt)},
	} {
		if !v.none {
			r.out.Sample(report.Sample{At: at, Name: v.name, Unit: v.unit, Value: v.value})
		}
	}
	for name, h := range s.LatencyOf {
		if r.latency[name] == nil {
			r.latency[name] = &report.Histogram{}
		}
		r.latency[name].Merge(h)
	}
	r.spread.Merge(s.SpreadOf)
	if s.At.Sub(r.reported) >= distributionEvery {
		r.distribute()
	}
}

func (r *viewRun) clear() {
	r.latency, r.spread = make(map[string]*report.Histogram), &report.Histogram{}
}

// distribute reports how delays lay since the last time.
func (r *viewRun) distribute() {
	for name, h := range r.latency {
		r.distribution("latency", report.Labels{"track": name}, h)
	}
	r.distribution("spread", nil, r.spread)
	r.clear()
	r.reported = time.Now()
}

func (r *viewRun) distribution(name string, labels report.Labels, h *report.Histogram) {
	if h.Count() == 0 {
		return
	}
	r.out.Distribution(report.Distribution{Name: name, Unit: "s", Labels: labels, Histogram: h})
}
