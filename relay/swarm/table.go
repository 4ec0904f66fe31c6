package swarm

import "slices"

// Bounds of the piece table.
const (
	maxGroups     = 16
	maxGroupTable = 1 << 14
	maxMissing    = 1 << 13
	// keep is how long pieces stay known after their deadline.
	keep = 3 * second
	// giveUp is how long after its deadline a piece is still asked for: the player
	// waits for it.
	giveUp = 2 * second
)

// entry is a piece that a beacon told of.
type entry struct {
	id   PieceID
	sub  int
	size int
	pts  int64
	seen int64
	have bool
	// tried: its time for a gap pull has passed.
	tried  bool
	pulled PeerID
	// hedges counts the requests to the edge, hedgedAt is when the last one went.
	hedges   int
	hedge    int
	hedgedAt int64
}

// groupTable holds the pieces of a group from base on; nil is one of which no
// beacon has told.
type groupTable struct {
	id     uint64
	base   uint32
	pieces []*entry
}

// table is the window of pieces that count. missing are those not there, as their
// beacons came; those that came since are taken out by sweep.
type table struct {
	groups  []*groupTable
	missing []*entry
}

func (t *table) group(id uint64) *groupTable {
	for _, g := range slices.Backward(t.groups) {
		if g.id == id {
			return g
		}
	}
	return nil
}

func (t *table) find(id PieceID) *entry {
	g := t.group(id.Group)
	if g == nil || id.N < g.base || id.N-g.base >= uint32(len(g.pieces)) {
		return nil
	}
	return g.pieces[id.N-g.base]
}

// next is the first piece after all that are known.
func (t *table) next() PieceID {
	if len(t.groups) == 0 {
		return PieceID{}
	}
	g := t.groups[len(t.groups)-1]
	return PieceID{Group: g.id, N: g.base + uint32(len(g.pieces))}
}

// add takes a piece in and says whether it is new.
func (t *table) add(e *entry) bool {
	if len(t.missing) >= maxMissing {
		return false
	}
	g := t.group(e.id.Group)
	if g == nil {
		if g = t.open(e.id); g == nil {
			return false
		}
	}
	if !g.place(e) {
		return false
	}
	t.missing = append(t.missing, e)
	return true
}

// open makes room for a group; older ones than the window holds stay out.
func (t *table) open(first PieceID) *groupTable {
	at := len(t.groups)
	for at > 0 && t.groups[at-1].id > first.Group {
		at--
	}
	if len(t.groups) >= maxGroups {
		if at == 0 {
			return nil
		}
		t.groups = slices.Delete(t.groups, 0, 1)
		at--
	}
	g := &groupTable{id: first.Group, base: first.N}
	t.groups = slices.Insert(t.groups, at, g)
	return g
}

func (g *groupTable) place(e *entry) bool {
	n := e.id.N
	if len(g.pieces) == 0 {
		g.base = n
	}
	if n < g.base {
		more := int(g.base - n)
		if more+len(g.pieces) > maxGroupTable {
			return false
		}
		g.pieces = slices.Insert(g.pieces, 0, make([]*entry, more)...)
		g.base = n
	}
	i := int(n - g.base)
	if i >= maxGroupTable {
		return false
	}
	for len(g.pieces) <= i {
		g.pieces = append(g.pieces, nil)
	}
	if g.pieces[i] != nil {
		return false
	}
	g.pieces[i] = e
	return true
}

// prune forgets pieces with a PTS below pts, from the front of each group, and
// groups of which nothing is left but the newest.
func (t *table) prune(pts int64) {
	for _, g := range t.groups {
		old := 0
		for old < len(g.pieces) && (g.pieces[old] == nil || g.pieces[old].pts < pts) {
			old++
		}
		g.pieces = slices.Delete(g.pieces, 0, old)
		g.base += uint32(old)
	}
	for len(t.groups) > 1 && len(t.groups[0].pieces) == 0 {
		t.groups = slices.Delete(t.groups, 0, 1)
	}
}

// sweep takes out of missing what is there, and what is before pts.
func (t *table) sweep(pts int64) {
	t.missing = slices.DeleteFunc(t.missing, func(e *entry) bool { return e.have || e.pts < pts })
}

// firstMissing is the first piece of sub that is not there and not asked of the
// edge; next when there is none.
func (t *table) firstMissing(sub int) PieceID {
	first := t.next()
	for _, e := range t.missing {
		if e.sub == sub && !e.have && e.hedges == 0 && e.id.Less(first) {
			first = e.id
		}
	}
	return first
}
