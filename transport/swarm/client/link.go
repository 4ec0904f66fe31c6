package client

import (
	"context"
	"errors"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/rtc"
)

// maxCandidates bounds the peers that are remembered of what the edge made known.
const maxCandidates = 64

// link is a connection to a peer. It is owned as machine is.
type link struct {
	peer   swarm.PeerID
	conn   Link
	cancel context.CancelFunc
	began  time.Time
	open   bool
	queued int // What the policy was told.
	told   chunkSet
	asked  asked
	rtt    time.Duration
}

// say sends a control message. One that cannot be said ends the connection, which
// is told by its end.
func (l *link) say(msg *wire.PeerMessage) {
	if l.conn.Send(msg) != nil {
		l.cancel()
	}
}

// known takes candidates of the edge.
func (m *machine) known(now time.Time, c *wire.Candidates) {
	list := make([]swarm.Candidate, 0, len(c.Peers))
	for _, p := range c.Peers {
		if len(m.candidates) >= maxCandidates {
			m.forgetCandidate()
		}
		m.candidates[p.Peer] = p
		list = append(list, p.Policy())
	}
	m.step(now, swarm.Event{Kind: swarm.EventCandidates, Candidates: list})
}

// forgetCandidate makes room: numbers rise, so the lowest without a connection is
// the oldest.
func (m *machine) forgetCandidate() {
	oldest, found := swarm.PeerID(0), false
	for id := range m.candidates {
		if m.links[id] == nil && (!found || id < oldest) {
			oldest, found = id, true
		}
	}
	if found {
		delete(m.candidates, oldest)
	}
}

// connect makes a connection to a peer that the edge made known.
func (m *machine) connect(peer swarm.PeerID, offer bool) {
	c, ok := m.candidates[peer]
	if !ok || m.welcome == nil {
		m.step(time.Now(), swarm.Event{Kind: swarm.EventFailed, Peer: peer, Reason: "unknown"})
		return
	}
	m.disconnect(peer)
	ctx, cancel := context.WithCancel(m.life)
	l := &link{peer: peer, cancel: cancel, began: time.Now(), asked: newAsked(), told: newChunkSet()}
	l.conn = m.v.cfg.Peers.Conn(rtc.ConnConfig{
		Self: m.welcome.Peer, Peer: peer, Offer: offer, Fingerprint: c.Fingerprint, Token: c.Token, ICE: m.welcome.ICE,
		Events: func(ctx context.Context, e rtc.Event) error {
			return m.v.post(ctx, func(m *machine) { m.heard(l, e) })
		},
	})
	m.links[peer] = l
	m.tasks.Go(func() {
		err := l.conn.Run(ctx)
		cancel()
		_ = m.post(func(m *machine) { m.linkEnded(l, err) }) // Else the viewer has ended.
	})
}

// disconnect ends a connection that the policy wants no more.
func (m *machine) disconnect(peer swarm.PeerID) {
	if l := m.links[peer]; l != nil {
		l.cancel()
		delete(m.links, peer)
		m.pending.Drop(peer)
	}
}

// linkEnded takes the end of a connection.
func (m *machine) linkEnded(l *link, err error) {
	reason := rtc.Reason(err)
	state, kind := swarm.LinkClosed, swarm.EventClosed
	if !l.open {
		state, kind = swarm.LinkFailed, swarm.EventFailed
	}
	m.v.count(func(s *Stats) {
		if l.open {
			s.Closed++
		} else {
			s.Failed++
		}
	})
	m.v.cfg.Logger.Debug("connection ended", "peer", l.peer, "open", l.open, "error", err)
	m.tell(&wire.Link{Peer: l.peer, State: state, Reason: reason, Took: wire.Millis(time.Since(l.began))})
	if m.links[l.peer] != l {
		return // The policy wanted it.
	}
	m.disconnect(l.peer)
	if errors.Is(err, rtc.ErrViolation) || errors.Is(err, rtc.ErrIdentity) {
		m.banned(l.peer)
		kind = swarm.EventFailed // Which keeps it away for a while.
	}
	m.step(time.Now(), swarm.Event{Kind: kind, Peer: l.peer, Reason: swarm.Reason(reason)})
}

