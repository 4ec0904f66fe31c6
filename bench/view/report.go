package view

import (
	"slices"
	"time"

	"github.com/freshet-live/freshet/bench/report"
	"github.com/freshet-live/freshet/bench/self"
)

// Report is what an Audience saw since the one before it. Its field names are stable.
// But for Slow and Misbehaving it is of the viewers who behave.
type Report struct {
	Phase   string  `json:"phase,omitempty"`
	Seconds float64 `json:"seconds"`
	Figures
	// Pause is the longest time without an object of some track, one value a viewer;
	// PauseAt the same of those who came to a server first.
	Pause   Quantiles            `json:"pause_ms"`
	PauseAt map[string]Quantiles `json:"pause_ms_at"`
	// Connect is from the first packet to the set-up session, Join to an object of every
	// track, Start to a full buffer.
	Connect Quantiles `json:"connect_ms"`
	Join    Quantiles `json:"join_ms"`
	Start   Quantiles `json:"start_ms"`
	// LatencyOf is Latency by track.
	LatencyOf map[string]Quantiles `json:"latency_ms_of,omitempty"`
	// Compared are arrivals, of all viewers, whose bytes could be compared with those
	// that others had or the reference; Corrupt those that differed. A reading in the
	// midst may count what is judged otherwise when more have come.
	Compared int64 `json:"compared"`
	Corrupt  int64 `json:"corrupt"`
	// Slow and Misbehaving are what those saw.
	Slow        *Figures `json:"slow,omitempty"`
	Misbehaving *Figures `json:"misbehaving,omitempty"`
	// Errors are some of the reasons, and of failed attempts to connect.
	Errors []string `json:"errors,omitempty"`
	// Client is about this process, from its beginning.
	self.Verdict
}

// Figures are those of one class of viewers. Its field names are stable.
type Figures struct {
	Viewers int `json:"viewers"`
	// Watching counts viewers who got an object of each track within the last second.
	Watching int `json:"watching"`
	// Objects and Bytes are those of payloads.
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// Missing, Twice and Cut are objects that did not come or came again, and groups
	// whose stream was reset. A group of which nothing came is one missing, and one of
	// MissingGroups. Groups are judged three seconds after their last object.
	Missing       int `json:"missing"`
	MissingGroups int `json:"missing_groups"`
	Twice         int `json:"twice"`
	Cut           int `json:"cut"`
	// Wild are objects whose ID is beyond anything that is watched here.
	Wild int `json:"wild"`
	// Starts are times that a track began anew: its encoder went to another origin.
	Starts int `json:"starts"`
	// Moves are sessions that were left for another as GOAWAY asked, Ended those that
	// ended otherwise.
	Moves int `json:"moves"`
	Ended int `json:"ended"`
	// Failed are attempts to connect that came to nothing.
	Failed int `json:"failed"`
	// Played counts viewers whose buffer was full once. Stalls are times that one ran
	// empty, Stalled their length in seconds.
	Played  int     `json:"played"`
	Stalls  int     `json:"stalls"`
	Stalled float64 `json:"stalled_seconds"`
	// Latency is from capture to the last byte; of what was there before it was asked
	// for nothing is said. Spread is how much later than the first viewer's.
	Latency Quantiles `json:"latency_ms"`
	Spread  Quantiles `json:"spread_ms"`
	// Published is from when the last picture in an object or a part was sent, which its
	// mark says (docs/mark.md), to the last byte; without marks it has no values.
	Published Quantiles `json:"published_ms"`
}

// Quantiles are by nearest rank; zero without values.
type Quantiles struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
}

func quantiles(values []float64) Quantiles {
	n := len(values)
	if n == 0 {
		return Quantiles{}
	}
	slices.Sort(values)
	rank := func(permille int) float64 { return values[max((n*permille+999)/1000, 1)-1] }
	return Quantiles{Count: n, P50: rank(500), P90: rank(900), P99: rank(990), P999: rank(999), Max: values[n-1]}
}

func summary(h *report.Histogram) Quantiles {
	return Quantiles{
		Count: int(h.Count()), P50: h.Quantile(.5) * 1e3, P90: h.Quantile(.9) * 1e3, P99: h.Quantile(.99) * 1e3,
		P999: h.Quantile(.999) * 1e3, Max: h.Max() * 1e3,
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// Report tells what was seen since the last call.
func (a *Audience) Report(phase string) Report {
	r := a.read(time.Now(), true)
	a.mu.Lock()
	before := a.report
	a.report = r
	a.mu.Unlock()
	own := r.total[steady]
	out := Report{
		Phase: phase, Seconds: r.at.Sub(before.at).Seconds(), Figures: r.figures(steady, before),
		Pause: quantiles(own.pauses), PauseAt: make(map[string]Quantiles), LatencyOf: make(map[string]Quantiles),
		Connect: summary(r.connect.Since(before.connect)), Join: summary(r.join.Since(before.join)), Start: summary(r.start.Since(before.start)),
		Compared: r.compared - before.compared, Corrupt: r.corrupt - before.corrupt,
		Errors: slices.Concat(own.errs, r.total[reference].errs, r.examples), Verdict: a.client.Verdict(),
	}
	for home, values := range own.pausesAt {
		out.PauseAt[home] = quantiles(values)
	}
	for name, h := range r.tracks {
		if since := h.Since(before.tracks[name]); since.Count() > 0 {
			out.LatencyOf[name] = summary(since)
		}
	}
	for c, to := range map[class]**Figures{slow: &out.Slow, misbehaving: &out.Misbehaving} {
		if r.total[c].viewers > 0 {
			f := r.figures(c, before)
			*to = &f
		}
	}
	return out
}

// figures are those of a class since a reading before.
func (r *reading) figures(c class, before reading) Figures {
	t := r.total[c].since(&before.total[c])
	return Figures{
		Viewers: t.viewers, Watching: t.watching, Objects: t.objects, Bytes: t.bytes,
		Missing: t.missing, MissingGroups: t.groups, Twice: t.twice, Cut: t.cut, Wild: t.bad, Starts: t.start,
		Moves: t.moves, Ended: t.ends, Failed: t.fails, Played: t.played, Stalls: t.stalls, Stalled: t.stalled.Seconds(),
		Latency: summary(r.latency[c].Since(before.latency[c])), Spread: summary(r.spread[c].Since(before.spread[c])),
		Published: summary(r.public[c].Since(before.public[c])),
	}
}
