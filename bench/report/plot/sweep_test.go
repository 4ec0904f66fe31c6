package plot_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/report/plot"
)

func sweepOf(t *testing.T, settings map[string]string, results ...report.Result) *report.Document {
	t.Helper()
	d := &report.Document{}
	for _, record := range append([]report.Record{report.Run{Format: report.Format, Tool: "bench swarm", Settings: settings}}, records(results)...) {
		if err := d.Put(record); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func records(results []report.Result) []report.Record {
	out := make([]report.Record, 0, len(results))
	for _, r := range results {
		out = append(out, r)
	}
	return out
}

func point(name, delay, scenario string, value float64) report.Result {
	return report.Result{Name: name, Unit: "%", Labels: report.Labels{"delay": delay, "scenario": scenario}, Value: value}
}

// A figure for each result, a curve for each set of other labels, times on the axis.
func TestSweeps(t *testing.T) {
	d := sweepOf(t, map[string]string{"sweep": "delay", "sweep_unit": "s"},
		point("offload", "1", "steady", 80), point("offload", "0.5", "steady", 50), point("offload", "1", "churn", 70), point("offload", "0.5", "churn", 40),
		point("late", "0.5", "steady", 0), point("late", "1", "steady", 0),
		report.Result{Name: "elsewhere", Value: 1}, point("elsewhere", "none", "steady", 2))
	figures, err := plot.Sweeps(d)
	if err != nil {
		t.Fatal(err)
	}
	if len(figures) != 2 || figures[0].Name != "offload-by-delay" || figures[1].Name != "late-by-delay" {
		t.Fatalf("%d figures: %+v", len(figures), figures)
	}
	if len(figures[0].Legend) != 2 || figures[0].Legend[0] != "scenario=steady" {
		t.Errorf("legend %v", figures[0].Legend)
	}
	svg, err := figures[0].SVG(false)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"500 ms", "1 s", "80 %", "delay"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %q in the drawing", want)
		}
	}
	var png bytes.Buffer
	if err := figures[1].PNG(&png); err != nil || png.Len() < 5000 {
		t.Errorf("PNG: %v, %d bytes", err, png.Len())
	}
}

// Without a sweep, or with one of which there is nothing, there is nothing to draw.
func TestNoSweeps(t *testing.T) {
	for name, d := range map[string]*report.Document{
		"not swept": sweepOf(t, nil, point("offload", "1", "steady", 80)),
		"no values": sweepOf(t, map[string]string{"sweep": "rtt"}, point("offload", "1", "steady", 80)),
	} {
		if figures, err := plot.Sweeps(d); err != nil || len(figures) != 0 {
			t.Errorf("%s: %d figures, %v", name, len(figures), err)
		}
	}
}
