package view

import (
	"slices"
	"time"
)

// Report is what an Audience saw since the one before it. Its field names are stable.
type Report struct {
	Phase   string  `json:"phase,omitempty"`
	Seconds float64 `json:"seconds"`
	Viewers int     `json:"viewers"`
	// Watching counts viewers who got an object of each track within the last second.
	Watching int `json:"watching"`
	// Objects and Bytes are those of payloads.
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// Pause is the longest time without an object of some track, one value a viewer;
	// PauseAt the same of those who came to a gateway first.
	Pause   Quantiles            `json:"pause_ms"`
	PauseAt map[string]Quantiles `json:"pause_ms_at"`
	// Missing, Twice and Cut are objects that did not come or came again, and groups
	// whose stream was reset. A group of which nothing came is one missing. Groups are
	// judged three seconds after their last object.
	Missing int `json:"missing"`
	Twice   int `json:"twice"`
	Cut     int `json:"cut"`
	// Starts are times that a track began anew: its encoder went to another origin.
	Starts int `json:"starts"`
	// Moves are sessions that were left for another as GOAWAY asked, Ended those that
	// ended otherwise.
	Moves int `json:"moves"`
	Ended int `json:"ended"`
	// Errors are some of the reasons, and of failed attempts to connect.
	Errors []string `json:"errors,omitempty"`
}

// Quantiles are by nearest rank; zero without values.
type Quantiles struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

func quantiles(values []float64) Quantiles {
	n := len(values)
	if n == 0 {
		return Quantiles{}
	}
	slices.Sort(values)
	rank := func(percent int) float64 { return values[max((n*percent+99)/100, 1)-1] }
	return Quantiles{Count: n, P50: rank(50), P99: rank(99), Max: values[n-1]}
}

// Report tells what was seen since the last call.
func (a *Audience) Report(phase string) Report {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	r := Report{
		Phase: phase, Seconds: now.Sub(a.mark).Seconds(), Viewers: len(a.viewers),
		PauseAt: make(map[string]Quantiles),
	}
	a.mark = now
	at := make(map[string][]float64)
	var all []float64
	var total counts
	for _, v := range a.viewers {
		s := v.take(now)
		total.add(s.counts)
		r.Moves += s.moves
		r.Ended += s.ends
		r.Errors = append(r.Errors, s.errs[:min(len(s.errs), max(0, maxErrors-len(r.Errors)))]...)
		if !s.watching {
			continue
		}
		if s.recent {
			r.Watching++
		}
		all = append(all, s.pause)
		at[v.home] = append(at[v.home], s.pause)
	}
	r.Pause = quantiles(all)
	for home, values := range at {
		r.PauseAt[home] = quantiles(values)
	}
	since := total
	since.subtract(a.before)
	a.before = total
	r.Objects, r.Bytes = since.objects, since.bytes
	r.Missing, r.Twice, r.Cut, r.Starts = since.missing, since.twice, since.cut, since.start
	return r
}

// seen is what one viewer saw: counts from the beginning, the rest since the last take.
type seen struct {
	counts
	moves, ends int
	errs        []string
	pause       float64 // ms
	watching    bool    // Every track has begun.
	recent      bool    // Every track had an object within the last second.
}

func (v *viewer) take(now time.Time) seen {
	v.mu.Lock()
	s := seen{moves: v.moves, ends: v.ends, errs: v.errs, watching: true, recent: true}
	v.moves, v.ends, v.errs = 0, 0, nil
	v.mu.Unlock()
	for _, t := range v.tracks {
		read := t.take(now)
		s.add(read.counts)
		s.watching = s.watching && read.began
		s.recent = s.recent && read.silent < time.Second
		s.pause = max(s.pause, float64(read.pause.Microseconds())/1000)
		if read.cut != "" {
			s.errs = append(s.errs, read.cut)
		}
	}
	return s
}
