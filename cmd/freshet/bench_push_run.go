package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/freshet-live/freshet/bench/encoders"
	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/self"
)

// benchPushRun is a fleet that is reported.
type benchPushRun struct {
	fleet  *encoders.Fleet
	client *self.Watch
	out    *report.Report
	last   encoders.Totals // Of the last sample,
	at     time.Time
	lay    *report.Histogram // Late, as of the last distribution,
	laid   time.Time
}

// show runs the fleet, says how it goes once a second, and reports at the end.
func (c benchPushCommand) show(ctx context.Context, con console, fleet *encoders.Fleet) error {
	out, err := c.Output.Open(con, c.about())
	if err != nil {
		return err
	}
	now := time.Now()
	r := &benchPushRun{fleet: fleet, client: self.New(nil), out: out, last: fleet.Totals(), at: now, laid: now}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	var client sync.WaitGroup
	client.Go(func() { _ = r.client.Run(watching) })
	err = r.watch(ctx)
	took, verdict := time.Since(now), r.client.Verdict()
	stop()
	client.Wait()
	r.finish(took, verdict)
	err = errors.Join(err, out.Close())
	if c.To == "-" {
		con.out = con.err // Standard output is the stream's.
	}
	writePush(c.Output.text(con), r.last, took, verdict)
	return err
}

// about is what is run.
func (c benchPushCommand) about() report.Run {
	scheme, _, _ := strings.Cut(c.To, ":")
	rate := "its own"
	switch {
	case c.Trace != "":
		rate = "trace"
	case c.Rate > 0:
		rate = c.Rate.String()
	}
	faults := make([]string, 0, len(c.Fault))
	for _, f := range c.Fault {
		faults = append(faults, f.String())
	}
	return report.Run{
		Tool: "bench push", Title: fmt.Sprintf("%d encoders over %s", c.Count, scheme), Seed: &c.Seed,
		Duration: report.Seconds(c.Duration.Seconds()),
		Settings: map[string]string{
			"encoders": strconv.Itoa(c.Count), "source": c.Source, "rate": rate, "ramp": c.Ramp.String(), "buffer": c.Buffer.String(),
			"churn": strconv.FormatFloat(float64(c.Churn)*60, 'g', 6, 64) + "/m", "away": c.Away.String(),
			"fault": strings.Join(faults, ", "), "faults": c.Faults, "mark": strconv.FormatBool(c.Mark),
		},
	}
}

// watch takes a sample a second until the fleet has ended.
func (r *benchPushRun) watch(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- r.fleet.Run(ctx) }()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if ctx.Err() == nil { // Else it is ending.
				r.sample()
			}
		case err := <-ended:
			r.events()
			return err
		}
	}
}

// sample reports the time since the last one.
func (r *benchPushRun) sample() {
	r.events()
	t, now := r.fleet.Totals(), time.Now()
	at, seconds := r.out.At(now), now.Sub(r.at).Seconds()
	late := t.Late.Since(r.last.Late)
	for _, v := range []struct {
		name, unit string
		value      float64
		none       bool
	}{
		{name: "up", value: float64(t.Up)},
		{name: "made", unit: "bit/s", value: float64(t.BytesIn-r.last.BytesIn) * 8 / seconds},
		{name: "bitrate", unit: "bit/s", value: float64(t.BytesOut-r.last.BytesOut) * 8 / seconds},
		{name: "rtt", unit: "s", value: t.RTT.Seconds(), none: t.RTT == 0},
		{name: "rtt_max", unit: "s", value: t.RTTMax.Seconds(), none: t.RTT == 0},
		{name: "late_p99", unit: "s", value: late.Quantile(.99), none: late.Count() == 0},
		{name: "lost", value: float64(t.Lost) - float64(r.last.Lost)},
		{name: "retransmitted", value: float64(t.Retransmitted) - float64(r.last.Retransmitted)},
		{name: "dropped", value: float64(t.Dropped) - float64(r.last.Dropped)},
		{name: "too_late", value: float64(t.TooLate) - float64(r.last.TooLate)},
		{name: "failed", value: float64(t.Failed) - float64(r.last.Failed)},
	} {
		if !v.none {
			r.out.Sample(report.Sample{At: at, Name: v.name, Unit: v.unit, Value: v.value})
		}
	}
	r.last, r.at = t, now
	if now.Sub(r.laid) >= distributionEvery {
		r.distribute(t, now)
	}
}

// events reports what befell encoders, and what is over.
func (r *benchPushRun) events() {
	for _, h := range r.fleet.Happenings() {
		e := report.Event{At: r.out.At(h.At), Name: string(h.Fault.Kind), Subject: fmt.Sprintf("encoder %d", h.Encoder)}
		if h.Over {
			e.Name, e.Ends = "over", e.Name
			e.Detail = e.Ends
		} else {
			_, e.Detail, _ = strings.Cut(h.Fault.String(), string(h.Fault.Kind)+" ")
		}
		r.out.Event(e)
	}
}

func (r *benchPushRun) distribute(t encoders.Totals, now time.Time) {
	if late := t.Late.Since(r.lay); late.Count() > 0 {
		r.out.Distribution(report.Distribution{Name: "late", Unit: "s", Histogram: late})
	}
	r.lay, r.laid = t.Late, now
}
