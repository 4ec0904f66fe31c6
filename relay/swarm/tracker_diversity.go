package swarm

import "slices"

// feeders are who brings a member's sub-stream, as far as the edge knows: who is to, and
// who did before until the member says otherwise.
func (b *branch) feeders() [2]*member { return [2]*member{b.parent, b.was} }

// half of the sub-streams is what one peer, one ASN or one prefix may bring.
func (t *Tracker) half() int { return max(1, t.params.Subs/2) }

// tooMany: with p too much came from one prefix or one ASN, while there is choice: eight
// members of other prefixes; for an ASN half of all members, as in some countries most
// homes are with one.
func (t *Tracker) tooMany(m *member, s int, p *member) bool {
	if t.crowdedPrefix(m, s, p) && len(t.members)-t.prefixes[p.prefix] >= choiceEnough {
		return true
	}
	outside := len(t.members) - t.asns[p.profile.ASN]
	return outside >= max(choiceEnough, len(t.members)/2) && t.crowdedASN(m, s, p)
}

// crowded: with p, more than half of the sub-streams came from one peer, or from one ASN,
// or too much from one prefix.
func (t *Tracker) crowded(m *member, s int, p *member) bool {
	same := m.fedWhere(s, func(q *member) bool { return q == p })
	return same >= t.half() || t.crowdedASN(m, s, p) || t.crowdedPrefix(m, s, p)
}

// crowdedASN: with p, more than half of the sub-streams came from one ASN.
func (t *Tracker) crowdedASN(m *member, s int, p *member) bool {
	asn := p.profile.ASN
	return asn != 0 && m.fedWhere(s, func(q *member) bool { return q.profile.ASN == asn }) >= t.half()
}

// crowdedPrefix: with p, more than two parents were of one prefix, or they brought more
// than half of the sub-streams.
func (t *Tracker) crowdedPrefix(m *member, s int, p *member) bool {
	if p.prefix == 0 {
		return false
	}
	var first *member // Beside p.
	more := false
	subs := m.fedWhere(s, func(q *member) bool {
		if q.prefix != p.prefix {
			return false
		}
		if q != p && first == nil {
			first = q
		}
		more = more || q != p && q != first
		return true
	})
	return more || subs >= t.half()
}

// fedWhere counts the sub-streams but s that somebody brings of whom is says so.
func (m *member) fedWhere(s int, is func(*member) bool) int {
	n := 0
	for i := range m.branches {
		if i == s {
			continue
		}
		feeders := m.branches[i].feeders()
		if slices.ContainsFunc(feeders[:], func(q *member) bool { return q != nil && is(q) }) {
			n++
		}
	}
	return n
}

// keptFor: p's free slot is still for those of its own region.
func (t *Tracker) keptFor(p, m *member) bool {
	a, b := &p.profile, &m.profile
	if a.Region == "" || b.Region == "" || a.Region == b.Region && a.Country == b.Country {
		return false
	}
	return t.now-p.freeAt < regionTime
}
