package swarm

import (
	"slices"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// How often a viewer's clock ticks, it looks at its queues, round trips and uplink.
const (
	viewerTick   = 50 * time.Millisecond
	queuePeriod  = 100 * time.Millisecond
	rttPeriod    = time.Second
	edgePeriod   = 500 * time.Millisecond
	uplinkPeriod = 2 * time.Second
)

// viewer is one visit of a viewer: the shell around a Brain, which verifies, sends,
// receives and plays.
type viewer struct {
	w       *world
	id      policy.PeerID
	host    *host
	brain   Brain
	part    *Part // Nil is an honest viewer.
	watches bool
	joined  time.Duration
	mode    policy.Mode
	links   []*link // In the order in which they opened.
	parents []policy.PeerID

	// What it has of the stream, by the running number of pieces: when it came, in units
	// of 10 µs and from 1, and how.
	came []int32
	// asked are pieces pulled from a peer.
	asked  map[pull]bool
	known  int // The chunks whose beacons it has end here,
	gaps   map[int]bool
	first  int // and count from here on.
	player player

	peerBytes, edgeBytes, upBytes int64
	ticks                         int
}

type pull struct {
	from  policy.PeerID
	piece int
}

// step tells the Brain something and does what it wants.
func (v *viewer) step(e policy.Event) {
	if !v.watches {
		return
	}
	for _, a := range v.brain.Step(v.w.now, e) {
		v.act(a)
	}
}

// profile is what the edge learns of it when it joins.
func (v *viewer) profile() policy.Profile {
	h := v.host
	p := policy.Profile{
		Address: h.address, ASN: uint32(h.asn), Carrier: h.cellular, Country: v.w.cfg.Country, Region: v.w.regions[h.region],
		Consent: policy.ConsentGranted, Net: policy.NetWiFi, Mobile: h.cellular, RTT: h.edgeRTT, Agent: "chromium",
		Uplink: v.estimate(),
	}
	if h.cellular {
		p.Net = policy.NetCellular
	}
	if h.number%100 >= int(100*v.w.cfg.Consent+.5) {
		p.Consent = policy.ConsentUnset
	}
	return p
}

// estimate is what it takes its uplink for: wrong by the same factor as long as it stays.
func (v *viewer) estimate() int64 {
	factor := 1.0
	if d := v.w.cfg.Network.Estimate; d > 0 {
		factor = expNormal(pairChance(v.w.cfg.Seed, v.host.number, v.host.number), d)
	}
	return int64(float64(v.host.uplink-v.host.otherTraffic) * factor)
}

// start begins the viewer's clock.
func (v *viewer) start() {
	v.w.after(time.Duration(v.w.net.Int64N(int64(viewerTick))), v.tick)
}

func (v *viewer) tick() {
	if !v.watches {
		return
	}
	v.ticks++
	v.look()
	v.player.judge(v)
	v.step(policy.Event{Kind: policy.EventTick})
	v.misbehave()
	v.w.after(viewerTick, v.tick)
}

// look tells of queues, round trips and the uplink when their time has come.
func (v *viewer) look() {
	passed := time.Duration(v.ticks) * viewerTick
	if passed%queuePeriod == 0 {
		v.lookAtLinks(passed%rttPeriod == 0)
	}
	if passed%edgePeriod == 0 {
		v.step(policy.Event{Kind: policy.EventRTT, RTT: v.host.edgeRTT + v.host.up.queue(v.w.now) + 2*v.w.jitter()})
		if v.player.lagging(v.w.now) > 0 {
			v.playout()
		}
	}
	if passed%uplinkPeriod == 0 && !v.host.cellular {
		v.step(policy.Event{Kind: policy.EventUplink, Rate: v.estimate()})
	}
}

// lookAtLinks tells of queues that changed, and of round trips.
func (v *viewer) lookAtLinks(trips bool) {
	for _, l := range slices.Clone(v.links) {
		if p := l.from(v); p.queued != p.told {
			p.told = p.queued
			v.step(policy.Event{Kind: policy.EventQueue, Peer: l.other(v).id, Size: p.queued})
		}
		if trips && l.open {
			peer := l.other(v)
			v.step(policy.Event{Kind: policy.EventRTT, Peer: peer.id, RTT: l.control(v) + l.control(peer)})
		}
	}
}

// order is a message of the edge.
func (v *viewer) order(e policy.Event) {
	switch e.Kind {
	case policy.EventPlayout:
		v.playout()
		return
	case policy.EventDelay:
		v.player.delay = e.Delay
		v.step(e)
		v.playout()
		return
	case policy.EventMode:
		v.mode = e.Mode
	default:
	}
	v.step(e)
}

// hear is a message of a peer.
func (v *viewer) hear(e policy.Event) { v.step(e) }

func (v *viewer) link(to policy.PeerID) *link {
	for _, l := range v.links {
		if l.other(v).id == to {
			return l
		}
	}
	return nil
}

func (v *viewer) forget(l *link) {
	v.links = slices.DeleteFunc(v.links, func(o *link) bool { return o == l })
}

// leave ends the visit. Who is silent is missed only after a while.
func (v *viewer) leave(silent bool) {
	if !v.watches {
		return
	}
	if !silent {
		v.step(policy.Event{Kind: policy.EventLeave}) // Of itself.
		v.toEdge(func(e *edge, m *member) { e.leave(m.v.id) })
	}
	v.watches = false
	after := v.w.cfg.Network.Silence
	if silent {
		v.w.after(after, func() { v.w.edge.leave(v.id) })
	} else {
		after = 200 * time.Millisecond
	}
	for _, l := range slices.Clone(v.links) {
		l.hangUp(v, "ended", after)
	}
}
