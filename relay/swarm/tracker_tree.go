package swarm

import "slices"

// attach moves m in the tree of s under p, nil being the edge. It keeps the books
// only; the caller has seen to it that there is no loop.
func (t *Tracker) attach(m *member, s int, p *member) {
	b := &m.branches[s]
	if old := b.parent; old != nil {
		ob := &old.branches[s]
		ob.children = slices.DeleteFunc(ob.children, func(c *member) bool { return c == m })
		old.used--
		t.refile(old)
		if b.confirmed {
			b.was = old
		}
	}
	b.parent, b.changedAt, b.confirmed = p, t.now, p == nil
	b.lag, b.dev = 0, 0
	if p != nil {
		p.branches[s].children = append(p.branches[s].children, m)
		p.used++
		t.refile(p)
	}
	deepen(m, s)
	t.fileRoot(m, s)
}

// fileRoot keeps the list of edge-fed subscriptions true.
func (t *Tracker) fileRoot(m *member, s int) {
	if m.branches[s].parent == nil && m.mode != ModeEdge && t.members[m.id] == m {
		t.roots[s].put(m)
	} else {
		t.roots[s].take(m)
	}
}

// deepen sets the depths of m and all below.
func deepen(m *member, s int) {
	b := &m.branches[s]
	b.depth = 1
	if b.parent != nil {
		b.depth = b.parent.branches[s].depth + 1
	}
	for _, c := range b.children {
		deepen(c, s)
	}
}

// height is how many levels are below m.
func height(m *member, s int) int {
	h := 0
	for _, c := range m.branches[s].children {
		h = max(h, 1+height(c, s))
	}
	return h
}

// under says whether p is m, or somewhere below.
func under(p, m *member, s int) bool {
	for ; p != nil; p = p.branches[s].parent {
		if p == m {
			return true
		}
	}
	return false
}

// give attaches m under p and tells both. Without a parent the edge feeds.
func (t *Tracker) give(m *member, s int, p *member) {
	if m.branches[s].parent != p {
		t.attach(m, s, p)
	}
	if p == nil {
		t.say(TrackerAction{Kind: TrackerAssign, To: m.id, Sub: s, Peer: Edge})
		return
	}
	t.introduce(m, p, false)
	t.say(TrackerAction{Kind: TrackerAssign, To: p.id, Sub: s, Peer: p.id, Child: m.id})
	t.say(TrackerAction{Kind: TrackerAssign, To: m.id, Sub: s, Peer: p.id})
}

// parents takes in who feeds a viewer by its own account. What was assigned just
// now may still be on its way.
func (t *Tracker) parents(m *member, parents []PeerID) {
	if len(parents) != len(m.branches) || m.mode == ModeEdge {
		return
	}
	for s, id := range parents {
		b := &m.branches[s]
		if b.was != nil && b.was.id != id {
			b.was = nil
		}
		switch {
		case b.parent == nil && id == Edge:
		case b.parent != nil && b.parent.id == id:
			b.confirmed = true
			t.serves(m, s)
		case !b.confirmed && b.parent != nil:
		case id == Edge:
			t.wentHome(m, s)
		default:
			t.moved(m, s, id)
		}
	}
}

// wentHome: a viewer left its parent for the edge. With the connection still
// there it was not content.
func (t *Tracker) wentHome(m *member, s int) {
	b := &m.branches[s]
	p := b.parent
	if l := m.link(p.id); l != nil && l.open {
		t.shunPair(m, p.id, failShun/10)
		b.hold = t.now + holdTime<<min(b.trips, 5)
		b.trips++
	}
	t.attach(m, s, nil)
	b.was = nil
}

// moved: a viewer chose a standby itself. It stays when the tree allows.
func (t *Tracker) moved(m *member, s int, id PeerID) {
	p := t.members[id]
	b := &m.branches[s]
	if p == nil || p.mode != ModeOn || under(p, m, s) || t.tooMany(m, s, p) || p.branches[s].depth+1+height(m, s) > t.params.Depth {
		t.attach(m, s, nil)
		t.give(m, s, t.choose(m, s, nil))
		return
	}
	t.attach(m, s, p)
	b.confirmed, b.was = true, nil
}
