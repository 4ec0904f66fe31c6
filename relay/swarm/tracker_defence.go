package swarm

import (
	"slices"
	"time"
)

const (
	banTime = time.Hour
	// A lone accuser's word with evidence bans for loneTime, once in wordTime: the
	// evidence shows that a piece is wrong, not who made it, and who accuses many
	// wants to be believed by others first.
	loneTime    = 10 * time.Minute
	wordTime    = 10 * time.Minute
	maxBanned   = 4096
	maxOpinions = 16
	// opinionTime is how long a reporter's word counts.
	opinionTime = 30 * time.Second
	// enough distinct networks must say the same before it counts.
	enough = 3
	// hostile is how many bans within hostileTime make a swarm hostile.
	hostile     = 3
	hostileTime = 10 * time.Minute
	// A proven member has been there for so long.
	provenTime = 5 * time.Minute
)

// opinion is a reporter's score of a member.
type opinion struct {
	from    PeerID
	network uint32
	score   float64
	at      time.Duration
}

// network is what makes two reporters distinct: the ASN, or else the prefix;
// where neither says anything, in a LAN, each is one.
func (m *member) network() uint32 {
	switch {
	case m.profile.ASN != 0:
		return m.profile.ASN
	case m.prefix != 0:
		return uint32(m.prefix) | 1<<31
	}
	return uint32(m.id) | 1<<31
}

// judged keeps a reporter's score, one for each network.
func (m *member) judged(by *member, score float64, now time.Duration) {
	if !(score >= -100 && score <= 100) {
		return
	}
	network := by.network()
	o := opinion{by.id, network, score, now}
	for i := range m.opinions {
		if m.opinions[i].network == network {
			m.opinions[i] = o
			return
		}
	}
	if len(m.opinions) >= maxOpinions {
		m.opinions = slices.Delete(m.opinions, 0, 1)
	}
	m.opinions = append(m.opinions, o)
}

// score is the median of at least three networks' opinions, 0 when fewer speak.
func (m *member) score() float64 {
	if len(m.opinions) < enough {
		return 0
	}
	var all [maxOpinions]float64
	scores := all[:0]
	for _, o := range m.opinions {
		scores = append(scores, o.score)
	}
	slices.Sort(scores)
	return scores[len(scores)/2]
}

// trusted: nobody else's word is against its feeding others.
func (m *member) trusted() bool {
	bad := 0
	for _, o := range m.opinions {
		if o.score < 0 {
			bad++
		}
	}
	return bad == 0 || m.score() >= 0
}

// condemned: at least three networks' opinions are as low as a viewer's own that ends a
// connection, and so is the median: two who collude and a third that does not are not
// enough.
func (m *member) condemned() bool {
	low := 0
	for _, o := range m.opinions {
		if o.score < -80 {
			low++
		}
	}
	return low >= enough && m.score() < -80
}

// judge acts on a member's score.
func (t *Tracker) judge(m *member) {
	m.opinions = slices.DeleteFunc(m.opinions, func(o opinion) bool { return t.now-o.at > opinionTime })
	if m.trusted() {
		return
	}
	if m.condemned() {
		t.banish(m, "score", banTime)
		return
	}
	for s := range m.branches {
		t.evict(m, s)
	}
}

// accused: a viewer got an invalid piece. With evidence one word is enough, as
// long as the accuser has not used it up.
func (t *Tracker) accused(by *member, id PeerID, proven bool) {
	m := t.members[id]
	if m == nil || m == by || !by.knew(id, t.now) {
		return
	}
	if !slices.Contains(m.accusers, by.network()) && len(m.accusers) < enough {
		m.accusers = append(m.accusers, by.network())
	}
	switch {
	case len(m.accusers) >= enough:
		t.banish(m, "invalid", banTime)
	case proven && (by.wordAt == 0 || t.now-by.wordAt >= wordTime):
		by.wordAt = max(t.now, 1)
		t.banish(m, "invalid", loneTime)
	default:
		t.shunPair(by, id, failShun)
		t.unlink(by, m)
	}
}

// banish ends a viewer's part in the swarm; its address stays out for a time.
func (t *Tracker) banish(m *member, why Reason, during time.Duration) {
	t.totals.bans++
	t.bans = append(slices.DeleteFunc(t.bans, func(at time.Duration) bool { return t.now-at > hostileTime }), t.now)
	if a := m.profile.Address; a.IsValid() && !a.IsLoopback() {
		t.forgetBans()
		t.banned[a] = t.now + during
	}
	for _, l := range m.links {
		t.say(TrackerAction{Kind: TrackerDrop, To: l.other.id, Peer: m.id, Reason: why, Delay: banTime})
	}
	t.say(TrackerAction{Kind: TrackerEnd, To: m.id, Reason: "banned"})
	t.leave(m)
}

// forgetBans bounds the list: those that are over go, or else all.
func (t *Tracker) forgetBans() {
	if len(t.banned) < maxBanned {
		return
	}
	for a, until := range t.banned {
		if until <= t.now {
			delete(t.banned, a)
		}
	}
	if len(t.banned) >= maxBanned {
		clear(t.banned)
	}
}

func (t *Tracker) isBanned(m *member) bool {
	until, ok := t.banned[m.profile.Address]
	return ok && until > t.now
}

// guarded: in a hostile swarm one sub-stream of each viewer comes from the edge or
// from somebody proven, so that no set of peers can keep the stream from it.
func (t *Tracker) guarded(m *member, s int) bool {
	if len(t.bans) < hostile || t.now-t.bans[len(t.bans)-hostile] > hostileTime {
		return false
	}
	return s == int(m.id)%t.params.Subs
}

func (t *Tracker) proven(p *member) bool {
	return t.now-p.joinedAt >= provenTime && len(p.opinions) >= enough && p.score() >= 40
}
