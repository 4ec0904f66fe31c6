package swarm

import "time"

const (
	// attempts bounds the work of one tick.
	attempts = 160
	// maxFailures ends it early: there is no room.
	maxFailures = 24
	// draws is how many are looked at in each bag.
	draws = 6
	// moveShare of the subscriptions may be moved per second, at least moveLeast.
	moveShare = 0.02
	moveLeast = 4
	// farCost is put on parents of another country. newCost is put on those to whom a
	// connection must be made first: it may fail, takes a second, and makes one more
	// known; what is in time is in time, so neighbours come first. crowdCost is put on
	// those too many of whose kind feed this viewer already: they are taken when there
	// is nobody else. thinCost is put on those who feed others, but nobody in this
	// sub-stream: whoever gives many of his slots to few sub-streams keeps their trees
	// flat, and a flat tree can still be put under somebody.
	farCost   = 60 * time.Millisecond
	newCost   = 200 * time.Millisecond
	thinCost  = 200 * time.Millisecond
	crowdCost = 10 * time.Second
	// regionTime is how long a free slot is kept for those of the same region.
	regionTime = 3 * time.Second
	// choiceEnough members of other prefixes are choice enough to never let one
	// prefix bring too much; below, as in an office, it does when nobody else can.
	choiceEnough = 8
	// pieceBits stands for a piece on the line.
	pieceBits = MaxPiece * 8
)

// refill gives the moves that the time allows.
func (t *Tracker) refill() {
	per := max(moveLeast, moveShare*float64(len(t.members)*t.params.Subs))
	t.moves = min(per, t.moves+per*(t.now-t.movedAt).Seconds())
	t.movedAt = t.now
}

// improve puts edge-fed subscriptions under free slots, the weak first; and when
// there is no room for a weak one it changes places with a strong one, whose slots
// count for more near the edge.
func (t *Tracker) improve() {
	failures := 0
	for range min(attempts, 2*len(t.members)*t.params.Subs) {
		s := t.cursor % t.params.Subs
		t.cursor++
		m := t.weakRoot(s)
		if m == nil {
			continue
		}
		if p := t.choose(m, s, nil); p != nil {
			t.give(m, s, p)
			continue
		}
		if t.moves >= 2 {
			t.swap(m, s)
		}
		if failures++; failures >= maxFailures {
			return
		}
	}
}

// weakRoot draws an edge-fed viewer, of three the one with the fewest slots.
func (t *Tracker) weakRoot(s int) *member {
	roots := t.roots[s].items
	if len(roots) == 0 || len(t.free.all.items) == 0 {
		return nil
	}
	var weak *member
	for range 3 {
		m := roots[t.rand.IntN(len(roots))]
		if t.ready(m, s) && (weak == nil || m.slots < weak.slots) {
			weak = m
		}
	}
	return weak
}

// ready: the subscription may be given to a peer now.
func (t *Tracker) ready(m *member, s int) bool {
	return m.mode != ModeEdge && t.now >= m.branches[s].hold
}

// swap: of those with free slots a strong one deep in the tree becomes a root,
// and the weak root takes its place.
func (t *Tracker) swap(weak *member, s int) {
	free := t.free.all.items
	for range draws {
		if len(free) == 0 {
			return
		}
		x := free[t.rand.IntN(len(free))]
		b := &x.branches[s]
		if x.slots < weak.slots+2 || b.depth < 3 || b.depth+height(weak, s) > t.params.Depth || !b.confirmed || t.now-b.changedAt < 5*time.Second {
			continue
		}
		p := b.parent
		if p == weak || under(p, weak, s) || !t.fits(weak, s, p, 1) {
			continue
		}
		t.moves -= 2
		t.attach(x, s, nil)
		t.give(x, s, nil)
		t.give(weak, s, p)
		return
	}
}

