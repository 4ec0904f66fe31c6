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

// candidates makes peers known to a member. How many it may learn of the tracker counts.
func (d *desk) candidates(m *member, all []policy.Candidate) {
	msg := &wire.Candidates{}
	for _, c := range all {
		other := d.members[c.Peer]
		if other == nil || other == m || other.hello.Fingerprint == "" || m.hello.Fingerprint == "" {
			continue
		}
		p := d.acquaint(m, other)
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

// acquaint gives the pair of two members, a new one if they did not know each other.
func (d *desk) acquaint(a, b *member) *pair {
	now := time.Now()
	p := a.standing.known[b.id]
	if p == nil {
		p = new(pair)
		d.r.edge.metrics.revealed.Add(2)
		a.standing.known[b.id], b.standing.known[a.id] = p, p
	}
	if now.After(p.expires) {
		p.expires = now.Add(tokenLife)
		p.token = d.r.edge.issuer.token(string(d.r.key.namespace)+"\x00"+d.r.key.track,
			party{a.id, a.hello.Fingerprint}, party{b.id, b.hello.Fingerprint}, p.expires)
	}
	return p
}
