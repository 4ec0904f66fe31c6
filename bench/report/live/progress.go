package live

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/freshet-live/freshet/bench/report"
)

// maxLive are the series that a screen shows.
const maxLive = 20

// Progress is a Sink that shows the newest value of each series, how far the run is,
// and each event and check as it comes.
type Progress struct {
	screen *Screen
	run    report.Run
	order  []string
	values map[string]report.Sample
	newest report.Seconds // Of the samples.
	stale  bool           // A sample came after the last look.
	shown  time.Time
	pause  time.Duration
	now    func() time.Time
}

// NewProgress shows a run on a screen: four times a second in place, else once in five
// seconds.
func NewProgress(s *Screen) *Progress {
	pause := 5 * time.Second
	if s.Redraw {
		pause = 250 * time.Millisecond
	}
	return &Progress{screen: s, pause: pause, values: make(map[string]report.Sample), now: time.Now}
}

// Put takes a record.
func (p *Progress) Put(record report.Record) error {
	switch v := record.(type) {
	case report.Run:
		p.run = v
	case report.Sample:
		key := v.Name
		if len(v.Labels) > 0 {
			key += " " + v.Labels.String()
		}
		if _, ok := p.values[key]; !ok {
			if len(p.order) == maxLive {
				return nil
			}
			p.order = append(p.order, key)
		}
		p.values[key], p.newest, p.stale = v, v.At, true
		if now := p.now(); now.Sub(p.shown) >= p.pause {
			p.shown = now
			p.show(v.At)
		}
	case report.Event:
		p.screen.Print(fmt.Sprintf("%8.1f s  %s", float64(v.At), strings.Join(strings.Fields(v.Name+" "+v.Subject+" "+v.Detail), " ")))
	case report.Result:
		p.print(resultLine(v))
	case report.Check:
		p.print(checkLine(v))
	case report.End:
		p.flush()
	}
	return nil
}

// Close does nothing: what was shown stays.
func (*Progress) Close() error { return nil }

// print writes what is known at the end, below the last look.
func (p *Progress) print(line string) {
	p.flush()
	p.screen.Keep()
	p.screen.Print(line)
}

// flush shows what came since the last look.
func (p *Progress) flush() {
	if p.stale {
		p.show(p.newest)
	}
}

func (p *Progress) show(at report.Seconds) {
	p.stale = false
	lines := []string{p.head(at)}
	if !p.screen.Redraw {
		for _, key := range p.order {
			lines[0] += "  " + key + " " + valueText(p.values[key])
		}
		p.screen.Show(lines...)
		return
	}
	wide := 0
	for _, key := range p.order {
		wide = min(max(wide, utf8.RuneCountInString(key)), 50)
	}
	for _, key := range p.order {
		v := p.values[key]
		line := fmt.Sprintf("  %-*s  %12s", wide, key, valueText(v))
		if v.Unit == "%" {
			line += "  " + Bar(v.Value/100, 20)
		}
		lines = append(lines, line)
	}
	p.screen.Show(lines...)
}

// head says how far the run is.
func (p *Progress) head(at report.Seconds) string {
	line := fmt.Sprintf("%s  %.0f s", p.run.Tool, float64(at))
	if p.run.Duration > 0 {
		line += fmt.Sprintf(" of %.0f s", float64(p.run.Duration))
		if p.screen.Redraw {
			line += "  " + Bar(float64(at/p.run.Duration), 30)
		}
	}
	return line
}

// Bar is a share from 0 to 1 as a bar of so many characters.
func Bar(share float64, width int) string {
	eighths := int(min(max(share, 0), 1)*float64(width)*8 + .5)
	bar := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		bar += string([]rune(" ▏▎▍▌▋▊▉")[rest])
	}
	return "▕" + bar + strings.Repeat(" ", width-utf8.RuneCountInString(bar)) + "▏"
}

func valueText(s report.Sample) string { return report.Text(s.Value, s.Unit) }

func resultLine(r report.Result) string {
	line := r.Name
	if len(r.Labels) > 0 {
		line += " " + r.Labels.String()
	}
	line += ": " + report.Text(r.Value, r.Unit)
	if r.Note != "" {
		line += " (" + r.Note + ")"
	}
	return line
}

func checkLine(c report.Check) string {
	verdict := "FAILED"
	switch {
	case c.Passed:
		verdict = "passed"
	case c.Skipped != "":
		verdict = "not judged"
	}
	parts := []string{verdict + ": " + c.Name, c.Rule, c.Detail, c.Skipped}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}
