package swarm

import (
	"slices"
	"time"
)

// member is a viewer as its edge knows it.
type member struct {
	id       PeerID
	place    int // In Tracker.order.
	profile  Profile
	prefix   int
	joinedAt time.Duration
	hiddenAt time.Duration
	mode     Mode
	reason   Reason
	// willing: nothing but the size of the swarm keeps it out.
	willing bool

	// slots is how many sub-streams it can push, used how many it is to; limit is
	// what it was told at most.
	slots, used, limit int
	over               int // Reports in a row with fewer slots than are used.
	uplink             int64
	queue              time.Duration
	branches           []branch

	links  []*link // As they were made known.
	failed []shun
	// past are those it was connected to a short while ago.
	past     []shun
	revealed []time.Duration
	served   []time.Duration // When others first said to be fed by it.
	metAt    time.Duration   // When it was last made known to somebody.
	standby  bool            // It has got its standby neighbours.

	freeAt time.Duration // Since when it has a free slot.

	opinions []opinion
	accusers []uint32
	wordAt   time.Duration // When its lone word was believed.
	at       [bagCount]int
}

// branch is a member's place in the tree of one sub-stream.
type branch struct {
	parent    *member // nil is the edge.
	depth     int     // 1 is fed by the edge.
	children  []*member
	changedAt time.Duration
	confirmed bool
	// was fed it before, and may still until the viewer says who does now.
	was      *member
	lag, dev time.Duration
	// hold keeps it on the edge until then; trips counts how often.
	hold  time.Duration
	trips int
}

// shun keeps a pair apart.
type shun struct {
	peer  PeerID
	until time.Duration
}

func (m *member) spare() int { return m.slots - m.used }

// join takes a viewer in.
func (t *Tracker) join(id PeerID, p *Profile) {
	if id == Edge || p == nil {
		return
	}
	if old := t.members[id]; old != nil {
		t.leave(old)
	}
	m := &member{
		id: id, place: len(t.order), profile: *p, prefix: t.prefixClass(p.Address), joinedAt: t.now, hiddenAt: t.now,
		limit: -1, branches: make([]branch, t.params.Subs), uplink: p.Uplink,
	}
	for s := range m.branches {
		m.branches[s].depth = 1
	}
	t.members[id] = m
	t.prefixes[m.prefix]++
	t.asns[p.ASN]++
	t.order = append(t.order, m)
	t.present.put(m)
	t.decide(m)
	t.tellLimit(m)
	if t.load.extra > 0 {
		t.say(TrackerAction{Kind: TrackerDelay, To: id, Delay: t.params.Delay + t.load.extra})
	}
}

// update takes a new profile; where the viewer is does not change.
func (t *Tracker) update(m *member, p *Profile) {
	if p == nil {
		return
	}
	if p.Hidden && !m.profile.Hidden {
		m.hiddenAt = t.now
	}
	old := m.profile
	m.profile = *p
	m.profile.Address, m.profile.ASN, m.profile.Carrier = old.Address, old.ASN, old.Carrier
	m.profile.Country, m.profile.Region, m.profile.Control = old.Country, old.Region, old.Control
	t.decide(m)
	t.tellLimit(m)
}

// leave takes a viewer out; those it fed get other parents at once.
func (t *Tracker) leave(m *member) {
	t.uproot(m)
	t.present.take(m)
	t.free.take(m)
	for s := range t.roots {
		t.roots[s].take(m)
	}
	if m.willing {
		m.willing = false
		t.willing--
	}
	for _, l := range m.links {
		l.other.links = slices.DeleteFunc(l.other.links, func(k *link) bool { return k.other == m })
	}
	m.links = nil
	delete(t.members, m.id)
	if t.prefixes[m.prefix]--; t.prefixes[m.prefix] == 0 {
		delete(t.prefixes, m.prefix)
	}
	if t.asns[m.profile.ASN]--; t.asns[m.profile.ASN] == 0 {
		delete(t.asns, m.profile.ASN)
	}
	t.order[m.place] = nil
	t.gone++
}

// uproot takes a member out of all trees, and finds other parents for its
// children.
func (t *Tracker) uproot(m *member) {
	for s := range m.branches {
		t.attach(m, s, nil)
		t.evict(m, s)
	}
}

// evict sends a member's children in s elsewhere, those that feed most first.
func (t *Tracker) evict(m *member, s int) {
	orphans := slices.Clone(m.branches[s].children)
	for _, c := range orphans {
		t.attach(c, s, nil)
	}
	slices.SortStableFunc(orphans, func(a, b *member) int { return b.slots - a.slots })
	for _, c := range orphans {
		if p := t.choose(c, s, m); p != nil {
			t.give(c, s, p)
		} else {
			t.give(c, s, nil)
		}
	}
}

// report takes in what a viewer says of itself and of its neighbours.
func (t *Tracker) report(m *member, r *Report) {
	m.queue = min(max(r.Queue, 0), 10*time.Second)
	m.uplink = max(r.Uplink, 0)
	for s := range m.branches {
		if s < len(r.Lag) && m.branches[s].confirmed {
			m.branches[s].learn(min(max(r.Lag[s], 0), 10*time.Second))
		}
	}
	t.setSlots(m, r.Slots)
	for _, p := range r.Peers[:min(len(r.Peers), maxPeers)] {
		if l := m.link(p.Peer); l != nil {
			if p.RTT > 0 {
				l.rtt = min(p.RTT, 10*time.Second)
			}
			l.other.judged(m, p.Score, t.now)
		}
	}
}

// learn smooths a lag and how far it strays.
func (b *branch) learn(lag time.Duration) {
	if b.lag == 0 {
		b.lag = lag
	}
	b.dev += ((lag - b.lag).Abs() - b.dev) / 4
	b.lag += (lag - b.lag) / 4
}

// patience is how many reports in a row must have too few slots: the bitrate that
// they are counted by wavers.
const patience = 3

// setSlots bounds what a viewer claims, and takes children from those that have
// too many.
func (t *Tracker) setSlots(m *member, slots int) {
	if m.mode != ModeOn {
		slots = 0
	}
	most := int(t.params.CapFactor * float64(t.params.Subs))
	if m.limit >= 0 {
		most = min(most, m.limit)
	}
	m.slots = min(max(slots, 0), most)
	t.refile(m)
	if m.used <= m.slots {
		m.over = 0
		return
	}
	if m.over++; m.over < patience {
		return
	}
	for s := 0; s < len(m.branches) && m.used > m.slots; s++ {
		for m.used > m.slots && len(m.branches[s].children) > 0 {
			c := m.branches[s].children[len(m.branches[s].children)-1]
			t.attach(c, s, nil)
			t.give(c, s, t.choose(c, s, m))
		}
	}
}

// refile keeps the index of free slots true.
func (t *Tracker) refile(m *member) {
	if m.mode == ModeOn && m.spare() > 0 && t.members[m.id] == m {
		if !t.free.all.has(m) {
			m.freeAt = t.now
		}
		t.free.put(m)
	} else {
		t.free.take(m)
	}
}
