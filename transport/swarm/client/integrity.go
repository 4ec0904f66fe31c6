package client

import (
	"errors"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/rtc"
)

// source is who brought a piece.
type source struct {
	peer   swarm.PeerID // Edge for all that the edge sent.
	hedged bool
	start  bool // By the subscription.
}

// edgeBeacon takes a beacon of the beacons' track.
func (m *machine) edgeBeacon(at time.Time, raw []byte) {
	if err := m.takeBeacon(at, raw); err != nil {
		m.v.count(func(s *Stats) { s.InvalidBeacons++ })
		m.v.cfg.Logger.Debug("beacon of the edge", "error", err)
	}
}

// peerBeacon takes a beacon that a peer repeats. One that cannot be the packager's
// is as bad as a false piece. One that is old, or of a key that the catalog may
// still bring, is not.
func (m *machine) peerBeacon(l *link, at time.Time, raw []byte) {
	err := m.takeBeacon(at, raw)
	for _, bad := range []error{
		beacon.ErrMalformed, beacon.ErrSignature, beacon.ErrConflict, beacon.ErrFirst, beacon.ErrKeyTime, beacon.ErrKeyGroup,
	} {
		if errors.Is(err, bad) {
			m.v.count(func(s *Stats) { s.InvalidBeacons++ })
			m.accuse(at, l.peer, spokenOf(raw), accusation{beacon: raw})
			return
		}
	}
}

// spokenOf is the first piece that a beacon speaks of, be it true or not, for the edge
// to find the one of its own.
func spokenOf(raw []byte) swarm.PieceID {
	var b beacon.Beacon
	if b.Decode(raw) != nil {
		return swarm.PieceID{}
	}
	return b.Piece(0)
}

// takeBeacon verifies a beacon, and what waited for it.
func (m *machine) takeBeacon(at time.Time, raw []byte) error {
	b, fresh, err := m.verifier.Add(at, raw)
	if err != nil || !fresh {
		return err
	}
	m.store.add(b)
	if m.playout.beacon(m.since(at), b.PTS) {
		m.tellPlayout(at)
	}
	m.step(at, swarm.Event{Kind: swarm.EventBeacon, ID: b.Piece(0), Sizes: b.Sizes, PTS: b.PTS})
	for _, h := range m.pending.Take(&b.Beacon) {
		m.piece(at, source{peer: h.From}, h.ID, h.Piece)
	}
	m.media.check(m, b)
	return nil
}

// edgePiece takes a piece that the edge fed, or sent for a hedge.
func (m *machine) edgePiece(at time.Time, h wire.PiecesHeader, id swarm.PieceID, b []byte) {
	if m.welcome == nil || h.Swarm != m.welcome.Swarm {
		return
	}
	m.piece(at, source{peer: swarm.Edge, hedged: h.Kind == wire.PiecesHedged}, id, b)
}

func (m *machine) hedgeEnded(h wire.PiecesHeader) {
	if m.welcome != nil && h.Swarm == m.welcome.Swarm {
		m.step(time.Now(), swarm.Event{Kind: swarm.EventHedgeDone, Count: int(h.ID)})
	}
}

// peerPiece takes a piece of a peer.
func (m *machine) peerPiece(l *link, e rtc.Event) {
	if !l.asked.take(e.At, e.ID, len(e.Bytes), m.welcome.Params.Subs) {
		m.v.cfg.Logger.Debug("peer sends what it was not asked for", "peer", l.peer)
		m.banned(l.peer)
		m.disconnect(l.peer)
		m.step(e.At, swarm.Event{Kind: swarm.EventFailed, Peer: l.peer, Reason: "protocol"})
		return
	}
	m.piece(e.At, source{peer: l.peer}, e.ID, e.Bytes)
}

// piece takes a piece of anybody: it counts when its hash is right, waits while its
// beacon is not there, and costs its sender the connection when it is false.
func (m *machine) piece(at time.Time, from source, id swarm.PieceID, b []byte) {
	err := m.verifier.Piece(id, b)
	switch {
	case err == nil:
		m.genuine(at, from, id, b)
	case errors.Is(err, beacon.ErrUnknown):
		if !m.pending.Add(m.since(at), from.peer, id, b) {
			m.forgotten(beacon.Held{From: from.peer, ID: id})
		}
	case errors.Is(err, beacon.ErrPiece):
		m.v.count(func(s *Stats) { s.InvalidPieces++ })
		signed, _, _ := m.verifier.Find(id)
		m.accuse(at, from.peer, id, accusation{beacon: signed.Raw, piece: b})
	}
}

// forgotten counts a piece whose beacon did not come.
func (m *machine) forgotten(beacon.Held) {
	m.v.count(func(s *Stats) { s.UnknownPieces++ })
}

// accuse tells the policy of what is false, and by it the edge.
func (m *machine) accuse(at time.Time, peer swarm.PeerID, id swarm.PieceID, a accusation) {
	if peer != swarm.Edge {
		m.banned(peer)
	}
	m.accusation = a
	m.step(at, swarm.Event{Kind: swarm.EventInvalid, Peer: peer, ID: id})
	m.accusation = accusation{}
}

// genuine takes a verified piece, which the policy may pass on at once.
func (m *machine) genuine(at time.Time, from source, id swarm.PieceID, b []byte) {
	c, i := m.store.find(m.verifier, id)
	if c == nil {
		return // It was played long ago.
	}
	m.v.count(func(s *Stats) { s.take(from, c.pieces[i] != nil, len(b)) })
	c.put(at, i, b)
	m.step(at, swarm.Event{Kind: swarm.EventPiece, Peer: from.peer, ID: id, Size: len(b), Hedged: from.hedged})
}

func (s *Stats) take(from source, again bool, n int) {
	size := int64(n)
	switch {
	case again:
		s.DuplicateBytes += size
	case from.start:
		s.StartBytes += size
	case from.hedged:
		s.HedgeBytes += size
	case from.peer == swarm.Edge:
		s.EdgeBytes += size
	default:
		s.PeerBytes += size
	}
}
