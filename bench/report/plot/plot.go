// Package plot draws a report: distributions as CDF, samples over time, events on a
// timeline. The same drawing is SVG whose colours are those of the page around it
// (custom properties --plot-ink, --plot-grid, --plot-1 to --plot-8), and PNG for papers.
package plot

import (
	"fmt"
	"image/color"
	"io"
	"unicode/utf8"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// tickSize is that of the names of ticks, in points.
const tickSize = 10

// Lines is the most that one drawing has: more cannot be told apart.
const Lines = 8

// palette can be told apart by the colour-blind (Okabe and Ito), on white.
var palette = [Lines]color.RGBA{
	{0x00, 0x72, 0xb2, 255},
	{0xd5, 0x5e, 0x00, 255},
	{0x00, 0x9e, 0x73, 255},
	{0xcc, 0x79, 0xa7, 255},
	{0xb8, 0x86, 0x00, 255},
	{0x56, 0xb4, 0xe9, 255},
	{0x7a, 0x4f, 0xb0, 255},
	{0x80, 0x80, 0x80, 255},
}

var (
	// sans is measured as the page shows it: Liberation Sans has the widths of Arial.
	sans = font.Font{Typeface: "Liberation", Variant: "Sans"}
	ink  = color.RGBA{0x21, 0x25, 0x29, 255}
	grid = color.RGBA{0xd9, 0xdc, 0xe1, 255}
)

// Drawing is one picture.
type Drawing struct {
	// Title is for those who do not see it, and for PNG; Legend is in the order of
	// colours.
	Title  string
	Legend []string
	// Rows of a timeline make it as high as they need; 0 is any other drawing.
	Rows int
	// build makes the plot anew: a canvas leaves traces in it. Narrow is for a phone.
	build func(narrow bool) (*plot.Plot, error)
}

func hex(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// PNG writes the drawing on white with its title and legend, 300 dots an inch.
func (d Drawing) PNG(w io.Writer) error {
	p, err := d.build(false)
	if err != nil {
		return err
	}
	legend := d.Legend
	if len(legend) == 1 && legend[0] == "" {
		legend = nil
	}
	const width, line, dpi = 6.5 * vg.Inch, 14, 300
	height, below := 3.2*vg.Inch, vg.Length(line*len(legend))
	if d.Rows > 0 {
		height = vg.Length(80 + 26*d.Rows)
	}
	style(p)
	p.BackgroundColor = color.White
	p.Title.Text = fitted(d.Title, 11, width-60)
	p.Title.TextStyle.Color = ink
	p.Title.TextStyle.Font = font.From(sans, 11)
	img := vgimg.NewWith(vgimg.UseWH(width, height+below+6), vgimg.UseDPI(dpi))
	canvas := draw.New(img)
	p.Draw(draw.Crop(canvas, 4, -18, below+6, -6))
	for i, name := range legend {
		y := below - vg.Length(line*i) - 8
		canvas.StrokeLine2(draw.LineStyle{Color: palette[i], Width: 2}, 12, y, 32, y)
		text := draw.TextStyle{Color: ink, Font: font.From(sans, 9), Handler: plot.DefaultTextHandler, YAlign: draw.YCenter}
		canvas.FillText(text, vg.Point{X: 38, Y: y}, fitted(name, 9, width-50))
	}
	_, err = vgimg.PngCanvas{Canvas: img}.WriteTo(w)
	return err
}

// style gives a plot our colours and sizes.
func style(p *plot.Plot) {
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color, axis.Tick.Color = ink, ink
		axis.Label.TextStyle.Color, axis.Tick.Label.Color = ink, ink
		axis.Label.TextStyle.Font = font.From(sans, 11)
		axis.Tick.Label.Font = font.From(sans, tickSize)
		axis.Tick.Length = 4
		axis.Padding = 3
	}
}

// base is an empty plot with a grid.
func base() *plot.Plot {
	p := plot.New()
	g := plotter.NewGrid()
	g.Horizontal.Color, g.Vertical.Color = grid, grid
	p.Add(g)
	return p
}

func line(points plotter.XYs, i int) (*plotter.Line, error) {
	l, err := plotter.NewLine(points)
	if err != nil {
		return nil, err
	}
	l.Color, l.Width = palette[i], 1.6
	return l, nil
}

// elided is s with its middle left out where it has more than n characters: names of
// series differ at both ends.
func elided(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:(n-1)/2]) + "…" + string(r[len(r)-(n-1-(n-1)/2):])
}

// fitted is s elided to the room it has at that size.
func fitted(s string, size, room vg.Length) string {
	text := draw.TextStyle{Font: font.From(sans, size), Handler: plot.DefaultTextHandler}
	short := s
	for n := min(utf8.RuneCountInString(s), 200); text.Width(short) > room && n > 1; n-- {
		short = elided(s, n)
	}
	return short
}
