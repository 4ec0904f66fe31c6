package plot

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/freshet-live/freshet/bench/report"
)

// Sweeps draw the results of a run that says in its settings, as sweep, which label's
// values it went through, and as sweep_unit what they are in: a figure for each result,
// its mean over rounds by that value.
func Sweeps(d *report.Document) ([]Figure, error) {
	dimension := d.Run.Settings["sweep"]
	if dimension == "" {
		return nil, nil
	}
	var out []Figure
	for _, g := range d.ResultGroups() {
		f, err := sweep(g, dimension, d.Run.Settings["sweep_unit"])
		if errors.Is(err, ErrEmpty) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func sweep(g *report.Group, dimension, unit string) (Figure, error) {
	curves := sweepCurves(g, dimension)
	shown := curves[:min(len(curves), Lines)]
	title := fmt.Sprintf("%s by %s", g.Name, dimension)
	d, err := lines(title, shown, func(p *plot.Plot, narrow bool) {
		least, greatest, _ := bounds(shown, func(at plotter.XY) float64 { return at.Y })
		if least > 0 && greatest/least <= 100 {
			least = 0 // The height says how much.
		}
		scaled(&p.Y, least, greatest, g.Unit, narrow)
		from, to, _ := bounds(shown, func(at plotter.XY) float64 { return at.X })
		scaled(&p.X, from, to, unit, narrow)
		p.X.Min, p.X.Max = from, to // Not from 0: nothing was measured there.
		if from == to {
			p.X.Max = from + 1
		}
		p.X.Label.Text = dimension
	}, func(_ *plot.Plot, points plotter.XYs) plotter.XYs { return points })
	return Figure{d, slug(g.Name) + "-by-" + slug(dimension), left(len(curves))}, err
}

// sweepCurves are the series of a group that have a value of the dimension, those that
// differ in nothing else as one curve.
func sweepCurves(g *report.Group, dimension string) []Curve {
	var names []string
	points := make(map[string]plotter.XYs)
	for _, s := range g.Series {
		x, err := strconv.ParseFloat(s.Labels[dimension], 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		rest := maps.Clone(s.Labels)
		delete(rest, dimension)
		name := rest.String()
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		points[name] = append(points[name], plotter.XY{X: x, Y: meanOf(s.Results)})
	}
	out := make([]Curve, 0, len(names))
	for _, name := range names {
		slices.SortFunc(points[name], func(a, b plotter.XY) int {
			switch {
			case a.X < b.X:
				return -1
			case a.X > b.X:
				return 1
			}
			return 0
		})
		out = append(out, Curve{name, points[name]})
	}
	return out
}

func meanOf(results []report.Result) float64 {
	sum := 0.0
	for _, r := range results {
		sum += r.Value
	}
	return sum / float64(max(len(results), 1))
}
