// Package compare says what differs between two runs, A before and B after, and how sure
// that is.
//
// A figure is judged by repeated observations: the rounds of a run, or where it has none
// its intervals, neighbours joined to at most thirty (batch means), since what follows
// at once depends on what was before. The change is that of the median observation,
// with a bootstrap interval; whether it may be chance is said by the Mann-Whitney test,
// corrected for the number of figures after Holm. Neither assumes a normal distribution.
package compare

import (
	"fmt"

	"github.com/freshet-live/freshet/bench/report"
)

// Method is what a reader must know, a sentence a line.
var Method = []string{
	"A and B are of the whole run; change is that of the median over n observations, with its 95 % interval by bootstrap (2000 resamples).",
	"Observations are rounds, or intervals of the run with neighbours joined to at most 30. p is of a two-sided Mann-Whitney test, corrected after Holm; below 0.05 is taken as a difference.",
	"Intervals of one run share its moment, machine and caches: p of them is too sure. For a decision take rounds of both in turn, ten of each: among many figures five cannot show a difference.",
}

// Comparison is what differs between two runs.
type Comparison struct {
	A, B        report.Run
	Differences []Difference
	Rows        []Row
}

// Difference is of a setting, a machine or a check.
type Difference struct {
	Name, A, B string
}

// Runs compares two runs, series by series.
func Runs(a, b *report.Document) *Comparison {
	c := &Comparison{A: a.Run, B: b.Run, Differences: differences(a, b)}
	c.distributions(a, b)
	c.results(a, b)
	c.samples(a, b)
	c.counters(a, b)
	judge(c.Rows)
	return c
}

// pairs gives the series that both have.
func pairs(a, b []*report.Group, do func(a, b *report.Series)) {
	type key struct{ name, unit, labels string }
	known := make(map[key]*report.Series)
	for _, g := range b {
		for _, s := range g.Series {
			known[key{s.Name, s.Unit, s.Labels.String()}] = s
		}
	}
	for _, g := range a {
		for _, s := range g.Series {
			if other := known[key{s.Name, s.Unit, s.Labels.String()}]; other != nil {
				do(s, other)
			}
		}
	}
}

func (c *Comparison) distributions(a, b *report.Document) {
	pairs(a.DistributionGroups(), b.DistributionGroups(), func(a, b *report.Series) {
		if a.Total.Count() == 0 || b.Total.Count() == 0 {
			return
		}
		partsA, partsB := batches(a.Parts), batches(b.Parts)
		for _, q := range []float64{.5, .9, .99, .999} {
			c.Rows = append(c.Rows, Row{
				Name: a.Name, What: fmt.Sprintf("p%g", q*100), Labels: a.Labels, Unit: a.Unit,
				A: a.Total.Quantile(q), B: b.Total.Quantile(q),
				a: quantiles(partsA, q), b: quantiles(partsB, q),
			})
		}
	})
}

func (c *Comparison) results(a, b *report.Document) {
	pairs(a.ResultGroups(), b.ResultGroups(), func(a, b *report.Series) {
		row := Row{Name: a.Name, Labels: a.Labels, Unit: a.Unit, Better: a.Results[0].Better}
		for _, r := range a.Results {
			row.a = append(row.a, r.Value)
		}
		for _, r := range b.Results {
			row.b = append(row.b, r.Value)
		}
		row.A, row.B = median(row.a), median(row.b)
		c.Rows = append(c.Rows, row)
	})
}

func (c *Comparison) samples(a, b *report.Document) {
	pairs(a.SampleGroups(), b.SampleGroups(), func(a, b *report.Series) {
		row := Row{Name: a.Name, What: "mean", Labels: a.Labels, Unit: a.Unit, a: means(a.Samples), b: means(b.Samples)}
		row.A, row.B = mean(a.Samples), mean(b.Samples)
		c.Rows = append(c.Rows, row)
	})
}

func (c *Comparison) counters(a, b *report.Document) {
	type key struct{ name, unit, labels string }
	known := make(map[key]int64)
	for _, n := range b.Counters {
		known[key{n.Name, n.Unit, n.Labels.String()}] = n.Value
	}
	for _, n := range a.Counters {
		if other, ok := known[key{n.Name, n.Unit, n.Labels.String()}]; ok {
			c.Rows = append(c.Rows, Row{Name: n.Name, What: "count", Labels: n.Labels, Unit: n.Unit, A: float64(n.Value), B: float64(other)})
		}
	}
}
