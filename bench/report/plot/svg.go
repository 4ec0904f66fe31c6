package plot

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// SVG is the drawing for a page, wide or for a phone.
func (d Drawing) SVG(narrow bool) (string, error) {
	p, err := d.build(narrow)
	if err != nil {
		return "", err
	}
	width, height := vg.Length(860), vg.Length(300)
	if narrow {
		width, height = 350, 240
	}
	if d.Rows > 0 {
		height = vg.Length(60 + 26*d.Rows)
	}
	style(p)
	p.BackgroundColor = nil
	c := &measured{Canvas: vgsvg.New(width, height)}
	p.Draw(draw.Crop(draw.New(c), 2, -18, 0, -7)) // Half of a tick's name is beyond its axis.
	var out bytes.Buffer
	if _, err := c.WriteTo(&out); err != nil {
		return "", err
	}
	return d.themed(c.fixed(out.String())), nil
}

// measured remembers how wide each text was taken to be. The reader's fonts may be
// wider than ours (DejaVu Sans for Arial by a sixth), and text is placed by its left
// edge: names of ticks would grow into the axis.
type measured struct {
	*vgsvg.Canvas
	widths []vg.Length
}

// FillString implements vg.Canvas.
func (m *measured) FillString(f font.Face, at vg.Point, text string) {
	m.widths = append(m.widths, f.Width(text))
	m.Canvas.FillString(f, at, text)
}

// fixed says of each text how wide it is to be (SVG 2, 11.5), whatever font draws it.
func (m *measured) fixed(svg string) string {
	parts := strings.Split(svg, "<text ")
	for i, width := range m.widths {
		parts[i+1] = fmt.Sprintf(`<text textLength="%.1f" lengthAdjust="spacingAndGlyphs" `, float64(width)) + parts[i+1]
	}
	return strings.Join(parts, "")
}

var (
	prologue = regexp.MustCompile(`(?s)^.*?<svg [^>]*?viewBox="([^"]*)"[^>]*>`)
	family   = regexp.MustCompile(`font-family:[^;"]*`)
)

// themed puts the page's colours and fonts in place of ours.
func (d Drawing) themed(svg string) string {
	name := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(d.Title)
	svg = prologue.ReplaceAllString(svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="$1" role="img" aria-label="`+strings.ReplaceAll(name, "$", "$$")+`">`)
	svg = family.ReplaceAllString(svg, `font-family:Arial,'Liberation Sans',sans-serif`)
	replace := append(make([]string, 0, 4+2*Lines), hex(ink), "var(--plot-ink)", hex(grid), "var(--plot-grid)")
	for i, c := range palette {
		replace = append(replace, hex(c), fmt.Sprintf("var(--plot-%d)", i+1))
	}
	return strings.NewReplacer(replace...).Replace(svg)
}