// choose finds the parent with the least predicted arrival, among neighbours and
// among those with free slots that are near; nil when nobody will do. Not is left
// out.
func (t *Tracker) choose(m *member, s int, not *member) *member {
	if !t.ready(m, s) {
		return nil
	}
	c := choice{t: t, m: m, s: s, not: not, height: height(m, s)}
	for _, l := range m.links {
		c.look(l.other)
	}
	for _, b := range t.free.near(m) {
		c.draw(b)
	}
	return c.best
}

// choice is the search for a parent.
type choice struct {
	t      *Tracker
	m      *member
	s      int
	not    *member
	height int
	best   *member
	cost   time.Duration
}

func (c *choice) draw(b *bag) {
	if b == nil {
		return
	}
	if len(b.items) <= draws {
		for _, p := range b.items {
			c.look(p)
		}
		return
	}
	for range draws {
		c.look(b.items[c.t.rand.IntN(len(b.items))])
	}
}

func (c *choice) look(p *member) {
	if p == c.not || p == c.best || p.spare() <= 0 || p.branches[c.s].depth+1+c.height > c.t.params.Depth ||
		!c.t.fits(c.m, c.s, p, 0) || under(p, c.m, c.s) {
		return
	}
	if cost := c.t.cost(c.m, c.s, p); c.best == nil || cost < c.cost {
		c.best, c.cost = p, cost
	}
}

// fits says whether p may feed m in s, the shape of the tree aside; freed is how
// many of p's slots come free with it.
func (t *Tracker) fits(m *member, s int, p *member, freed int) bool {
	if p == m || p.mode != ModeOn || p.spare()+freed <= 0 || len(p.branches[s].children)-freed >= max(1, (p.slots+1)/2) {
		return false
	}
	if p.branches[s].parent == m || !p.trusted() || m.shuns(p.id, t.now) || p.shuns(m.id, t.now) {
		return false
	}
	if t.guarded(m, s) && !t.proven(p) {
		return false
	}
	if t.tooMany(m, s, p) || t.keptFor(p, m) {
		return false
	}
	if m.link(p.id) == nil && (!t.mayReveal(m) || !t.mayReveal(p)) {
		return false
	}
	return t.arrival(m, s, p) <= t.params.Delay-t.params.HedgeStart-t.params.GapPull
}

// arrival is when a piece from p is likely to be there, after its beacon.
func (t *Tracker) arrival(m *member, s int, p *member) time.Duration {
	b := &p.branches[s]
	lag := b.lag
	if lag == 0 {
		lag = time.Duration(b.depth-1) * 80 * time.Millisecond
	}
	line := p.uplink
	if line <= 0 {
		line = unknownUplink
	}
	send := time.Duration(int64(len(b.children)+1) * pieceBits * int64(time.Second) / line)
	return lag + b.dev*164/100 + t.rtt(m, p)/2 + p.queue + send
}

// rtt between two members: measured, or by how near they are.
func (t *Tracker) rtt(m, p *member) time.Duration {
	if l := m.link(p.id); l != nil && l.rtt > 0 {
		return l.rtt
	}
	a, b := &m.profile, &p.profile
	switch {
	case a.ASN != 0 && a.ASN == b.ASN && a.Country == b.Country:
		return 25 * time.Millisecond
	case a.Country != "" && a.Country == b.Country && a.Region == b.Region:
		return 35 * time.Millisecond
	case a.Country == b.Country:
		return 50 * time.Millisecond
	}
	return 120 * time.Millisecond
}

// cost orders parents: predicted arrival, and what else speaks against one.
func (t *Tracker) cost(m *member, s int, p *member) time.Duration {
	cost := t.arrival(m, s, p)
	l := m.link(p.id)
	if l == nil || !l.open {
		cost += newCost
	}
	if m.profile.Country != p.profile.Country {
		cost += farCost
	}
	if p.used > 0 && len(p.branches[s].children) == 0 {
		cost += thinCost
	}
	if t.crowded(m, s, p) {
		cost += crowdCost
	}
	return cost
}
