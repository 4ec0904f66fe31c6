package swarm

import (
	"slices"
	"time"

	"github.com/freshet-live/freshet/bench/report"
	policy "github.com/freshet-live/freshet/relay/swarm"
)

// Result is what was seen of a run from Warm on. Shares are of all media bytes, which
// are those that the edge sent and those that peers gave verified and in time.
type Result struct {
	Seed    uint64
	Subs    int     // The K of the run.
	Viewers float64 // The mean.
	// Offload is what peers gave, Ceiling what their uplinks could give, as a share of the
	// bitrate of all; Ratio is the one by the other.
	Offload, Ceiling, Ratio float64
	Hedged, Pulled          float64
	// Waste is what peers gave twice, too late, or invalid.
	Waste float64
	// Late is the share of pieces that were not there when they were due, of Pieces.
	Late          float64
	Pieces        int
	Stalls, Lost  int
	StallsPerHour float64
	Stood         time.Duration
	// Depth is the mean of all places in trees, Deepest the greatest.
	Depth                float64
	Deepest, Loops       int
	OnePrefix            int               // The most parents of one /24 that a viewer had,
	OnePrefixSubs        int               // the most sub-streams from one,
	OneASNSubs           int               // and from one ASN.
	Start                *report.Histogram // From a viewer's coming to its first picture.
	CrossRegion          float64           // Of what peers gave.
	Unverified           int
	Refused              int
	Connected, Failed    int
	Links                float64       // Open connections of a viewer, the mean.
	Revealed             float64       // Peers made known to a viewer each minute.
	Queue                time.Duration // The longest before an uplink.
	Busy                 float64       // Share of samples of uplinks with over 50 ms of it.
	ViewerP10, ViewerP50 float64       // Offload of single viewers.
	EdgePeak, EdgeSteady float64       // Egress, bit/s: at most and in the median, over a group each.
	FullDraw             float64       // What the audience would draw without a swarm, bit/s.
	Lag                  *report.Histogram
	Seconds              []Second
	Polluters, Banned    int
	BanMax               time.Duration // From the first bad piece to the ban.
	Happened             int           // Events of the simulation.
	Took                 time.Duration
	// LeftAfter is how long it took until the slowest throttled parent had no more children
	// than it can carry, Clinging how many still have in the end.
	LeftAfter time.Duration
	Clinging  int
}

// Second is a second of a run.
type Second struct {
	At                    time.Duration
	Viewers, Edge         float64 // Edge in bit/s.
	Offload, Hedged, Late float64
}