// banned notes that a peer was found out.
func (m *machine) banned(peer swarm.PeerID) {
	m.v.count(func(s *Stats) { s.Banned = keep(s.Banned, Ban{Peer: peer, At: time.Now()}) })
}

// heard takes what a connection tells.
func (m *machine) heard(l *link, e rtc.Event) {
	if m.links[l.peer] != l {
		return
	}
	switch e.Kind {
	case rtc.Signalled:
		m.tell(signalOf(l.peer, e.Signal))
	case rtc.Opened:
		m.linkOpened(l, e)
	case rtc.Measured:
		l.rtt = e.RTT
		m.step(e.At, swarm.Event{Kind: swarm.EventRTT, Peer: l.peer, RTT: e.RTT})
	case rtc.Gave:
		m.peerPiece(l, e)
	case rtc.Said:
		m.peerSaid(l, e)
	}
}

func (m *machine) linkOpened(l *link, e rtc.Event) {
	took := e.At.Sub(l.began)
	l.open, l.rtt = true, e.RTT
	m.v.count(func(s *Stats) { s.Opened++; s.Connect = keep(s.Connect, took) })
	m.tell(&wire.Link{Peer: l.peer, State: swarm.LinkOpen, RTT: wire.Millis(e.RTT), Took: wire.Millis(took)})
	m.step(e.At, swarm.Event{Kind: swarm.EventOpen, Peer: l.peer, RTT: e.RTT})
}

// peerSaid takes a message of a peer.
func (m *machine) peerSaid(l *link, e rtc.Event) {
	msg := &e.Message
	ev := swarm.Event{Peer: l.peer, Sub: msg.Sub, ID: msg.ID, IDs: msg.IDs, Have: msg.Have}
	switch msg.Type {
	case wire.PeerBeacon:
		m.peerBeacon(l, e.At, msg.Bytes)
		return
	case wire.PeerSub:
		ev.Kind = swarm.EventSub
	case wire.PeerUnsub:
		ev.Kind = swarm.EventUnsub
	case wire.PeerHave:
		ev.Kind = swarm.EventHave
	case wire.PeerPull:
		ev.Kind = swarm.EventPull
	case wire.PeerCancel:
		ev.Kind = swarm.EventCancel
	case wire.PeerRefuse:
		ev.Kind, ev.Reason = swarm.EventRefuse, reasonOf(msg.Refusal)
	case wire.PeerLeave:
		ev.Kind = swarm.EventLeave
	default:
		return
	}
	m.step(e.At, ev)
}

// signalled hands on what a peer signalled by the edge.
func (m *machine) signalled(s *wire.Signal) {
	l := m.links[s.Peer]
	if l == nil {
		return
	}
	if !l.conn.Signal(signalFrom(s)) {
		l.cancel()
	}
}

func signalOf(peer swarm.PeerID, s rtc.Signal) *wire.Signal {
	w := &wire.Signal{Peer: peer}
	if d := s.Description; d != nil {
		w.Description = &wire.Description{Type: d.Type, SDP: d.SDP}
	}
	if c := s.Candidate; c != nil {
		w.Candidate = &wire.Candidate{Candidate: c.Candidate, SDPMid: c.SDPMid, SDPMLineIndex: c.SDPMLineIndex}
	}
	return w
}

func signalFrom(w *wire.Signal) rtc.Signal {
	var s rtc.Signal
	if d := w.Description; d != nil {
		s.Description = &rtc.Description{Type: d.Type, SDP: d.SDP}
	}
	if c := w.Candidate; c != nil {
		s.Candidate = &rtc.Candidate{Candidate: c.Candidate, SDPMid: c.SDPMid, SDPMLineIndex: c.SDPMLineIndex}
	}
	return s
}
