package swarm

import "slices"

// Words for refusals, as on the wire.
const (
	refuseFull    Reason = "full"
	refuseLoop    Reason = "loop"
	refuseUnknown Reason = "unknown"
)

// tellHave tells every open neighbour what is here.
func (v *Viewer) tellHave() {
	if v.mode != ModeOn || v.slots() == 0 {
		return
	}
	maps := v.table.haveMaps()
	if len(maps) == 0 {
		return
	}
	for _, p := range v.peers {
		if p.open {
			v.do(Action{Kind: ActionHave, Peer: p.id, Have: maps})
		}
	}
}

// haveCame keeps a neighbour's have-maps, and notes where it is ahead.
func (v *Viewer) haveCame(p *peer, maps []HaveMap) {
	p.have, p.left = bounded(maps), false
	for _, e := range v.table.missing {
		if !e.have && p.has(e.id) {
			p.aheadAt[e.sub] = v.now
		}
	}
}

// subscribed: a neighbour wants a sub-stream pushed.
func (v *Viewer) subscribed(p *peer, sub int, from PieceID) {
	if sub < 0 || sub >= len(v.subs) {
		return
	}
	if reason := v.refusal(p, sub); reason != "" {
		v.do(Action{Kind: ActionRefuse, Peer: p.id, Reason: reason, Sub: sub})
		return
	}
	if !p.children[sub] {
		p.children[sub], p.since[sub] = true, v.now
	}
	p.from[sub] = from
	v.backlog(p, sub)
}

func (v *Viewer) refusal(p *peer, sub int) Reason {
	switch {
	case v.mode != ModeOn || p.score < -40_000:
		return refuseFull
	case v.subs[sub].parent == p.id || v.subs[sub].trial == p.id:
		return refuseLoop
	case !p.children[sub] && v.taken() >= v.slots():
		return refuseFull
	}
	return ""
}

// backlog pushes what is here of a sub-stream already.
func (v *Viewer) backlog(p *peer, sub int) {
	for _, g := range v.table.groups {
		for _, e := range g.pieces {
			if has(e) && e.sub == sub && !e.id.Less(p.from[sub]) && v.useful(e) {
				p.offer(e)
			}
		}
	}
}

func (v *Viewer) unsubscribed(p *peer, sub int) {
	if sub >= 0 && sub < len(v.subs) {
		p.drop(sub)
	}
}

func (p *peer) drop(sub int) {
	p.children[sub] = false
	p.queue = slices.DeleteFunc(p.queue, func(e *entry) bool { return e.sub == sub })
}

// orphan stops feeding a neighbour.
func (v *Viewer) orphan(p *peer) {
	clear(p.children)
	p.queue = nil
}

// pulled: a neighbour asks for pieces. It gets those that are here when nothing
// else waits to be sent.
func (v *Viewer) pulled(p *peer, ids []PieceID) {
	var none []PieceID
	reason := refuseUnknown
	for _, id := range ids[:min(len(ids), maxIDs)] {
		e := v.table.find(id)
		switch {
		case !has(e):
			none = append(none, id)
		case v.mode != ModeOn || !v.spare(e.size) || p.score < -40_000:
			none, reason = append(none, id), refuseFull
		default:
			v.push(p, e)
		}
	}
	if len(none) > 0 {
		v.do(Action{Kind: ActionRefuse, Peer: p.id, Reason: reason, IDs: none})
	}
}

// refused: a neighbour does not give what it was asked for.
func (v *Viewer) refused(p *peer, e Event) {
	if len(e.IDs) > 0 {
		for _, id := range e.IDs[:min(len(e.IDs), maxIDs)] {
			p.answered(id)
		}
		return
	}
	if e.Sub < 0 || e.Sub >= len(v.subs) {
		return
	}
	p.faults += 333
	s := &v.subs[e.Sub]
	if s.want == p.id {
		s.want = s.parent
	}
	if s.trial == p.id {
		s.trial = Edge
	}
	if s.parent == p.id {
		s.want = Edge
		v.lose(e.Sub)
	}
}
