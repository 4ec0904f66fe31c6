package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/view"
)

// viewChecks are rules for a run; nil is none.
type viewChecks struct {
	MaxLatencyP50  *time.Duration `name:"max-latency-p50" placeholder:"200ms" help:"Median of the latency."`
	MaxLatencyP99  *time.Duration `name:"max-latency-p99" placeholder:"800ms" help:"Its p99."`
	MaxLatencyP999 *time.Duration `name:"max-latency-p999" placeholder:"1s" help:"Its p99.9."`
	MaxSpreadP99   *time.Duration `name:"max-spread-p99" placeholder:"100ms" help:"P99 of how much later than the first viewer the others have it."`
	MaxJoinP99     *time.Duration `name:"max-join-p99" placeholder:"2s" help:"P99 of the time to join."`
	MaxGaps        *int           `name:"max-gaps" placeholder:"0" help:"Objects missing and groups cut."`
	MaxTwice       *int           `name:"max-twice" placeholder:"0" help:"Objects that came again."`
	MaxStalls      *int           `name:"max-stalls" placeholder:"0" help:"Stalls of all viewers."`
	MaxEnded       *int           `name:"max-ended" placeholder:"0" help:"Sessions that ended or did not begin."`
	Strict         bool           `help:"Fail when the client was the bottleneck, too."`
}

// report judges a run. That bytes are right and that somebody watches is always a rule.
func (c viewChecks) report(out *report.Report, r view.Report) {
	check := func(name, rule string, passed bool, detail string, args ...any) {
		out.Check(report.Check{Name: name, Rule: rule, Passed: passed, Detail: fmt.Sprintf(detail, args...)})
	}
	check("watched", "objects > 0", r.Objects > 0, "%d objects", r.Objects)
	check("corrupt", "corrupt == 0", r.Corrupt == 0, "%d of %d compared", r.Corrupt, r.Compared)
	delay := func(name string, limit *time.Duration, q view.Quantiles, value float64) {
		if limit == nil {
			return
		}
		rule := fmt.Sprintf("%s <= %v", name, *limit)
		if q.Count == 0 {
			out.Check(report.Check{Name: name, Rule: rule, Skipped: "nothing was measured"})
			return
		}
		check(name, rule, value <= limit.Seconds()*1e3, "%.1f ms", value)
	}
	delay("latency_p50", c.MaxLatencyP50, r.Latency, r.Latency.P50)
	delay("latency_p99", c.MaxLatencyP99, r.Latency, r.Latency.P99)
	delay("latency_p999", c.MaxLatencyP999, r.Latency, r.Latency.P999)
	delay("spread_p99", c.MaxSpreadP99, r.Spread, r.Spread.P99)
	delay("join_p99", c.MaxJoinP99, r.Join, r.Join.P99)
	count := func(name string, limit *int, n int) {
		if limit != nil {
			check(name, fmt.Sprintf("%s <= %d", name, *limit), n <= *limit, "%d", n)
		}
	}
	count("gaps", c.MaxGaps, r.Missing+r.Cut)
	count("twice", c.MaxTwice, r.Twice)
	count("stalls", c.MaxStalls, r.Stalls)
	count("ended", c.MaxEnded, r.Ended+r.Failed)
	if c.Strict {
		check("client_limited", "the client has time to spare", !r.Limited, "%v", r.Reasons)
	}
}

// finish reports the whole run, and gives what it was.
func (r *viewRun) finish() view.Report {
	r.distribute()
	total := r.audience.Report("end")
	counts := map[string]int64{
		"objects": total.Objects, "bytes": total.Bytes, "missing": int64(total.Missing), "missing_groups": int64(total.MissingGroups),
		"twice": int64(total.Twice), "cut": int64(total.Cut), "wild": int64(total.Wild), "starts": int64(total.Starts),
		"moves": int64(total.Moves), "ended": int64(total.Ended), "failed": int64(total.Failed), "stalls": int64(total.Stalls),
		"compared": total.Compared, "corrupt": total.Corrupt,
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		r.out.Count(report.Counter{Name: name, Value: counts[name]})
	}
	for _, q := range []struct {
		name string
		view.Quantiles
	}{{"connect", total.Connect}, {"join", total.Join}, {"start", total.Start}, {"latency", total.Latency}, {"spread", total.Spread}} {
		r.quantiles(q.name, q.Quantiles)
	}
	r.out.Result(report.Result{Name: "stalled", Unit: "s", Value: total.Stalled, Better: report.Lower})
	r.out.Result(report.Result{Name: "client_cpu", Value: total.CPU, Note: fmt.Sprintf("cores of %d", total.Cores)})
	if total.Limited {
		r.out.Event(report.Event{Name: "client_limited", Detail: fmt.Sprint(total.Reasons)})
	}
	r.command.Checks.report(r.out, total)
	return total
}

// quantiles reports those of what has a value.
func (r *viewRun) quantiles(name string, q view.Quantiles) {
	if q.Count == 0 {
		return
	}
	for _, v := range []struct {
		of    string
		value float64
	}{{"p50", q.P50}, {"p90", q.P90}, {"p99", q.P99}, {"p999", q.P999}, {"max", q.Max}} {
		r.out.Result(report.Result{Name: name + "_" + v.of, Unit: "s", Value: v.value / 1e3, Better: report.Lower})
	}
}
