package swarm

import (
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// carry tells a member what the tracker wants told.
func (d *desk) carry(a policy.TrackerAction) {
	m := d.members[a.To]
	if m == nil {
		return
	}
	switch a.Kind {
	case policy.TrackerCandidates:
		d.candidates(m, a.Candidates)
	case policy.TrackerAssign:
		m.post(&wire.Assign{Sub: a.Sub, Peer: a.Peer, Child: a.Child})
	case policy.TrackerMode:
		d.r.edge.metrics.left(&m.standing)
		m.standing.mode, m.standing.reason = a.Mode, a.Reason
		d.r.edge.metrics.seated(&m.standing)
		m.post(&wire.Mode{Mode: a.Mode, Reason: a.Reason})
	case policy.TrackerSlots:
		m.post(&wire.Slots{Slots: a.Count})
	case policy.TrackerDelay:
		m.post(&wire.Delay{Delay: wire.Millis(a.Delay)})
	case policy.TrackerDrop:
		m.post(&wire.Drop{Peer: a.Peer, Reason: a.Reason, Ban: wire.Millis(a.Delay)})
	case policy.TrackerEnd:
		if a.Reason == "banned" {
			d.r.edge.metrics.bans.Inc()
			d.r.edge.ban(m.profile.Address)
		}
		m.expel(a.Reason)
	}
}

// candidates makes peers known to a member, and it to them: as many as may be.
func (d *desk) candidates(m *member, all []policy.Candidate) {
	msg := &wire.Candidates{}
	for _, c := range all {
		other := d.members[c.Peer]
		if other == nil || other == m || other.hello.Fingerprint == "" || m.hello.Fingerprint == "" {
			continue
		}
		p := d.acquaint(m, other)
		if p == nil {
			d.r.edge.metrics.withheld.Inc()
			continue
		}
		role := wire.RoleParent
		if c.Standby {
			role = wire.RoleStandby
		}
		msg.Peers = append(msg.Peers, wire.CandidatePeer{
			Peer: c.Peer, Role: role, Fingerprint: other.hello.Fingerprint, Offer: c.Offer, Near: c.Near,
			Prefix: c.Prefix, ASN: c.ASN, Token: p.token,
		})
	}
	if len(msg.Peers) > 0 {
		m.post(msg)
	}
}

// acquaint gives the pair of two members, nil when one of them has learnt of too many
// already. What it has learnt of both count.
func (d *desk) acquaint(a, b *member) *pair {
	now := time.Now()
	p := a.standing.known[b.id]
	if p == nil {
		if !a.standing.mayLearn(now) || !b.standing.mayLearn(now) {
			return nil
		}
		p = new(pair)
		for _, s := range []*standing{&a.standing, &b.standing} {
			s.revealed = append(s.revealed, now)
			d.r.edge.metrics.revealed.Inc()
		}
		a.standing.known[b.id], b.standing.known[a.id] = p, p
	}
	if now.After(p.expires) {
		p.expires = now.Add(tokenLife)
		p.token = d.r.edge.issuer.token(string(d.r.key.namespace)+"\x00"+d.r.key.track,
			party{a.id, a.hello.Fingerprint}, party{b.id, b.hello.Fingerprint}, p.expires)
	}
	return p
}

// mayLearn tells whether a member may learn of one more peer.
func (s *standing) mayLearn(now time.Time) bool {
	for len(s.revealed) > 0 && now.Sub(s.revealed[0]) > revealWithin {
		s.revealed = s.revealed[1:]
	}
	return len(s.revealed) < maxRevealed
}
