package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/freshet-live/freshet/bench/view"
)

// writeView is a run for people to read.
func writeView(w io.Writer, r view.Report) {
	fmt.Fprintf(w, "\n%.0f s, %d viewers, %d watching at the end: %d objects, %.1f MB, %.1f Mbit/s\n",
		r.Seconds, r.Viewers, r.Watching, r.Objects, float64(r.Bytes)/1e6, float64(r.Bytes)*8e-6/r.Seconds)
	for _, q := range []struct {
		name string
		view.Quantiles
	}{
		{"connect", r.Connect}, {"join", r.Join}, {"start", r.Start}, {"latency", r.Latency}, {"spread", r.Spread}, {"pause", r.Pause},
	} {
		writeQuantiles(w, q.name, q.Quantiles)
	}
	for _, name := range slices.Sorted(maps.Keys(r.LatencyOf)) {
		writeQuantiles(w, "of "+name, r.LatencyOf[name])
	}
	fmt.Fprintf(w, "missing %d (%d whole groups)  twice %d  cut %d  corrupt %d of %d compared  stalls %d (%.1f s)  starts %d\n",
		r.Missing, r.MissingGroups, r.Twice, r.Cut, r.Corrupt, r.Compared, r.Stalls, r.Stalled, r.Starts)
	fmt.Fprintf(w, "sessions: %d ended, %d failed to begin, %d moved\n", r.Ended, r.Failed, r.Moves)
	for name, f := range map[string]*view.Figures{"slow": r.Slow, "misbehaving": r.Misbehaving} {
		if f != nil {
			fmt.Fprintf(w, "%d %s: %d objects, missing %d, cut %d, stalls %d, %d sessions ended, %d failed\n",
				f.Viewers, name, f.Objects, f.Missing, f.Cut, f.Stalls, f.Ended, f.Failed)
		}
	}
	fmt.Fprintf(w, "client: %.2f of %d cores (at most %.2f), timers p99 %.1f ms late\n", r.CPU, r.Cores, r.CPUMax, r.LagP99)
	if r.Limited {
		fmt.Fprintf(w, "CLIENT LIMITED, these figures may be its own: %s\n", strings.Join(r.Reasons, "; "))
	}
	for _, e := range r.Errors {
		fmt.Fprintln(w, "  ", e)
	}
}

func writeQuantiles(w io.Writer, name string, q view.Quantiles) {
	if q.Count > 0 {
		fmt.Fprintf(w, "%-10s p50 %8.1f  p90 %8.1f  p99 %8.1f  p99.9 %8.1f  max %8.1f ms  (%d)\n", name, q.P50, q.P90, q.P99, q.P999, q.Max, q.Count)
	}
}
