package swarm

import (
	"slices"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// act does what the Brain wants. What it lends is copied before it waits.
func (v *viewer) act(a policy.Action) {
	switch a.Kind {
	case policy.ActionConnect:
		v.connect(a.Peer, a.Offer)
	case policy.ActionClose:
		if l := v.link(a.Peer); l != nil {
			l.hangUp(v, a.Reason, l.rtt/2)
		}
	case policy.ActionFeed:
		v.toEdge(func(e *edge, m *member) { m.setFeed(e, a.Subs, a.ID) })
	case policy.ActionHedge:
		ids := slices.Clone(a.IDs)
		v.toEdge(func(e *edge, m *member) { m.hedge(e, a.Count, ids) })
	case policy.ActionUnhedge:
		// The edge answers at once: it comes too late.
	case policy.ActionParents:
		v.setParents(slices.Clone(a.Parents))
	case policy.ActionReport:
		v.report(*a.Report)
	case policy.ActionInvalid:
		v.tell(policy.TrackerEvent{Kind: policy.TrackerInvalid, Other: a.Peer, Proven: true})
	case policy.ActionBye:
		v.toEdge(func(e *edge, m *member) { e.step(policy.TrackerEvent{Kind: policy.TrackerLeave, Peer: v.id}) })
	case policy.ActionPush:
		v.push(a.Peer, a.ID)
	case policy.ActionState:
		v.mode = a.Mode
	default:
		v.say(a)
	}
}

// said are the messages to peers, by the action that sends them.
var said = map[policy.ActionKind]policy.EventKind{
	policy.ActionSub: policy.EventSub, policy.ActionUnsub: policy.EventUnsub, policy.ActionHave: policy.EventHave,
	policy.ActionPull: policy.EventPull, policy.ActionCancel: policy.EventCancel, policy.ActionRefuse: policy.EventRefuse,
	policy.ActionLeave: policy.EventLeave,
}

// say sends a message to a peer, if there is a connection.
func (v *viewer) say(a policy.Action) {
	l := v.link(a.Peer)
	if l == nil {
		return
	}
	if a.Kind == policy.ActionPull {
		for _, id := range a.IDs {
			v.asked[pull{a.Peer, v.w.stream.index(id)}] = true
		}
	}
	l.say(v, policy.Event{
		Kind: said[a.Kind], Sub: a.Sub, ID: a.ID, IDs: slices.Clone(a.IDs), Have: cloneMaps(a.Have), Reason: a.Reason,
	})
}

func cloneMaps(maps []policy.HaveMap) []policy.HaveMap {
	out := slices.Clone(maps)
	for i := range out {
		out[i].Bits = slices.Clone(out[i].Bits)
	}
	return out
}

// connect makes the offer, or waits for the other side's.
func (v *viewer) connect(to policy.PeerID, offer bool) {
	if offer {
		v.w.dial(v, to)
		return
	}
	v.w.after(v.w.cfg.Network.GiveUp, func() {
		if v.watches && v.link(to) == nil && !v.w.dialing[pairOf(v.id, to)] {
			v.step(policy.Event{Kind: policy.EventFailed, Peer: to})
		}
	})
}

// push sends a piece to a peer, its beacon with the first of its chunk. To push what was
// not verified is the one thing that must never happen.
func (v *viewer) push(to policy.PeerID, id policy.PieceID) {
	i, l := v.w.stream.index(id), v.link(to)
	if i < 0 || v.came[i] == 0 {
		v.w.tally().unverified++
		return
	}
	if l == nil || v.part.withholds(v) {
		return
	}
	p := &v.w.stream.pieces[i]
	bytes := p.size
	if v.w.stream.chunks[p.chunk].piece == i {
		bytes += v.w.stream.chunks[p.chunk].beacon
	}
	v.upBytes += int64(bytes)
	v.w.tally().up += int64(bytes)
	l.from(v).send(&parcel{from: v, piece: i, bytes: bytes, invalid: v.part.poisons(v)})
}

// setParents notes who feeds it now, and tells the edge.
func (v *viewer) setParents(now []policy.PeerID) {
	before := v.parents
	v.parents = now
	for sub, parent := range before {
		if sub < len(now) && parent != now[sub] {
			v.w.noteLeft(parent)
		}
	}
	v.tell(policy.TrackerEvent{Kind: policy.TrackerParents, Parents: now})
}

// report tells the edge what the Brain counted.
func (v *viewer) report(r policy.Report) {
	r.Lag, r.Peers = slices.Clone(r.Lag), slices.Clone(r.Peers)
	v.part.lies(&r)
	v.tell(policy.TrackerEvent{Kind: policy.TrackerReport, Report: &r})
}