func (w *world) result() *Result {
	total := w.total()
	all := max(float64(total.all()), 1)
	r := &Result{
		Seed: w.cfg.Seed, Subs: w.cfg.Params.Subs, Viewers: total.viewers / w.window().Seconds(),
		Offload: float64(total.peer) / all, Hedged: float64(total.hedged) / all, Pulled: float64(total.pulled) / all,
		Waste: float64(total.duplicate+total.late+total.invalid) / all, Late: share(total.latePieces, total.pieces), Pieces: total.pieces,
		Stalls: total.stalls, Lost: total.lost, Stood: total.stood, Depth: share(w.shape.depths, w.shape.places),
		Deepest: w.shape.deepest, Loops: w.shape.loops, OnePrefix: w.shape.onePrefix, OnePrefixSubs: w.shape.onePrefixSubs, OneASNSubs: w.shape.oneASNSubs, Start: w.start.Clone(), Unverified: total.unverified, Refused: total.refused,
		Links: share(w.shape.links, w.shape.viewers), Connected: total.connected, Failed: total.failed, Queue: w.shape.queue, Busy: share(w.shape.busy, w.shape.uplinks),
		Lag: w.lag.Clone(), Seconds: w.history(), Happened: w.happened,
	}
	if total.viewers > 0 {
		r.Ceiling = min(total.shareable(), total.supply/total.viewers/float64(w.cfg.Bitrate))
		r.StallsPerHour = float64(total.stalls) / total.viewers * 3600
		r.Revealed = float64(total.revealed) / total.viewers * 60
	}
	if r.Ceiling > 0 {
		r.Ratio = r.Offload / r.Ceiling
	}
	if total.peer > 0 {
		r.CrossRegion = float64(total.crossRegion) / float64(total.peer)
	}
	w.addEdge(r)
	w.addViewers(r)
	w.addBans(r)
	w.addThrottled(r)
	return r
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func (w *world) window() time.Duration { return w.cfg.Duration - w.cfg.Warm }

// total is the sum of the seconds that count.
func (w *world) total() tally {
	var sum tally
	for i := int(w.cfg.Warm / time.Second); i < int(w.cfg.Duration/time.Second); i++ {
		sum.add(&w.seconds[i])
	}
	return sum
}

// history are all seconds, those before Warm too.
func (w *world) history() []Second {
	length := int(w.cfg.Duration / time.Second)
	out := make([]Second, 0, length)
	for i := range length {
		t := &w.seconds[i]
		all := max(float64(t.all()), 1)
		out = append(out, Second{
			At: time.Duration(i+1) * time.Second, Viewers: t.viewers, Edge: float64(t.edge() * 8),
			Offload: float64(t.peer) / all, Hedged: float64(t.hedged) / all, Late: share(t.latePieces, t.pieces),
		})
	}
	return out
}

// addEdge adds what the edge sent, over the length of a group each: the second with the
// key frame has more than the others. Steady is the median from Warm to what happens
// first.
func (w *world) addEdge(r *Result) {
	until := w.cfg.Duration
	for _, h := range w.cfg.Happenings {
		if h.At > w.cfg.Warm {
			until = min(until, h.At)
		}
	}
	group := int((w.cfg.Group + time.Second - 1) / time.Second)
	var steady []float64
	for i, s := range r.Seconds {
		if s.At <= w.cfg.Warm || i < group {
			continue
		}
		sent := 0.0
		for _, before := range r.Seconds[i-group+1 : i+1] {
			sent += before.Edge / float64(group)
		}
		r.EdgePeak = max(r.EdgePeak, sent)
		r.FullDraw = max(r.FullDraw, s.Viewers*float64(w.cfg.Bitrate))
		if s.At <= until {
			steady = append(steady, sent)
		}
	}
	slices.Sort(steady)
	if len(steady) > 0 {
		r.EdgeSteady = steady[len(steady)/2]
	}
}

// addViewers adds how single viewers fared: those who watched for ten seconds.
func (w *world) addViewers(r *Result) {
	var shares []float64
	for _, v := range w.viewers {
		if all := v.peerBytes + v.edgeBytes; v.watches && w.now-v.joined > 10*time.Second && all > 0 {
			shares = append(shares, float64(v.peerBytes)/float64(all))
		}
	}
	slices.Sort(shares)
	if n := len(shares); n > 0 {
		r.ViewerP10, r.ViewerP50 = shares[n/10], shares[n/2]
	}
}

// addBans adds when polluters were banned.
func (w *world) addBans(r *Result) {
	for id, since := range w.poison {
		r.Polluters++
		if at, ok := w.bans[id]; ok {
			r.Banned++
			r.BanMax = max(r.BanMax, at-since)
		}
	}
}

// addThrottled adds when throttled parents were relieved.
func (w *world) addThrottled(r *Result) {
	r.LeftAfter, r.Clinging = w.leftAfter, len(w.throttled)
}

// noteLeft notes that a viewer does not take a sub-stream from a peer any more. When a
// throttled parent can carry what it still has to, it is relieved.
func (w *world) noteLeft(parent policy.PeerID) {
	if since, ok := w.throttled[parent]; ok && !w.overloaded(parent) {
		w.leftAfter = max(w.leftAfter, w.now-since)
		delete(w.throttled, parent)
	}
}

// overloaded says whether a viewer's children take more than its line carries.
func (w *world) overloaded(id policy.PeerID) bool {
	subs := 0
	for _, v := range w.viewers {
		for _, parent := range v.parents {
			if v.watches && parent == id {
				subs++
			}
		}
	}
	each := (w.cfg.Bitrate - w.cfg.Audio) / int64(w.cfg.Params.Subs)
	return int64(subs)*each > w.viewer(id).host.uplink
}

// noteEnd notes that the Warden banned a viewer.
func (w *world) noteEnd(id policy.PeerID) {
	if _, ok := w.bans[id]; !ok {
		w.bans[id] = w.now
	}
}
