package report

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"unicode"
	"unicode/utf8"
)

// What a record may hold, so that a page of it can be made.
const (
	maxName   = 200  // Bytes of a name, unit or label.
	maxText   = 4096 // Bytes of a detail, rule or note.
	maxLabels = 16
	maxKeys   = 500           // Settings of a run.
	maxAt     = Seconds(1e9)  // 30 years.
	maxRound  = 1_000_000_000 // Also on 32 bits.
)

func named(what, s string) error {
	if s == "" {
		return fmt.Errorf("%s is missing", what)
	}
	return short(what, s)
}

func short(what, s string) error {
	if len(s) > maxName {
		return fmt.Errorf("%s has more than %d bytes", what, maxName)
	}
	for _, r := range s {
		if unicode.IsControl(r) {
			return fmt.Errorf("%s %q has a control character", what, s)
		}
	}
	return text(what, s)
}

func text(what, s string) error {
	if len(s) > maxText {
		return fmt.Errorf("%s has more than %d bytes", what, maxText)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s is not UTF-8", what)
	}
	return nil
}

func finite(v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("value: %v is no figure", v)
	}
	return nil
}

func (s Seconds) valid() error {
	if !(s >= 0 && s <= maxAt) { // NaN is neither.
		return fmt.Errorf("at: %v is no time since the start", float64(s))
	}
	return nil
}

// series checks what all values have.
func series(at Seconds, name, unit string, labels Labels, round int) error {
	if len(labels) > maxLabels {
		return fmt.Errorf("%d labels, more than %d", len(labels), maxLabels)
	}
	if round < 0 || round > maxRound {
		return fmt.Errorf("round: %d", round)
	}
	for key, value := range labels {
		if err := cmp.Or(named("a label's name", key), short("label "+key, value)); err != nil {
			return err
		}
	}
	return cmp.Or(at.valid(), named("name", name), short("unit", unit))
}

func (r Run) valid() error {
	if r.Format != Format {
		return fmt.Errorf("format: %d; this program reads %d", r.Format, Format)
	}
	if len(r.Settings) > maxKeys {
		return fmt.Errorf("%d settings, more than %d", len(r.Settings), maxKeys)
	}
	for key, value := range r.Settings {
		if err := cmp.Or(named("a setting's name", key), text("setting "+key, value)); err != nil {
			return err
		}
	}
	m := r.Machine
	return cmp.Or(r.Duration.valid(), named("tool", r.Tool), short("title", r.Title), short("version", r.Version), short("commit", r.Commit),
		short("cpu", m.CPU), short("kernel", m.Kernel), short("os", m.OS), short("arch", m.Arch), short("go", m.Go))
}

func (s Sample) valid() error {
	return cmp.Or(series(s.At, s.Name, s.Unit, s.Labels, 0), finite(s.Value))
}

func (d Distribution) valid() error {
	if d.Histogram == nil {
		return errors.New("histogram is missing")
	}
	return cmp.Or(series(d.At, d.Name, d.Unit, d.Labels, d.Round), d.Histogram.err)
}

func (c Counter) valid() error { return series(c.At, c.Name, c.Unit, c.Labels, 0) }

func (r Result) valid() error {
	if r.Better != "" && r.Better != Lower && r.Better != Higher {
		return fmt.Errorf("better: %q is neither lower nor higher", r.Better)
	}
	return cmp.Or(series(r.At, r.Name, r.Unit, r.Labels, r.Round), finite(r.Value), text("note", r.Note))
}

func (c Check) valid() error {
	if c.Passed && c.Skipped != "" {
		return errors.New("skipped: not of a check that passed")
	}
	return cmp.Or(c.At.valid(), named("name", c.Name), text("rule", c.Rule), text("skipped", c.Skipped), text("detail", c.Detail))
}

func (e Event) valid() error {
	return cmp.Or(e.At.valid(), named("name", e.Name), short("subject", e.Subject), text("detail", e.Detail), short("ends", e.Ends))
}

func (e End) valid() error {
	if min(e.Checks, e.Failed, e.Skipped) < 0 {
		return errors.New("a number of checks is negative")
	}
	return e.At.valid()
}
