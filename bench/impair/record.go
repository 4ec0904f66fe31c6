package impair

import (
	"fmt"
	"time"

	"github.com/freshet-live/freshet/bench/report"
)

// Record puts what a network does into a report, in series by link and direction.
type Record struct {
	Report *report.Report

	last []Reading // Of the last look,
	laid []Reading // and of the last distributions.
}

// distributionEvery is how often delays are put as a distribution.
const distributionEvery = 10 * time.Second

// Look reports what happened since the last look.
func (r *Record) Look(readings []Reading) {
	if r.last == nil {
		r.last, r.laid = make([]Reading, len(readings)), make([]Reading, len(readings))
	}
	for i := range readings {
		now, before := &readings[i], &r.last[i]
		if now.Direction == Up { // The timeline is that of both.
			r.step(now.Link, before.Note, now.Note)
		}
		r.sample(now, before)
		if now.Elapsed-r.laid[i].Elapsed >= distributionEvery {
			r.distribute(now, &r.laid[i])
			r.laid[i] = *now
		}
	}
	r.last = readings
}

// step reports what the timeline says.
func (r *Record) step(link, before, now string) {
	if before == now {
		return
	}
	if before != "" {
		r.Report.Event(report.Event{Name: "over", Subject: link, Detail: before, Ends: before})
	}
	if now != "" {
		r.Report.Event(report.Event{Name: now, Subject: link})
	}
}

func (r *Reading) labels() report.Labels {
	return report.Labels{"link": r.Link, "direction": r.Direction.String()}
}

func (r *Record) sample(now, before *Reading) {
	if now.Elapsed <= before.Elapsed {
		return
	}
	came := now.Stats.In.Packets - before.Stats.In.Packets
	for _, s := range []report.Sample{
		{Name: "rate_in", Unit: "bit/s", Value: now.rate(before, in)},
		{Name: "rate_out", Unit: "bit/s", Value: now.rate(before, out)},
		{Name: "loss", Unit: "%", Value: 100 * float64(now.Stats.dropped()-before.Stats.dropped()) / float64(max(came, 1))},
		{Name: "queue", Unit: "B", Value: float64(now.Stats.Queue)},
		{Name: "clients", Value: float64(now.Clients)},
	} {
		s.Labels = now.labels()
		r.Report.Sample(s)
	}
}

func (r *Record) distribute(now, before *Reading) {
	delay, late := now.Stats.Delay.since(&before.Stats.Delay), now.Late.since(&before.Late)
	for name, h := range map[string]*Histogram{"delay": &delay, "late": &late} {
		if h.count > 0 {
			r.Report.Distribution(report.Distribution{Name: name, Unit: "s", Labels: now.labels(), Histogram: h.report()})
		}
	}
}

// End reports the totals. Own loss fails the run: what it lost, no scenario wanted.
func (r *Record) End(readings []Reading) {
	r.Look(readings)
	var own, unknown uint64
	for i := range readings {
		now := &readings[i]
		if now.Elapsed > r.laid[i].Elapsed {
			r.distribute(now, &r.laid[i])
		}
		r.total(now)
		own += now.OwnLoss
		if !now.OwnLossKnown {
			unknown++
		}
	}
	check := report.Check{Name: "own_loss", Rule: "own_loss == 0", Passed: own == 0, Detail: fmt.Sprintf("%d packets dropped before they were read", own)}
	if own == 0 && unknown > 0 {
		check.Passed, check.Skipped = false, "the system does not say what it dropped"
	}
	r.Report.Check(check)
}

func (r *Record) total(now *Reading) {
	s := &now.Stats
	for _, c := range []report.Counter{
		{Name: "packets_in", Value: int64(s.In.Packets)},
		{Name: "bytes_in", Unit: "B", Value: int64(s.In.Bytes)},
		{Name: "packets_out", Value: int64(s.Out.Packets)},
		{Name: "bytes_out", Unit: "B", Value: int64(s.Out.Bytes)},
		{Name: "duplicated", Value: int64(s.Duplicated)},
		{Name: "reordered", Value: int64(s.Reordered)},
		{Name: "unsent", Value: int64(now.Unsent)},
		{Name: "refused", Value: int64(now.Refused)},
		{Name: "rebinds", Value: int64(now.Rebinds)},
	} {
		c.Labels = now.labels()
		r.Report.Count(c)
	}
	if now.OwnLossKnown {
		r.Report.Count(report.Counter{Name: "own_loss", Labels: now.labels(), Value: int64(now.OwnLoss)})
	}
	for why := Outage; why < reasons; why++ {
		labels := now.labels()
		labels["reason"] = why.String()
		r.Report.Count(report.Counter{Name: "dropped", Labels: labels, Value: int64(s.Dropped[why])})
	}
	for _, f := range []report.Result{
		{Name: "loss", Unit: "%", Value: 100 * float64(s.LossShare())},
		{Name: "delay_p50", Unit: "s", Value: s.Delay.Quantile(.5).Seconds()},
		{Name: "delay_p99", Unit: "s", Value: s.Delay.Quantile(.99).Seconds()},
		{Name: "late_p99", Unit: "s", Value: now.Late.Quantile(.99).Seconds(), Better: report.Lower, Note: "The network's own."},
		{Name: "queue_max", Unit: "B", Value: float64(s.QueueMax)},
	} {
		f.Labels = now.labels()
		r.Report.Result(f)
	}
}
