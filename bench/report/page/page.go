// Package page writes a run, or the comparison of two, as one HTML file: no network, no
// script. It follows the reader's choice of dark or light, and fits a phone.
package page

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/report/plot"
)

//go:embed *.html *.css
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"text": report.Text, "style": style, "clock": clock, "swatch": swatch,
	"settings": func(r report.Run) []string { return r.Keys() },
	"memory":   func(n uint64) string { return report.Text(float64(n), "B") },
	"time":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"since":    func(until *report.Seconds, from report.Seconds) float64 { return float64(*until - from) },
	"whole":    func(n int64) float64 { return float64(n) },
}).ParseFS(files, "*.html"))

// style is the sheet, which stands in the page.
func style() (template.CSS, error) {
	sheet, err := files.ReadFile("page.css")
	return template.CSS(sheet), err //nolint:gosec // Our own file.
}

// clock is a time since the start.
func clock(s report.Seconds) string { return fmt.Sprintf("%.3f s", float64(s)) }

// swatch is the class of a line's colour.
func swatch(i int) int { return i%plot.Lines + 1 }

// figure is a drawing in the page: for a desk, and for a phone.
type figure struct {
	Title, Note  string
	Legend       []string
	Wide, Narrow template.HTML
}

// drawn makes a figure, nil where there is nothing to draw.
func drawn(f plot.Figure, err error) (*figure, error) {
	if errors.Is(err, plot.ErrEmpty) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	wide, err := f.SVG(false)
	if err != nil {
		return nil, err
	}
	narrow, err := f.SVG(true)
	if err != nil {
		return nil, err
	}
	out := &figure{Title: f.Title, Note: f.Note, Wide: template.HTML(wide), Narrow: template.HTML(narrow)} //nolint:gosec // plot escapes all text.
	if len(f.Legend) > 1 || len(f.Legend) == 1 && f.Legend[0] != "" {
		out.Legend = f.Legend
	}
	return out, nil
}

// section is a name with its figures.
type section struct {
	*report.Group
	Figures []*figure
}

func (s *section) add(f plot.Figure, err error) error {
	fig, err := drawn(f, err)
	if fig != nil {
		s.Figures = append(s.Figures, fig)
	}
	return err
}

// run is what the page of a run shows.
type run struct {
	*report.Document
	Distributions, Samples []section
	Sweeps                 []*figure
	Timeline               *figure
	Spans                  []report.Span
}

// Write writes the page of a run.
func Write(w io.Writer, d *report.Document) error {
	r := run{Document: d, Spans: d.Timeline()}
	errs := make([]error, 0, 16)
	for _, g := range d.DistributionGroups() {
		s := section{Group: g}
		errs = append(errs, s.add(plot.Distributions(g)), s.add(plot.Quantile(g, .99, d.Events)))
		r.Distributions = append(r.Distributions, s)
	}
	for _, g := range d.SampleGroups() {
		s := section{Group: g}
		errs = append(errs, s.add(plot.Over(g, d.Events)))
		r.Samples = append(r.Samples, s)
	}
	sweeps, err := plot.Sweeps(d)
	errs = append(errs, err)
	for _, f := range sweeps {
		fig, err := drawn(f, nil)
		r.Sweeps, errs = append(r.Sweeps, fig), append(errs, err)
	}
	timeline, err := plot.Timeline("events and recovery", r.Spans, d.Seconds())
	r.Timeline, err = drawn(plot.Figure{Drawing: timeline}, err)
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	return pages.ExecuteTemplate(w, "run.html", r)
}

// Verdict is the run in a word.
func (r run) Verdict() string {
	var failed, passed int
	for _, c := range r.Checks {
		switch {
		case c.Failed():
			failed++
		case c.Passed:
			passed++
		}
	}
	switch {
	case failed > 0:
		return fmt.Sprintf("%d of %d checks failed", failed, len(r.Checks))
	case r.End == nil:
		return "cut short"
	case passed > 0:
		return fmt.Sprintf("%d of %d checks passed", passed, len(r.Checks))
	}
	return "nothing was judged"
}

// Good reports whether the verdict is no warning.
func (r run) Good() bool {
	for _, c := range r.Checks {
		if !c.Passed {
			return false
		}
	}
	return r.End != nil && len(r.Checks) > 0
}
