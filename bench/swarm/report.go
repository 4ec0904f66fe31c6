package swarm

import (
	"maps"
	"strconv"

	"github.com/freshet-live/freshet/bench/report"
)

// Point says which run a Result is of, in a report.
type Point struct {
	Labels report.Labels
	Round  int // From 1, the seed's place.
}

// Report puts the figures of a run.
func (r *Result) Report(to *report.Report, at Point) {
	for _, f := range r.figures() {
		f.Labels, f.Round = at.Labels, at.Round
		to.Result(f)
	}
	to.Distribution(report.Distribution{Round: at.Round, Name: "start", Unit: "s", Labels: at.Labels, Histogram: r.Start.Clone()})
	to.Distribution(report.Distribution{Round: at.Round, Name: "lag", Unit: "s", Labels: at.Labels, Histogram: r.Lag.Clone()})
}

func (r *Result) figures() []report.Result {
	percent := func(name string, share float64, better report.Better) report.Result {
		return report.Result{Name: name, Unit: "%", Value: 100 * share, Better: better}
	}
	collapse := 0.0
	if r.EdgeSteady > 0 {
		collapse = r.EdgePeak / r.EdgeSteady
	}
	return []report.Result{
		percent("offload", r.Offload, report.Higher), percent("ceiling", r.Ceiling, ""), percent("offload_of_ceiling", r.Ratio, report.Higher),
		percent("hedged", r.Hedged, report.Lower), percent("gap_pulled", r.Pulled, ""), percent("waste", r.Waste, report.Lower),
		percent("late", r.Late, report.Lower), percent("cross_region", r.CrossRegion, report.Lower),
		percent("offload_viewer_p10", r.ViewerP10, report.Higher), percent("offload_viewer_p50", r.ViewerP50, report.Higher),
		{Name: "stalls_per_hour", Value: r.StallsPerHour, Better: report.Lower},
		{Name: "connections", Value: r.Links},
		{Name: "depth", Value: r.Depth},
		{Name: "deepest", Value: float64(r.Deepest)},
		{Name: "edge_peak", Unit: "bit/s", Value: r.EdgePeak, Better: report.Lower},
		{Name: "edge_steady", Unit: "bit/s", Value: r.EdgeSteady, Better: report.Lower},
		{Name: "edge_peak_of_steady", Value: collapse, Better: report.Lower},
		{Name: "uplink_queue_max", Unit: "s", Value: r.Queue.Seconds(), Better: report.Lower},
		{Name: "viewers", Value: r.Viewers},
	}
}

// ReportSeconds puts what a run was like over its virtual time.
func (r *Result) ReportSeconds(to *report.Report, at Point) {
	labels := report.Labels{"seed": strconv.FormatUint(r.Seed, 10)}
	maps.Copy(labels, at.Labels)
	for _, s := range r.Seconds {
		when := report.Seconds(s.At.Seconds())
		for _, sample := range []report.Sample{
			{Name: "offload", Unit: "%", Value: 100 * s.Offload},
			{Name: "edge", Unit: "bit/s", Value: s.Edge},
			{Name: "hedged", Unit: "%", Value: 100 * s.Hedged},
			{Name: "late", Unit: "%", Value: 100 * s.Late},
			{Name: "viewers", Value: s.Viewers},
		} {
			sample.At, sample.Labels = when, labels
			to.Sample(sample)
		}
	}
}
