package plot

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/freshet-live/freshet/bench/report"
)

// maxRows keeps a timeline on a page; the table beside it has all.
const maxRows = 30

// Timeline draws events: a row for each subject, a bar from an event to the one that
// ended it, a dot for any other.
func Timeline(title string, spans []report.Span, end report.Seconds) (Drawing, error) {
	var names []string
	rows := make(map[string]int)
	for _, s := range spans {
		if _, ok := rows[s.Subject]; !ok && len(names) < maxRows {
			rows[s.Subject] = len(names)
			names = append(names, s.Subject)
		}
	}
	if len(names) == 0 {
		return Drawing{Title: title}, ErrEmpty
	}
	return Drawing{Title: title, Rows: len(names), build: func(narrow bool) (*plot.Plot, error) {
		p := base()
		timed(&p.X, 0, float64(end), narrow)
		room := vg.Length(230)
		if narrow {
			room = 95
		}
		ticks := make(plot.ConstantTicks, len(names))
		for i, name := range names {
			if name == "" {
				name = "all"
			}
			// The first is on top.
			ticks[i] = plot.Tick{Value: float64(len(names) - 1 - i), Label: fitted(name, tickSize, room)}
		}
		p.Y.Tick.Marker = ticks
		p.Y.Min, p.Y.Max = -.6, float64(len(names))-.4
		x := p.X
		for _, s := range spans {
			if row, ok := rows[s.Subject]; ok {
				p.Add(spanBar{s, float64(len(names) - 1 - row)})
			}
		}
		p.X.Min, p.X.Max = x.Min, x.Max
		return p, nil
	}}, nil
}

// spanBar draws a span in its row.
type spanBar struct {
	report.Span
	row float64
}

// Plot implements plot.Plotter.
func (s spanBar) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	at := x(math.Min(float64(s.At), p.X.Max))
	if s.Until != nil {
		until := max(x(math.Min(float64(*s.Until), p.X.Max)), at+2)
		c.FillPolygon(palette[1], []vg.Point{{X: at, Y: y(s.row) - 5}, {X: until, Y: y(s.row) - 5}, {X: until, Y: y(s.row) + 5}, {X: at, Y: y(s.row) + 5}})
		return
	}
	var fill color.Color = palette[0]
	if s.Ends != "" {
		fill = palette[2]
	}
	c.DrawGlyph(draw.GlyphStyle{Color: fill, Radius: 3.5, Shape: draw.CircleGlyph{}}, vg.Point{X: at, Y: y(s.row)})
}

// DataRange implements plot.DataRanger.
func (s spanBar) DataRange() (x0, x1, y0, y1 float64) {
	return float64(s.At), float64(s.At), s.row, s.row
}
