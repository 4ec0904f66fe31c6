package swarm

import (
	"fmt"
	"slices"
)

// CheckTrees looks whether a Tracker's books are as they must be.
func CheckTrees(t *Tracker) error {
	for _, m := range t.order {
		if m == nil {
			continue
		}
		used := 0
		for s := range m.branches {
			b := &m.branches[s]
			used += len(b.children)
			if err := checkBranch(t, m, s); err != nil {
				return fmt.Errorf("viewer %d in %d: %w", m.id, s, err)
			}
		}
		if used != m.used {
			return fmt.Errorf("viewer %d feeds %d, the books say %d", m.id, used, m.used)
		}
		if in := m.at[bagFree] != 0; in != (m.mode == ModeOn && m.spare() > 0) {
			return fmt.Errorf("viewer %d with %d of %d slots used: in the index %v", m.id, m.used, m.slots, in)
		}
	}
	return nil
}

func checkBranch(t *Tracker, m *member, s int) error {
	b := &m.branches[s]
	if in := m.at[bagRoots+s] != 0; in != (b.parent == nil && m.mode != ModeEdge) {
		return fmt.Errorf("parent %v, mode %s, among the roots %v", b.parent != nil, m.mode, in)
	}
	if b.depth > t.params.Depth {
		return fmt.Errorf("at depth %d", b.depth)
	}
	for _, c := range b.children {
		if c.branches[s].parent != m || c.branches[s].depth != b.depth+1 || t.members[c.id] != c {
			return fmt.Errorf("child %d does not agree", c.id)
		}
	}
	p := b.parent
	switch {
	case p == nil:
		return nil
	case !slices.Contains(p.branches[s].children, m):
		return fmt.Errorf("parent %d does not know it", p.id)
	case p.mode != ModeOn:
		return fmt.Errorf("parent %d is in mode %s", p.id, p.mode)
	case under(p, m, s):
		return fmt.Errorf("a loop by %d", p.id)
	}
	return nil
}

// Sizes counts what a Viewer holds: pieces, peers, bans, and what waits at peers.
func (v *Viewer) Sizes() (pieces, peers, bans, waiting int) {
	for _, g := range v.table.groups {
		pieces += len(g.pieces)
	}
	for _, p := range v.peers {
		waiting += len(p.queue) + len(p.asked) + len(p.have)
	}
	return pieces + len(v.table.missing) + len(v.hedger.open), len(v.peers), len(v.bans), waiting
}
