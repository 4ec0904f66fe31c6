package swarm

import (
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// link is an open connection of two viewers.
type link struct {
	ends  [2]*viewer
	paths [2]*path // From ends[0], from ends[1].
	rtt   time.Duration
	open  bool
}

// pair names two viewers, the lower first.
type pair struct{ a, b policy.PeerID }

func pairOf(a, b policy.PeerID) pair { return pair{min(a, b), max(a, b)} }

// other is the end that is not v.
func (l *link) other(v *viewer) *viewer {
	if l.ends[0] == v {
		return l.ends[1]
	}
	return l.ends[0]
}

// from is the path on which v sends.
func (l *link) from(v *viewer) *path {
	if l.ends[0] == v {
		return l.paths[0]
	}
	return l.paths[1]
}

// dial tries to connect two viewers; both hear what becomes of it.
func (w *world) dial(v *viewer, to policy.PeerID) {
	key := pairOf(v.id, to)
	if w.dialing[key] || v.link(to) != nil {
		return
	}
	w.dialing[key] = true
	n, peer := &w.cfg.Network, w.viewer(to)
	if peer == nil || !peer.watches || !n.connectable(w.cfg.Seed, v.host, peer.host) {
		w.after(n.GiveUp, func() { w.fail(key) })
		return
	}
	rtt := n.pairRTT(w.cfg.Seed, v.host, peer.host)
	took := time.Duration(n.Setup*float64(rtt)) + 2*w.jitter()
	if took > n.GiveUp {
		w.after(n.GiveUp, func() { w.fail(key) })
		return
	}
	w.after(took, func() { w.connect(key, rtt) })
}

func (w *world) fail(key pair) {
	delete(w.dialing, key)
	w.tally().failed++
	for _, end := range [][2]policy.PeerID{{key.a, key.b}, {key.b, key.a}} {
		if v := w.viewer(end[0]); v != nil && v.watches {
			v.step(policy.Event{Kind: policy.EventFailed, Peer: end[1]})
			v.tell(policy.TrackerEvent{Kind: policy.TrackerLink, Other: end[1], State: policy.LinkFailed})
		}
	}
}

func (w *world) connect(key pair, rtt time.Duration) {
	a, b := w.viewer(key.a), w.viewer(key.b)
	if !a.watches || !b.watches {
		w.fail(key)
		return
	}
	delete(w.dialing, key)
	w.tally().connected++
	l := &link{ends: [2]*viewer{a, b}, rtt: rtt, open: true}
	for i, v := range l.ends {
		l.paths[i] = &path{w: w, from: v, to: l.ends[1-i], oneWay: rtt / 2, window: w.cfg.Network.Window, last: w.now}
		v.links = append(v.links, l)
	}
	for _, v := range l.ends {
		v.step(policy.Event{Kind: policy.EventOpen, Peer: l.other(v).id, RTT: rtt})
		v.tell(policy.TrackerEvent{Kind: policy.TrackerLink, Other: l.other(v).id, State: policy.LinkOpen, RTT: rtt})
	}
}

// hangUp ends a connection at v; the other end hears of it after a while.
func (l *link) hangUp(v *viewer, reason policy.Reason, after time.Duration) {
	if !l.open {
		return
	}
	l.open = false
	peer, w := l.other(v), v.w
	l.from(v).closed = true
	v.forget(l)
	w.after(after, func() {
		l.from(peer).closed = true
		peer.forget(l)
		if peer.watches {
			peer.step(policy.Event{Kind: policy.EventClosed, Peer: v.id, Reason: reason})
			peer.tell(policy.TrackerEvent{Kind: policy.TrackerLink, Other: v.id, State: policy.LinkClosed})
		}
	})
	if v.watches {
		v.tell(policy.TrackerEvent{Kind: policy.TrackerLink, Other: peer.id, State: policy.LinkClosed})
	}
}

// say carries a small message to the other end. It waits behind the pieces that are in
// the sender's line, as they share it.
func (l *link) say(v *viewer, e policy.Event) {
	peer, w := l.other(v), v.w
	e.Peer = v.id
	w.after(l.control(v), func() {
		if peer.watches && l.open {
			peer.hear(e)
		}
	})
}

// control is how long a small message takes from v.
func (l *link) control(v *viewer) time.Duration {
	return v.host.up.queue(v.w.now) + l.rtt/2 + v.w.jitter()
}
