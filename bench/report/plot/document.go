package plot

import (
	"errors"
	"fmt"

	"gonum.org/v1/plot/plotter"

	"github.com/freshet-live/freshet/bench/report"
)

// Figure is a drawing of a run, with what it leaves out.
type Figure struct {
	Drawing
	Name string // "latency-cdf", for a file.
	Note string // Lines that found no colour.
}

// Distributions are the CDFs of a run, one for each name, by name.
func Distributions(g *report.Group) (Figure, error) {
	var names []string
	var totals []*report.Histogram
	for _, s := range g.Series {
		if s.Total.Count() > 0 {
			names, totals = append(names, label(g, s)), append(totals, s.Total)
		}
	}
	d, err := CDF(g.Name+": share of values at or below", g.Unit, names, totals)
	return Figure{d, slug(g.Name) + "-cdf", left(len(names))}, err
}

// Over draws samples of one name over time.
func Over(g *report.Group, events []report.Event) (Figure, error) {
	curves := make([]Curve, 0, len(g.Series))
	for _, s := range g.Series {
		points := make(plotter.XYs, len(s.Samples))
		for i, v := range s.Samples {
			points[i] = plotter.XY{X: float64(v.At), Y: v.Value}
		}
		curves = append(curves, Curve{label(g, s), points})
	}
	d, err := Series(g.Name+" over time", g.Unit, curves, marks(events))
	return Figure{d, slug(g.Name), left(len(curves))}, err
}

// Quantile draws the q quantile of a distribution's intervals over time: of those with
// at least three.
func Quantile(g *report.Group, q float64, events []report.Event) (Figure, error) {
	var curves []Curve
	for _, s := range g.Series {
		var points plotter.XYs
		for _, part := range s.Parts {
			if part.Histogram.Count() > 0 {
				points = append(points, plotter.XY{X: float64(part.At), Y: part.Histogram.Quantile(q)})
			}
		}
		if len(points) >= 3 {
			curves = append(curves, Curve{label(g, s), points})
		}
	}
	d, err := Series(fmt.Sprintf("%s: p%g over time", g.Name, q*100), g.Unit, curves, marks(events))
	return Figure{d, fmt.Sprintf("%s-p%g", slug(g.Name), q*100), left(len(curves))}, err
}

// All are the figures of a run: CDFs, timeline, what changes over time, then sweeps.
func All(d *report.Document) ([]Figure, error) {
	var out []Figure
	add := func(f Figure, err error) error {
		if err == nil {
			out = append(out, f)
		}
		if errors.Is(err, ErrEmpty) {
			return nil
		}
		return err
	}
	errs := make([]error, 0, 16)
	for _, g := range d.DistributionGroups() {
		errs = append(errs, add(Distributions(g)), add(Quantile(g, .99, d.Events)))
	}
	timeline, err := Timeline("events and recovery", d.Timeline(), d.Seconds())
	errs = append(errs, add(Figure{timeline, "timeline", ""}, err))
	for _, g := range d.SampleGroups() {
		errs = append(errs, add(Over(g, d.Events)))
	}
	sweeps, err := Sweeps(d)
	return append(out, sweeps...), errors.Join(append(errs, err)...)
}

func marks(events []report.Event) []float64 {
	out := make([]float64, len(events))
	for i, e := range events {
		out[i] = float64(e.At)
	}
	return out[:min(len(out), 100)]
}

// label tells a series from the others of its group: one alone has the group's name.
func label(g *report.Group, s *report.Series) string {
	if len(s.Labels) == 0 && len(g.Series) == 1 {
		return ""
	}
	if len(s.Labels) == 0 {
		return s.Name
	}
	return s.Labels.String()
}

func left(n int) string {
	if n <= Lines {
		return ""
	}
	return fmt.Sprintf("%d of %d lines are drawn.", Lines, n)
}

// slug is a name for a file.
func slug(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
		case r >= 'A' && r <= 'Z':
			r += 'a' - 'A'
		default:
			r = '-'
		}
		out = append(out, r)
	}
	return string(out[:min(len(out), 80)])
}
