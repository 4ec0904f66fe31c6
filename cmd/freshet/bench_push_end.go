package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/encoders"
	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/self"
)

// finish reports the whole run.
func (r *benchPushRun) finish(took time.Duration, v self.Verdict) {
	t := r.fleet.Totals()
	t.Up, t.RTT, t.RTTMax = r.last.Up, r.last.RTT, r.last.RTTMax // While it ran.
	r.last = t
	r.distribute(t, time.Now())
	for _, c := range []report.Counter{
		{Name: "bytes_made", Unit: "B", Value: int64(t.BytesIn)},
		{Name: "bytes_sent", Unit: "B", Value: int64(t.BytesOut)},
		{Name: "lost", Value: int64(t.Lost)},
		{Name: "retransmitted", Value: int64(t.Retransmitted)},
		{Name: "dropped", Value: int64(t.Dropped)},
		{Name: "too_late", Value: int64(t.TooLate)},
		{Name: "reconnects", Value: int64(t.Reconnects)},
		{Name: "failed", Value: int64(t.Failed)},
	} {
		r.out.Count(c)
	}
	for _, kind := range slices.Sorted(maps.Keys(t.Faults)) {
		r.out.Count(report.Counter{Name: "faults", Labels: report.Labels{"kind": string(kind)}, Value: int64(t.Faults[kind])})
	}
	r.results(t, took, v)
	if why := limits(t, v); why != "" {
		r.out.Event(report.Event{Name: "client_limited", Detail: why})
	}
	r.out.Check(report.Check{
		Name: "connected", Rule: "connected > 0", Passed: t.Connected > 0,
		Detail: fmt.Sprintf("%d of %d encoders had a connection", t.Connected, t.Encoders),
	})
}

func (r *benchPushRun) results(t encoders.Totals, took time.Duration, v self.Verdict) {
	r.out.Result(report.Result{Name: "bitrate", Unit: "bit/s", Value: float64(t.BytesOut) * 8 / took.Seconds()})
	if t.RTT > 0 {
		r.out.Result(report.Result{Name: "rtt", Unit: "s", Value: t.RTT.Seconds(), Better: report.Lower})
		r.out.Result(report.Result{Name: "rtt_max", Unit: "s", Value: t.RTTMax.Seconds(), Better: report.Lower})
	}
	if t.Late.Count() > 0 {
		for _, q := range []struct {
			name string
			q    float64
		}{{"late_p50", .5}, {"late_p90", .9}, {"late_p99", .99}, {"late_p999", .999}, {"late_max", 1}} {
			r.out.Result(report.Result{Name: q.name, Unit: "s", Value: t.Late.Quantile(q.q), Better: report.Lower})
		}
	}
	r.out.Result(report.Result{Name: "client_cpu", Value: v.CPU, Note: fmt.Sprintf("cores of %d", v.Cores)})
}

// limits say why this machine is what limits; empty when it is not.
func limits(t encoders.Totals, v self.Verdict) string {
	reasons := slices.Clone(v.Reasons)
	if why := t.Limited(); why != "" {
		reasons = append(reasons, why)
	}
	return strings.Join(reasons, "; ")
}

// writePush is a run for people to read.
func writePush(w io.Writer, t encoders.Totals, took time.Duration, v self.Verdict) {
	fmt.Fprintf(w, "\n%.0f s, %d encoders, %d up at the end: %.1f MB made, %.1f MB sent, %.2f Mbit/s\n",
		took.Seconds(), t.Encoders, t.Up, float64(t.BytesIn)/1e6, float64(t.BytesOut)/1e6, float64(t.BytesOut)*8e-6/took.Seconds())
	if t.RTT > 0 {
		fmt.Fprintf(w, "rtt        %s, at most %s\n", report.Text(t.RTT.Seconds(), "s"), report.Text(t.RTTMax.Seconds(), "s"))
	}
	fmt.Fprintf(w, "late       p50 %s  p99 %s  p99.9 %s  max %s\n", report.Text(t.Late.Quantile(.5), "s"), report.Text(t.Late.Quantile(.99), "s"),
		report.Text(t.Late.Quantile(.999), "s"), report.Text(t.Late.Max(), "s"))
	fmt.Fprintf(w, "lost %d  retransmitted %d  dropped %d  too late %d  reconnects %d  failed to connect %d\n",
		t.Lost, t.Retransmitted, t.Dropped, t.TooLate, t.Reconnects, t.Failed)
	for _, kind := range slices.Sorted(maps.Keys(t.Faults)) {
		fmt.Fprintf(w, "fault %s: %d\n", kind, t.Faults[kind])
	}
	fmt.Fprintf(w, "client: %.2f of %d cores (at most %.2f), timers p99 %.1f ms late\n", v.CPU, v.Cores, v.CPUMax, v.LagP99)
	if why := limits(t, v); why != "" {
		fmt.Fprintf(w, "CLIENT LIMITED, judge the server by a smaller fleet: %s\n", why)
	}
}
