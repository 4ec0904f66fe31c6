package swarm

// fault counts a failure that sticks.
func (v *Viewer) fault(id PeerID) {
	if p := v.peer(id); p != nil {
		p.faults += 1000
	}
}

// age does what comes every second: scores decay and are made anew.
func (v *Viewer) age() {
	v.ageBreakers()
	for _, p := range v.peers {
		p.promised -= p.promised / 10
		p.delivered -= p.delivered / 10
		p.faults -= p.faults / 100
		for len(p.asked) > 0 && v.now-p.asked[0].at > pullTime {
			p.asked = p.asked[1:]
		}
		if p.open {
			p.score = v.score(p)
		}
	}
	v.judge()
}

// score is S of docs/swarm-policy.md in thousandths: whole numbers, so that Go and
// TypeScript agree.
func (v *Viewer) score(p *peer) int64 {
	r := int64(1000)
	if p.promised > 0 {
		r = min(1000, p.delivered*1000/p.promised)
	}
	short := 1000 - r
	c := v.crowd(p)
	s := 10*min(1000, (v.now-p.openAt)/millisecond/60) +
		40*r - 60*short*short/1000 - 20*v.lateness(p) - 15*p.faults - 10_000*c*c
	return min(max(s, -100_000), 100_000)
}

// lateness is J, thousandths: the parent's lag against what is allowed.
func (v *Viewer) lateness(p *peer) int64 {
	worst := int64(0)
	for i := range v.subs {
		if v.subs[i].parent == p.id {
			worst = max(worst, v.subs[i].lags.quantile(90)*1000/v.budget())
		}
	}
	return min(1000, worst)
}

// crowd is C: open neighbours in the same prefix beyond one besides. Class 0 is
// no class.
func (v *Viewer) crowd(p *peer) int64 {
	n := int64(0)
	for _, q := range v.peers {
		if q != p && q.open && p.prefix != 0 && q.prefix == p.prefix {
			n++
		}
	}
	return max(0, n-1)
}

// judge acts on scores: no parent below 0, no traffic below -40, no connection
// below -80.
func (v *Viewer) judge() {
	for i := 0; i < len(v.peers); {
		p := v.peers[i]
		switch {
		case p.open && p.score < -80_000:
			v.ban(p.id, failedBan)
			v.close(p, "score")
			continue
		case p.open && p.score < -40_000:
			v.orphan(p)
			v.abandon(p.id)
		case p.open && p.score < 0:
			v.abandon(p.id)
		}
		i++
	}
}
