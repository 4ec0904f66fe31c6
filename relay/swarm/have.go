package swarm

// Bounds of a have-map, as on the wire.
const (
	maxHaveMaps = 4
	maxHaveBits = 32 * 8
)

func (m HaveMap) has(id PieceID) bool {
	if m.Group != id.Group || id.N < m.N {
		return false
	}
	i := id.N - m.N
	return i < uint32(len(m.Bits)*8) && m.Bits[i/8]>>(i%8)&1 != 0
}

// haveMaps gives the newest pieces that are there, the newest group first.
func (t *table) haveMaps() []HaveMap {
	var maps []HaveMap
	for i := len(t.groups) - 1; i >= 0 && len(maps) < maxHaveMaps; i-- {
		if m := t.groups[i].have(); len(m.Bits) > 0 {
			maps = append(maps, m)
		}
	}
	return maps
}

func (g *groupTable) have() HaveMap {
	from := max(0, len(g.pieces)-maxHaveBits)
	for from < len(g.pieces) && !has(g.pieces[from]) {
		from++
	}
	to := len(g.pieces)
	for to > from && !has(g.pieces[to-1]) {
		to--
	}
	m := HaveMap{Group: g.id, N: g.base + uint32(from)}
	if to == from {
		return m
	}
	m.Bits = make([]byte, (to-from+7)/8)
	for i := from; i < to; i++ {
		if has(g.pieces[i]) {
			m.Bits[(i-from)/8] |= 1 << ((i - from) % 8)
		}
	}
	return m
}

func has(e *entry) bool { return e != nil && e.have }

// bounded keeps what a have-map may hold.
func bounded(maps []HaveMap) []HaveMap {
	kept := make([]HaveMap, 0, maxHaveMaps)
	for _, m := range maps[:min(len(maps), maxHaveMaps)] {
		m.Bits = append([]byte(nil), m.Bits[:min(len(m.Bits), maxHaveBits/8)]...)
		kept = append(kept, m)
	}
	return kept
}
