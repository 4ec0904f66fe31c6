package tiers

import (
	"fmt"
	"io"
	"strings"
)

// WriteHead writes the columns of WriteRow.
func WriteHead(w io.Writer) {
	fmt.Fprintf(w, "%-34s %7s %7s %7s %7s  %7s %6s %5s %6s %6s %6s  %s\n", "step", "viewers", "p50 ms", "p99 ms", "max ms",
		"missing", "twice", "cut", "moved", "ended", "starts", "")
}

// WriteRow writes an outcome in one line.
func WriteRow(w io.Writer, o Outcome) {
	note := "ok"
	if o.Failed != "" {
		note = "FAILED: " + o.Failed
	}
	if o.Up > 0 {
		note += fmt.Sprintf(" (down after %.1f s, up after %.1f s)", o.Down, o.Up)
	}
	if len(o.Errors) > 0 {
		note += " " + strings.Join(o.Errors, "; ")
	}
	fmt.Fprintf(w, "%-34s %3d/%-3d %7.0f %7.0f %7.0f  %7d %6d %5d %6d %6d %6d  %s\n", o.Step, o.Watching, o.Viewers, o.Pause.P50, o.Pause.P99, o.Pause.Max,
		o.Missing, o.Twice, o.Cut, o.Moves, o.Ended, o.Starts, note)
}
