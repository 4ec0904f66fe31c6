package view

import (
	"time"

	"github.com/freshet-live/freshet/bench/report"
)

// Sample is what an Audience saw since the Sample before it: a point of a time series.
type Sample struct {
	At      time.Time
	Seconds float64
	Figures
	Compared, Corrupt int64
	// LatencyOf is by track, SpreadOf that of all; of viewers who behave.
	LatencyOf map[string]*report.Histogram
	SpreadOf  *report.Histogram
}

// Sample leaves what a Report begins anew alone.
func (a *Audience) Sample() Sample {
	r := a.read(time.Now(), false)
	a.mu.Lock()
	before := a.sample
	a.sample = r
	a.mu.Unlock()
	s := Sample{
		At: r.at, Seconds: r.at.Sub(before.at).Seconds(), Figures: r.figures(steady, before),
		Compared: r.compared - before.compared, Corrupt: r.corrupt - before.corrupt,
		LatencyOf: make(map[string]*report.Histogram), SpreadOf: r.spread[steady].Since(before.spread[steady]),
	}
	for name, h := range r.tracks {
		s.LatencyOf[name] = h.Since(before.tracks[name])
	}
	return s
}
