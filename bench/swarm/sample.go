package swarm

import (
	"slices"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// shape is what the trees were like, over all samples that count.
type shape struct {
	places, depths int // Sub-streams of viewers that a peer fed, the sum of their depths.
	deepest        int
	loops          int
	viewers, links int // Viewers looked at, their open connections.
	// onePrefix is the most parents that a viewer had of one /24, onePrefixSubs the most
	// sub-streams, oneASNSubs those from one ASN.
	onePrefix, onePrefixSubs, oneASNSubs int
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
	s.kin(w, v)
	for sub, parent := range v.parents {
		p := w.viewer(parent)
		if p == nil {
			continue
		}
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

// kin counts how many of a viewer's parents are of one network.
func (s *shape) kin(w *world, v *viewer) {
	type prefix [3]byte
	subs, parents, asns := map[prefix]int{}, map[prefix]int{}, map[int]int{}
	for sub, parent := range v.parents {
		p := w.viewer(parent)
		if p == nil {
			continue
		}
		a := p.host.address.As4()
		of := prefix(a[:3])
		subs[of]++
		asns[p.host.asn]++
		if !slices.Contains(v.parents[:sub], parent) {
			parents[of]++
		}
		s.onePrefix, s.onePrefixSubs = max(s.onePrefix, parents[of]), max(s.onePrefixSubs, subs[of])
		s.oneASNSubs = max(s.oneASNSubs, asns[p.host.asn])
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
