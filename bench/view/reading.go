package view

import (
	"maps"
	"slices"
	"time"

	"github.com/freshet-live/freshet/bench/report"
)

// reading is all that has been counted until a moment.
type reading struct {
	at       time.Time
	total    [classes]tally
	latency  [classes]*report.Histogram
	spread   [classes]*report.Histogram
	public   [classes]*report.Histogram
	tracks   map[string]*report.Histogram // Latencies by track, of steady viewers.
	connect  *report.Histogram
	join     *report.Histogram
	start    *report.Histogram
	compared int64
	corrupt  int64
	examples []string
}

// tally sums up the viewers of a class.
type tally struct {
	counts
	viewers, watching, played, stalls, moves, ends, fails int
	stalled                                               time.Duration
	errs                                                  []string
	pauses                                                []float64
	pausesAt                                              map[string][]float64
}

// read takes a reading. take also begins to look for pauses and errors anew.
func (a *Audience) read(now time.Time, take bool) reading {
	r := reading{at: now, tracks: make(map[string]*report.Histogram)}
	for c := range r.total {
		r.total[c].pausesAt = make(map[string][]float64)
		r.latency[c], r.spread[c], r.public[c] = &report.Histogram{}, &report.Histogram{}, &report.Histogram{}
	}
	for _, s := range a.seats {
		r.total[s.class].seat(s, s.read(now, take))
	}
	a.mu.Lock()
	truths := slices.Collect(maps.Values(a.truths))
	a.mu.Unlock()
	for _, t := range truths {
		r.truth(t)
	}
	a.times.mu.Lock()
	defer a.times.mu.Unlock()
	r.connect, r.join, r.start = a.times.connect.Clone(), a.times.join.Clone(), a.times.start.Clone()
	return r
}

func (t *tally) seat(s *seat, saw seen) {
	t.viewers++
	t.add(saw.counts)
	t.moves += saw.moves
	t.ends += saw.ends
	t.fails += saw.fails
	t.stalls += saw.stalls
	t.stalled += saw.stalled
	t.errs = append(t.errs, saw.errs[:min(len(saw.errs), max(0, maxErrors-len(t.errs)))]...)
	if saw.played {
		t.played++
	}
	if !saw.watching {
		return
	}
	if saw.recent {
		t.watching++
	}
	t.pauses = append(t.pauses, saw.pause)
	t.pausesAt[s.home] = append(t.pausesAt[s.home], saw.pause)
}

func (r *reading) truth(t *truth) {
	j := t.judge()
	r.compared += j.compared
	r.corrupt += j.corrupt
	r.examples = append(r.examples, j.examples[:min(len(j.examples), max(0, maxErrors-len(r.examples)))]...)
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range r.latency {
		r.latency[c].Merge(&t.latency[c])
		r.spread[c].Merge(&t.spread[c])
		r.public[c].Merge(&t.published[c])
	}
	r.tracks[t.name] = t.latency[steady].Clone()
}

// since subtracts what was counted before, but for pauses and errors.
func (t *tally) since(before *tally) tally {
	out := *t
	out.subtract(before.counts)
	out.stalls -= before.stalls
	out.stalled -= before.stalled
	out.moves -= before.moves
	out.ends -= before.ends
	out.fails -= before.fails
	return out
}
