package swarm

import "slices"

// hiddenTime is how long a hidden tab still takes from peers.
const hiddenTime = 10 * second

// Bounds on what an edge may send as parameters.
const maxSubs = 16

// limits are the Params in microseconds.
type limits struct {
	delay, gapPull                 int64
	hedgeStart, hedgeMin, hedgeMax int64
	subs                           int
	share, capFactor               float64
	cap                            int64
}

func (v *Viewer) setParams(p Params) {
	v.params = limits{
		delay: p.Delay.Microseconds(), gapPull: p.GapPull.Microseconds(),
		hedgeStart: p.HedgeStart.Microseconds(), hedgeMin: p.HedgeMin.Microseconds(), hedgeMax: p.HedgeMax.Microseconds(),
		subs: min(max(p.Subs, 1), maxSubs), share: p.Share, capFactor: p.CapFactor, cap: p.Cap,
	}
	v.hedger.adapt(v.params)
	if len(v.subs) != v.params.subs {
		v.subs = make([]substream, v.params.subs)
		for i := range v.subs {
			v.subs[i].over = -1
		}
		v.table = table{}
	}
}

// welcome: an edge took the viewer in. Numbers of peers mean nothing across
// sessions, so a new number starts anew.
func (v *Viewer) welcome(e Event) {
	if v.self != Edge && v.self != e.Self {
		for len(v.peers) > 0 {
			v.close(v.peers[0], "session")
		}
		v.bans = nil
	}
	v.self, v.joined = e.Self, true
	if e.Params != nil {
		v.setParams(*e.Params)
	}
	v.fed, v.parents = -1, nil
	v.feedFrom, v.edgeHead = PieceID{}, PieceID{}
	for sub := range v.subs {
		v.feedAgain(v.table.firstMissing(sub))
	}
	v.reportAt = v.now
	v.setMode(e.Mode, e.Reason)
}

// setMode does what a change of mode asks for: without giving, children are told
// to go; without taking, everything comes from the edge and connections end.
func (v *Viewer) setMode(m Mode, why Reason) {
	if m != ModeOn && m != ModeReceive {
		m = ModeEdge
	}
	gave := v.mode == ModeOn
	v.mode, v.reason = m, why
	if m == ModeOn {
		v.reason = ""
	}
	switch {
	case v.reason != "hidden":
		v.hidden = -1
	case v.hidden < 0:
		v.hidden = v.now
	}
	if gave && m != ModeOn {
		v.leavePeers()
	}
	if m == ModeEdge {
		v.withdraw()
	}
}

// withdraw takes everything from the edge and ends all connections.
func (v *Viewer) withdraw() {
	for sub := range v.subs {
		v.toEdge(sub)
		v.subs[sub].want, v.subs[sub].leaving = Edge, Edge
	}
	for _, p := range slices.Clone(v.peers) {
		v.close(p, v.reason)
	}
}

// hide ends taking when the tab has been hidden for long.
func (v *Viewer) hide() {
	if v.hidden >= 0 && v.mode == ModeReceive && v.now-v.hidden >= hiddenTime {
		v.setMode(ModeEdge, "hidden")
	}
}
