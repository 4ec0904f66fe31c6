package swarm

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// failShun keeps a pair apart whose connection failed.
	failShun = 10 * time.Minute
	// revealTime is over what time revealed peers are counted.
	revealTime = 10 * time.Minute
	// linkTime is how long a connection may be in the making.
	linkTime = 8 * time.Second
	// maxLinks bounds a member's neighbours below what a viewer holds.
	maxLinks = maxPeers - 4
	maxShuns = 32
	// fewLinks is below how many neighbours a viewer gets standbys that no tree gives
	// it: all neighbours exchange have-maps, and each one more is one more revealed.
	fewLinks   = 3
	standbyTry = 8
)

// link is one side's view of a pair that was made known to each other.
type link struct {
	other *member
	open  bool
	since time.Duration
	rtt   time.Duration
	// fed: the other has fed this side, by its word.
	fed bool
}

func (m *member) link(id PeerID) *link {
	for _, l := range m.links {
		if l.other.id == id {
			return l
		}
	}
	return nil
}

func (m *member) shuns(id PeerID, now time.Duration) bool {
	return slices.ContainsFunc(m.failed, func(s shun) bool { return s.peer == id && s.until > now })
}

func (t *Tracker) shunPair(m *member, id PeerID, during time.Duration) {
	m.failed = slices.DeleteFunc(m.failed, func(s shun) bool { return s.until <= t.now || s.peer == id && s.until < t.now+during })
	if m.shuns(id, t.now) {
		return
	}
	if len(m.failed) >= maxShuns {
		m.failed = slices.Delete(m.failed, 0, 1)
	}
	m.failed = append(m.failed, shun{id, t.now + during})
}

// mayReveal: few enough have been made known to it, and it has few enough.
func (t *Tracker) mayReveal(m *member) bool {
	if len(m.links) >= maxLinks {
		return false
	}
	over := len(m.revealed) - t.mostRevealed(m)
	return over < 0 || t.now-m.revealed[over] >= revealTime
}

// mostRevealed bounds the peers made known to a member in revealTime: so many, and
// one for each that said to be fed by it, at most as many again. Who feeds others
// must know them, and a claim to have slots must not be enough.
func (t *Tracker) mostRevealed(m *member) int {
	fresh := 0
	for _, at := range m.served {
		if t.now-at < revealTime {
			fresh++
		}
	}
	return t.cfg.Reveal + fresh
}

// serves notes that m says to be fed by its parent in s.
func (t *Tracker) serves(m *member, s int) {
	p := m.branches[s].parent
	l := m.link(p.id)
	if l == nil || l.fed {
		return
	}
	l.fed = true
	if len(p.served) >= t.cfg.Reveal {
		p.served = slices.Delete(p.served, 0, 1)
	}
	p.served = append(p.served, t.now)
}

func (t *Tracker) reveal(m *member) {
	if len(m.revealed) >= 2*t.cfg.Reveal {
		m.revealed = slices.Delete(m.revealed, 0, 1)
	}
	m.revealed = append(m.revealed, t.now)
	t.totals.revealed++
}

// introduce makes two known to each other.
func (t *Tracker) introduce(m, p *member, standby bool) {
	if m.link(p.id) != nil {
		return
	}
	m.links = append(m.links, &link{other: p, since: t.now})
	p.links = append(p.links, &link{other: m, since: t.now})
	m.metAt, p.metAt = t.now, t.now
	t.reveal(m)
	t.reveal(p)
	t.sayCandidate(m, p, standby)
	t.sayCandidate(p, m, standby)
}

func (t *Tracker) sayCandidate(to, of *member, standby bool) {
	near := to.profile.Country == of.profile.Country && (to.profile.Region == of.profile.Region || to.profile.ASN == of.profile.ASN)
	t.say(TrackerAction{Kind: TrackerCandidates, To: to.id, Candidates: []Candidate{{
		Peer: of.id, Standby: standby, Offer: to.id < of.id, Near: near, Prefix: of.prefix, ASN: int(of.profile.ASN),
	}}})
}

// revealStandby makes a viewer known to neighbours that no tree gives it.
func (t *Tracker) revealStandby(m *member) {
	m.standby = true
	for _, b := range t.present.near(m) {
		for i := 0; b != nil && i < standbyTry && len(m.links) < fewLinks; i++ {
			p := b.items[t.rand.IntN(len(b.items))]
			if p == m || p.mode != ModeOn || m.link(p.id) != nil || m.shuns(p.id, t.now) || p.shuns(m.id, t.now) ||
				!t.mayReveal(m) || !t.mayReveal(p) {
				continue
			}
			t.introduce(m, p, true)
		}
	}
}

// linked takes in what became of a connection.
func (t *Tracker) linked(m *member, e TrackerEvent) {
	l := m.link(e.Other)
	if l == nil {
		return
	}
	if e.State == LinkOpen {
		l.open = true
		if back := l.other.link(m.id); back != nil {
			back.open = true
		}
		if e.RTT > 0 {
			l.rtt = min(e.RTT, 10*time.Second)
		}
		return
	}
	if e.State == LinkFailed {
		t.shunPair(m, e.Other, failShun)
		t.shunPair(l.other, m.id, failShun)
	}
	t.unlink(m, l.other)
}

// unlink ends a pair's connection: what one fed of the other finds another parent.
func (t *Tracker) unlink(m, p *member) {
	m.remember(p.id, t.now)
	p.remember(m.id, t.now)
	m.links = slices.DeleteFunc(m.links, func(l *link) bool { return l.other == p })
	p.links = slices.DeleteFunc(p.links, func(l *link) bool { return l.other == m })
	for s := range m.branches {
		t.separate(m, p, s)
		t.separate(p, m, s)
	}
}

// remember keeps for a minute whom a member was connected to: what it says of them
// may come after the connection's end.
func (m *member) remember(id PeerID, now time.Duration) {
	m.past = slices.DeleteFunc(m.past, func(s shun) bool { return s.peer == id || s.until <= now })
	if len(m.past) >= maxShuns {
		m.past = slices.Delete(m.past, 0, 1)
	}
	m.past = append(m.past, shun{id, now + time.Minute})
}

func (m *member) knew(id PeerID, now time.Duration) bool {
	return m.link(id) != nil || slices.ContainsFunc(m.past, func(s shun) bool { return s.peer == id && s.until > now })
}

func (t *Tracker) separate(child, parent *member, s int) {
	if child.branches[s].parent != parent {
		return
	}
	t.attach(child, s, nil)
	t.give(child, s, t.choose(child, s, parent))
}

// expireLinks gives up pairs that never said they were connected.
func (t *Tracker) expireLinks(m *member) {
	if t.now-m.metAt > linkTime+time.Second {
		return // All have been looked at since the last one was made known.
	}
	for i := 0; i < len(m.links); i++ {
		l := m.links[i]
		if l.open || t.now-l.since < linkTime {
			continue
		}
		t.shunPair(m, l.other.id, failShun)
		t.unlink(m, l.other)
		i--
	}
}

// prefixClass is a number for an address's /24 or /48, 0 for those that say
// nothing of where somebody is.
func (t *Tracker) prefixClass(a netip.Addr) int {
	a = a.Unmap()
	if !a.IsValid() || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() {
		return 0
	}
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return 0
	}
	sum := t.cfg.Seed ^ 14695981039346656037
	for _, b := range p.Addr().AsSlice() {
		sum = (sum ^ uint64(b)) * 1099511628211
	}
	return int(sum>>33) | 1
}
