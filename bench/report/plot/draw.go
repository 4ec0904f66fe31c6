package plot

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/freshet-live/freshet/bench/report"
)

// ErrEmpty is that there is nothing to draw.
var ErrEmpty = errors.New("plot: no values")

// Curve is a line and its name.
type Curve struct {
	Name   string
	Points plotter.XYs
}

// CDF draws how the values of distributions lie: what share is at most x.
func CDF(title, unit string, names []string, of []*report.Histogram) (Drawing, error) {
	var curves []Curve
	for i, h := range of {
		if h.Count() > 0 && len(curves) < Lines {
			curves = append(curves, Curve{names[i], shares(h)})
		}
	}
	return lines(title, curves, func(p *plot.Plot, narrow bool) {
		least, greatest, positive := bounds(curves, func(at plotter.XY) float64 { return at.X })
		if least == 0 && positive < greatest {
			least = positive // A logarithmic axis has no zero; what is 0 is below it.
		}
		scaled(&p.X, least, greatest, unit, narrow)
		p.Y.Min, p.Y.Max = 0, 1
		p.Y.Tick.Marker = plot.ConstantTicks{{Value: 0, Label: "0 %"}, {Value: .25}, {Value: .5, Label: "50 %"}, {Value: .75}, {Value: .9, Label: "90 %"}, {Value: 1, Label: "100 %"}}
	}, clamped)
}

// clamped keeps what a logarithmic axis cannot show at its edge.
func clamped(p *plot.Plot, points plotter.XYs) plotter.XYs {
	out := slices.Clone(points)
	for i := range out {
		out[i].X = math.Max(out[i].X, p.X.Min)
	}
	return out
}

// shares are the steps of a CDF.
func shares(h *report.Histogram) plotter.XYs {
	out := plotter.XYs{{X: h.Min(), Y: 0}}
	var below int64
	for _, b := range h.Bins() {
		x := min(max(b.Value, h.Min()), h.Max())
		out = append(out, plotter.XY{X: x, Y: float64(below) / float64(h.Count())})
		below += b.Count
		out = append(out, plotter.XY{X: x, Y: float64(below) / float64(h.Count())})
	}
	return append(out, plotter.XY{X: h.Max(), Y: 1})
}

// Series draws values over time. Marks are times of events.
func Series(title, unit string, curves []Curve, marks []float64) (Drawing, error) {
	curves = curves[:min(len(curves), Lines)]
	return lines(title, curves, func(p *plot.Plot, narrow bool) {
		least, greatest, _ := bounds(curves, func(at plotter.XY) float64 { return at.Y })
		if least > 0 && greatest/least <= 100 {
			least = 0 // The height says how much.
		}
		scaled(&p.Y, least, greatest, unit, narrow)
		from, to, _ := bounds(curves, func(at plotter.XY) float64 { return at.X })
		timed(&p.X, min(0, from), to, narrow)
		for _, at := range marks {
			if mark, err := plotter.NewLine(plotter.XYs{{X: at, Y: p.Y.Min}, {X: at, Y: p.Y.Max}}); err == nil && at <= p.X.Max {
				mark.Color, mark.Width, mark.Dashes = ink, .7, []vg.Length{3, 3}
				p.Add(mark)
			}
		}
	}, func(_ *plot.Plot, points plotter.XYs) plotter.XYs { return thinned(points) })
}

// lines draws curves on axes.
func lines(title string, curves []Curve, axes func(*plot.Plot, bool), fit func(*plot.Plot, plotter.XYs) plotter.XYs) (Drawing, error) {
	d := Drawing{Title: title}
	for _, c := range curves {
		d.Legend = append(d.Legend, c.Name)
	}
	if len(curves) == 0 {
		return d, ErrEmpty
	}
	d.build = func(narrow bool) (*plot.Plot, error) {
		p := base()
		axes(p, narrow)
		x, y := p.X, p.Y
		for i, c := range curves {
			l, err := line(fit(p, c.Points), i)
			if err != nil {
				return nil, err
			}
			p.Add(l)
		}
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = x.Min, x.Max, y.Min, y.Max // Add widens them.
		return p, nil
	}
	return d, nil
}

// bounds are those of curves along one axis, and the least positive value.
func bounds(curves []Curve, of func(plotter.XY) float64) (least, greatest, positive float64) {
	least, greatest, positive = math.Inf(1), math.Inf(-1), math.Inf(1)
	for _, c := range curves {
		for _, at := range c.Points {
			v := of(at)
			least, greatest = min(least, v), max(greatest, v)
			if v > 0 {
				positive = min(positive, v)
			}
		}
	}
	return least, greatest, positive
}

// thinned keeps the least and the greatest of each of some hundred stretches, so that
// no peak is lost.
func thinned(points plotter.XYs) plotter.XYs {
	const most = 800
	if len(points) <= most {
		return points
	}
	var out plotter.XYs
	for part := range slices.Chunk(points, (2*len(points)+most-1)/most) {
		low, high := 0, 0
		for i := range part {
			if part[i].Y < part[low].Y {
				low = i
			}
			if part[i].Y > part[high].Y {
				high = i
			}
		}
		out = append(out, part[min(low, high)])
		if low != high {
			out = append(out, part[max(low, high)])
		}
	}
	return out
}
