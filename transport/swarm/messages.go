package swarm

import (
	"context"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// take acts on a message of the viewer. An error ends its stay.
func (m *member) take(ctx context.Context, msg wire.Message) error {
	ok := true
	switch msg := msg.(type) {
	case *wire.Hello:
		return errHello
	case *wire.Feed:
		m.feeder.want(wish{from: policy.PieceID{Group: msg.Group, N: msg.N}, subs: msg.Subs})
	case *wire.Hedge:
		m.hedges.answer(ctx, msg)
	case *wire.Cancel:
		m.hedges.cancel(msg.ID)
	case *wire.Signal:
		ok = m.signal(ctx, msg)
	case *wire.Update:
		apply(&m.profile, msg)
		if m.hello.Fingerprint == "" {
			m.profile.Consent = policy.ConsentUnset
		}
		now := m.profile
		ok = m.room.do(ctx, func(d *desk) { d.update(m, &now) })
	case *wire.Link:
		ok = m.room.do(ctx, func(d *desk) { d.link(m, msg) })
	case *wire.Parents:
		ok = m.room.do(ctx, func(d *desk) { d.parents(m, msg.Parents) })
	case *wire.Report:
		ok = m.room.do(ctx, func(d *desk) { d.report(m, msg) })
	case *wire.Invalid:
		ok = m.invalid(ctx, msg)
	case *wire.Ping:
		m.post(&wire.Pong{ID: msg.ID})
	default:
	}
	if !ok {
		return errClosed
	}
	return nil
}

const (
	signalRate  = 20
	signalBurst = 200
	// signalsTo bounds what goes to one peer: a description, and a candidate for each
	// address and kind of several networks, over some attempts.
	signalsTo = 64
)

// signalLimits hold a viewer back from drowning others.
type signalLimits struct {
	bucket bucket
	to     map[policy.PeerID]int
}

func (l *signalLimits) allow(now time.Time, to policy.PeerID) bool {
	l.bucket.rate, l.bucket.burst = signalRate, signalBurst
	if l.to == nil {
		l.to = make(map[policy.PeerID]int)
	}
	if !l.bucket.take(now, 1) || l.to[to] >= signalsTo || len(l.to) > signalBurst {
		return false
	}
	l.to[to]++
	return true
}

// signal passes on what a viewer says to a peer. What may not be passed on is counted
// and left out: a browser may well offer such candidates. false is the end of the room.
func (m *member) signal(ctx context.Context, msg *wire.Signal) bool {
	cleaned, err := m.clean(msg)
	if err != nil {
		m.edge.metrics.signals.WithLabelValues(err.Error()).Inc()
		return true
	}
	return m.room.do(ctx, func(d *desk) { d.signal(m, msg.Peer, cleaned) })
}

// clean gives a signal as its receiver may see it, from this viewer.
func (m *member) clean(msg *wire.Signal) (*wire.Signal, error) {
	if !m.signals.allow(time.Now(), msg.Peer) {
		return nil, errFlood
	}
	out := &wire.Signal{Peer: m.id}
	if d := msg.Description; d != nil {
		sdp, err := cleanSDP(d.SDP, m.hello.Fingerprint, m.lan)
		if err != nil {
			return nil, err
		}
		out.Description = &wire.Description{Type: d.Type, SDP: sdp}
		return out, nil
	}
	c := *msg.Candidate
	if c.Candidate != "" {
		cleaned, ok := cleanCandidate(c.Candidate, m.lan)
		if !ok {
			return nil, errCandidate
		}
		c.Candidate = cleaned
	}
	out.Candidate = &c
	return out, nil
}

// invalid takes an accusation. The evidence is judged here: it costs a hash.
func (m *member) invalid(ctx context.Context, msg *wire.Invalid) bool {
	id := policy.PieceID{Group: msg.Group, N: msg.N}
	proven := false
	if at, ok := m.room.pieces.locate(id); ok {
		proven = m.room.beacons.proves(at, id, msg.Beacon, msg.Piece)
	}
	return m.room.do(ctx, func(d *desk) { d.invalid(m, msg.Peer, proven) })
}
