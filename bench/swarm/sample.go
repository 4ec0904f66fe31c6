package swarm

import (
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// shape is what the trees were like, over all samples that count.
type shape struct {
	places, depths int // Sub-streams of viewers that a peer fed, the sum of their depths.
	deepest        int
	loops          int
	viewers, links int // Viewers looked at, their open connections.
	// onePrefix is the most sub-streams that a viewer took from one /24.
	onePrefix int
	// queue is the longest line before an uplink, and over how many it was 50 ms.
	queue         time.Duration
	busy, uplinks int
}

// sample looks at the swarm once a second.
func (w *world) sample() {
	t := w.tally()
	for _, v := range w.viewers {
		if !v.watches || w.edge.of[v.id] == nil {
			continue
		}
		t.viewers++
		t.supply += w.supply(v)
		if w.counts() {
			w.shape.look(w, v)
		}
	}
	if w.now+samplePeriod <= w.cfg.Duration {
		w.after(samplePeriod, w.sample)
	}
}

// supply is what a viewer may upload at most: what the ceiling is made of.
func (w *world) supply(v *viewer) float64 {
	if v.host.cellular || v.profile().Consent != policy.ConsentGranted {
		return 0
	}
	return supply(v.host.uplink, w.cfg.Bitrate, w.cfg.Params)
}

// look at a viewer's places in the trees.
func (s *shape) look(w *world, v *viewer) {
	s.viewers++
	s.links += len(v.links)
	prefixes := make(map[[3]byte]int, len(v.parents))
	for sub, parent := range v.parents {
		p := w.viewer(parent)
		if p == nil {
			continue
		}
		a := p.host.address.As4()
		prefix := [3]byte(a[:3])
		prefixes[prefix]++
		s.onePrefix = max(s.onePrefix, prefixes[prefix])
		s.places++
		depth, loop := w.depth(v, sub)
		s.depths += depth
		s.deepest = max(s.deepest, depth)
		if loop {
			s.loops++
		}
	}
	if !v.host.cellular {
		s.uplinks++
		q := v.host.up.queue(w.now)
		s.queue = max(s.queue, q)
		if q > 50*time.Millisecond {
			s.busy++
		}
	}
}

// depth is how many peers a sub-stream goes through before it is at v, and whether it
// goes round.
func (w *world) depth(v *viewer, sub int) (depth int, loop bool) {
	for at := v; ; depth++ {
		parent := w.viewer(at.parents[sub])
		if parent == nil || !parent.watches {
			return depth, false
		}
		if parent == v || depth > 64 {
			return depth, true
		}
		at = parent
	}
}
