package client

import (
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// perform does what the policy wants.
func (m *machine) perform(now time.Time, a *swarm.Action) {
	m.traceAction(a)
	switch a.Kind {
	case swarm.ActionConnect:
		m.connect(a.Peer, a.Offer)
	case swarm.ActionClose:
		m.disconnect(a.Peer)
	case swarm.ActionState:
		m.show(a.Mode, a.Reason)
	case swarm.ActionPush:
		m.push(a.Peer, a.ID)
	case swarm.ActionFeed, swarm.ActionHedge, swarm.ActionUnhedge, swarm.ActionParents,
		swarm.ActionReport, swarm.ActionInvalid, swarm.ActionBye:
		m.performAtEdge(a)
	default:
		m.performAtPeer(now, a)
	}
}

// performAtEdge tells the edge.
func (m *machine) performAtEdge(a *swarm.Action) {
	switch a.Kind {
	case swarm.ActionFeed:
		m.tell(&wire.Feed{Subs: uint32(a.Subs), Group: a.ID.Group, N: a.ID.N})
		m.fedFrom(a.ID)
	case swarm.ActionHedge:
		n, bits := bitsOf(a.IDs)
		m.tell(&wire.Hedge{ID: uint64(a.Count), Group: a.IDs[0].Group, N: n, Bits: bits})
	case swarm.ActionUnhedge:
		m.tell(&wire.Cancel{ID: uint64(a.Count)})
	case swarm.ActionParents:
		m.v.count(func(s *Stats) { s.Parents = append(s.Parents[:0], a.Parents...) })
		m.tell(&wire.Parents{Parents: a.Parents})
	case swarm.ActionReport:
		m.report(a.Report)
	case swarm.ActionInvalid:
		m.tell(&wire.Invalid{
			Peer: a.Peer, Group: a.ID.Group, N: a.ID.N, Beacon: m.accusation.beacon, Piece: m.accusation.piece,
		})
	case swarm.ActionBye:
		m.tell(&wire.Leave{Reason: string(a.Reason)})
	default:
	}
}

// bitsOf is the bit mask of pieces of one group: bit i of byte j, lowest first, is
// n+8j+i.
func bitsOf(ids []swarm.PieceID) (n uint32, bits []byte) {
	n = ids[0].N
	for _, id := range ids {
		n = min(n, id.N)
	}
	for _, id := range ids {
		i := int(id.N - n)
		if i/8 >= wire.MaxBits {
			continue
		}
		for len(bits) <= i/8 {
			bits = append(bits, 0)
		}
		bits[i/8] |= 1 << (i % 8)
	}
	return n, bits
}

// performAtPeer tells a peer.
func (m *machine) performAtPeer(now time.Time, a *swarm.Action) {
	l := m.links[a.Peer]
	if l == nil || !l.open {
		return
	}
	switch a.Kind {
	case swarm.ActionSub:
		l.asked.sub(a.Sub)
		l.say(&wire.PeerMessage{Type: wire.PeerSub, Sub: a.Sub, ID: a.ID})
	case swarm.ActionUnsub:
		l.asked.unsub(now, a.Sub)
		l.say(&wire.PeerMessage{Type: wire.PeerUnsub, Sub: a.Sub})
	case swarm.ActionHave:
		l.say(&wire.PeerMessage{Type: wire.PeerHave, Have: a.Have})
	case swarm.ActionPull:
		l.asked.pull(now, a.IDs)
		l.say(&wire.PeerMessage{Type: wire.PeerPull, IDs: a.IDs})
	case swarm.ActionCancel:
		l.say(&wire.PeerMessage{Type: wire.PeerCancel, IDs: a.IDs})
	case swarm.ActionRefuse:
		l.say(refusal(a))
	case swarm.ActionLeave:
		l.say(&wire.PeerMessage{Type: wire.PeerLeave, Leaving: m.leaving()})
	default:
	}
}

// refusals are the words of the policy on the wire.
var refusals = map[swarm.Reason]wire.Refusal{
	"full": wire.RefusedFull, "loop": wire.RefusedLoop, "unknown": wire.RefusedUnknown, "leaving": wire.RefusedLeaving,
}

func refusal(a *swarm.Action) *wire.PeerMessage {
	m := &wire.PeerMessage{Type: wire.PeerRefuse, Kind: wire.PeerSub, Refusal: refusals[a.Reason], Sub: a.Sub, ID: a.ID}
	if len(a.IDs) > 0 {
		m.Kind, m.IDs, m.Sub, m.ID = wire.PeerPull, a.IDs, 0, swarm.PieceID{}
	}
	if m.Refusal == 0 {
		m.Refusal = wire.RefusedFull
	}
	return m
}

// reasonOf is the word of a refusal.
func reasonOf(r wire.Refusal) swarm.Reason {
	for word, refusal := range refusals {
		if refusal == r {
			return word
		}
	}
	return "full"
}

// leaving is why this viewer stops sending.
func (m *machine) leaving() wire.Leaving {
	stats := m.v.Stats()
	switch {
	case stats.Mode == swarm.ModeOn:
		return wire.LeavingEnded
	case stats.Reason == "hidden":
		return wire.LeavingHidden
	}
	return wire.LeavingMode
}

func (m *machine) show(mode swarm.Mode, reason swarm.Reason) {
	m.v.count(func(s *Stats) { s.Mode, s.Reason = mode, reason })
	m.v.cfg.OnState(mode, reason)
}

// push hands a piece to a peer, with its beacon unless it got that from here.
func (m *machine) push(peer swarm.PeerID, id swarm.PieceID) {
	l := m.links[peer]
	if l == nil || !l.open {
		return
	}
	c, i := m.store.find(m.verifier, id)
	if c == nil || c.pieces[i] == nil {
		return
	}
	var raw []byte
	if !l.told.has(c.key()) {
		raw = c.beacon.Raw
	}
	if !l.conn.Push(id, c.pieces[i], raw) {
		return
	}
	l.told.add(c.key())
	m.pings.pushed = time.Now()
	m.v.count(func(s *Stats) { s.UploadBytes += int64(len(c.pieces[i])) })
}

// report adds what only the shell knows.
func (m *machine) report(r *swarm.Report) {
	w := wire.ReportOf(r)
	w.StallTime, w.PlayTime = wire.Millis(m.playout.takeStallTime()), wire.Millis(m.playout.takePlayTime(m.since(time.Now())))
	w.Latency = wire.Millis(m.playout.latency())
	m.tell(w)
}
