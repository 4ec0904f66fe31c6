package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	swarm "github.com/freshet-live/freshet/bench/swarm"
)

// swarmHead and swarmRow are the table on the terminal: a row for each seed, and their
// mean where there are several. Shares are percent of all media bytes.
func swarmHead(w io.Writer) {
	fmt.Fprintf(w, "%-34s %5s %8s %8s %8s %7s %7s %7s %9s %8s %6s %9s %9s %6s\n",
		"", "seed", "offload", "ceiling", "of it", "hedged", "pulled", "waste", "late", "stalls/h", "depth", "edge Mb/s", "peak Mb/s", "took")
}

func swarmRow(w io.Writer, name string, results []*swarm.Result) {
	var sum swarm.Result
	for _, r := range results {
		swarmLine(w, name, fmt.Sprint(r.Seed), r)
		swarmAdd(&sum, r, 1/float64(len(results)))
	}
	if len(results) > 1 {
		swarmLine(w, name, "mean", &sum)
	}
}

// swarmAdd adds a part of the figures of a row.
func swarmAdd(sum, r *swarm.Result, part float64) {
	for _, f := range []struct {
		to   *float64
		from float64
	}{
		{&sum.Offload, r.Offload},
		{&sum.Ceiling, r.Ceiling},
		{&sum.Ratio, r.Ratio},
		{&sum.Hedged, r.Hedged},
		{&sum.Pulled, r.Pulled},
		{&sum.Waste, r.Waste},
		{&sum.Late, r.Late},
		{&sum.StallsPerHour, r.StallsPerHour},
		{&sum.Depth, r.Depth},
		{&sum.EdgeSteady, r.EdgeSteady},
		{&sum.EdgePeak, r.EdgePeak},
	} {
		*f.to += f.from * part
	}
	sum.Took += time.Duration(float64(r.Took) * part)
}

func swarmLine(w io.Writer, name, seed string, r *swarm.Result) {
	percent := func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }
	fmt.Fprintf(w, "%-34s %5s %8s %8s %8s %7s %7s %7s %9s %8.2f %6.2f %9.0f %9.0f %6s\n",
		name, seed, percent(r.Offload), percent(r.Ceiling), percent(r.Ratio), percent(r.Hedged), percent(r.Pulled), percent(r.Waste),
		fmt.Sprintf("%.4f %%", 100*r.Late), r.StallsPerHour, r.Depth, r.EdgeSteady/1e6, r.EdgePeak/1e6, r.Took.Round(time.Second/10))
}

// swarmVerdicts lists what was not as it should be.
func swarmVerdicts(w io.Writer, cases []*swarmCase) {
	kept, broken := 0, 0
	for _, k := range cases {
		for i, round := range k.verdicts() {
			for _, v := range round {
				if v.Kept {
					kept++
					continue
				}
				broken++
				fmt.Fprintf(w, "NOT KEPT, %s seed %d: %s: %s\n", k.name(), k.ran[i].Seed, v.Rule, v.Seen)
			}
		}
	}
	fmt.Fprintf(w, "%d rules kept, %d broken\n", kept, broken)
}

func listSwarm(out io.Writer) error {
	fmt.Fprintln(out, "scenarios:")
	for _, s := range swarm.Scenarios() {
		fmt.Fprintf(out, "%-14s %s\n", s.Name, s.About)
	}
	fmt.Fprintln(out, "\nsweeps:")
	for _, d := range swarm.Dimensions() {
		values := strings.ReplaceAll(strings.Trim(fmt.Sprint(d.Values), "[]"), " ", ", ")
		fmt.Fprintf(out, "%-14s %s %s\n", d.Name, values, d.Unit)
	}
	fmt.Fprintln(out, "\ncountries:", strings.Join(swarm.Countries(), ", "))
	return nil
}
