package report

import (
	"maps"
	"slices"
)

// Series is all of one name and one set of labels.
type Series struct {
	Name, Unit string
	Labels     Labels
	// Samples are by time.
	Samples []Sample
	// Parts are the intervals or rounds of a distribution, Total their sum.
	Parts []Distribution
	Total *Histogram
	// Results are those of all rounds.
	Results []Result
}

// Group is the series of one name.
type Group struct {
	Name, Unit string
	Series     []*Series
}

type seriesKey struct{ name, unit, labels string }

// grouping collects series in the order in which they came.
type grouping struct {
	groups []*Group
	byName map[[2]string]*Group
	byKey  map[seriesKey]*Series
}

func (g *grouping) series(name, unit string, labels Labels) *Series {
	if g.byName == nil {
		g.byName, g.byKey = make(map[[2]string]*Group), make(map[seriesKey]*Series)
	}
	key := seriesKey{name, unit, labels.String()}
	if s := g.byKey[key]; s != nil {
		return s
	}
	group := g.byName[[2]string{name, unit}]
	if group == nil {
		group = &Group{Name: name, Unit: unit}
		g.byName[[2]string{name, unit}] = group
		g.groups = append(g.groups, group)
	}
	s := &Series{Name: name, Unit: unit, Labels: labels, Total: &Histogram{}}
	g.byKey[key] = s
	group.Series = append(group.Series, s)
	return s
}

// SampleGroups are the series of samples.
func (d *Document) SampleGroups() []*Group {
	var g grouping
	for _, sample := range d.Samples {
		s := g.series(sample.Name, sample.Unit, sample.Labels)
		s.Samples = append(s.Samples, sample)
	}
	for _, s := range g.byKey {
		slices.SortStableFunc(s.Samples, func(a, b Sample) int {
			switch {
			case a.At < b.At:
				return -1
			case a.At > b.At:
				return 1
			}
			return 0
		})
	}
	return g.groups
}

// DistributionGroups are the series of distributions.
func (d *Document) DistributionGroups() []*Group {
	var g grouping
	for _, part := range d.Distributions {
		s := g.series(part.Name, part.Unit, part.Labels)
		s.Parts = append(s.Parts, part)
		s.Total.Merge(part.Histogram)
	}
	return g.groups
}

// ResultGroups are the results, the rounds of one series together.
func (d *Document) ResultGroups() []*Group {
	var g grouping
	for _, result := range d.Results {
		s := g.series(result.Name, result.Unit, result.Labels)
		s.Results = append(s.Results, result)
	}
	return g.groups
}

// Seconds is how long the run lasted, as far as is known.
func (d *Document) Seconds() Seconds {
	if d.End != nil {
		return d.End.At
	}
	var last Seconds
	for _, s := range d.Samples {
		last = max(last, s.At)
	}
	for _, s := range d.Distributions {
		last = max(last, s.At)
	}
	for _, e := range d.Events {
		last = max(last, e.At)
	}
	return last
}

// Span is an event and, where another ended it, when.
type Span struct {
	Event
	Until *Seconds
}

// Timeline pairs events with those that end them. Events that only end others are
// spans of their own, too: they may say how.
func (d *Document) Timeline() []Span {
	type open struct{ subject, name string }
	started := make(map[open]int)
	out := make([]Span, 0, len(d.Events))
	events := slices.SortedStableFunc(slices.Values(d.Events), func(a, b Event) int {
		if a.At < b.At {
			return -1
		}
		if a.At > b.At {
			return 1
		}
		return 0
	})
	for _, e := range events {
		if at, ok := started[open{e.Subject, e.Ends}]; e.Ends != "" && ok {
			out[at].Until = &e.At
			delete(started, open{e.Subject, e.Ends})
		}
		started[open{e.Subject, e.Name}] = len(out)
		out = append(out, Span{Event: e})
	}
	return out
}

// Keys are the names of settings in order.
func (r Run) Keys() []string { return slices.Sorted(maps.Keys(r.Settings)) }
