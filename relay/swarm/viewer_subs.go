package swarm

const (
	// trialTime is how long a new parent has for its first piece.
	trialTime = 2 * second
	// leaveTime is how long an old parent goes on when the new way stays silent.
	leaveTime = second
	// overTime is how long the lag may be too long before the parent is left.
	overTime = 2 * second
	// maxMisses in a row change the parent.
	maxMisses = 3
	// badTime is within what time a second failing parent trips the breaker.
	badTime = 30 * second
	// freshAhead is how long it counts that a neighbour had what was missing here.
	freshAhead = 2 * second
)

// substream is who brings one of the K.
type substream struct {
	parent PeerID
	// from is where what parent promised starts, since when.
	from  PieceID
	since int64
	// trial was subscribed to and has not pushed yet.
	trial     PeerID
	trialFrom PieceID
	trialAt   int64
	// leaving goes on until the new way brings something.
	leaving   PeerID
	leavingAt int64
	// want is whom the edge assigned.
	want PeerID

	misses int
	lags   window
	over   int64 // since when the lag is too long, -1 is not.

	// badAt is when a parent was left for being slow or silent, 0 is never.
	badAt int64

	// due and hedged are bytes in each of the last five seconds, hedges pieces: all
	// that were due, and those that the present parent failed to bring.
	due, hedged [breakerSpan]int64
	hedges      [breakerSpan]int
	trips       int
	retry       int64
}

// assign takes an edge's word on the tree. To be a parent needs no doing: the
// child subscribes.
func (v *Viewer) assign(e Event) {
	if e.Child != Edge || e.Sub < 0 || e.Sub >= len(v.subs) || e.Peer == v.self && v.self != Edge {
		return
	}
	v.subs[e.Sub].want = e.Peer
	v.pursue(e.Sub)
}

// pursue takes the next step towards the wanted parent.
func (v *Viewer) pursue(sub int) {
	s := &v.subs[sub]
	switch {
	case s.want == s.parent:
		v.stopTrial(sub)
	case s.want == Edge:
		v.stopTrial(sub)
		v.release(sub)
	case s.want == s.trial || !v.mayTake(sub):
	default:
		if p := v.peer(s.want); p != nil && p.usable() && !p.children[sub] {
			v.stopTrial(sub)
			v.try(sub, p, v.table.next())
			v.guard.started(v.now)
		}
	}
}

// mayTake says whether the sub-stream may come from a peer at present.
func (v *Viewer) mayTake(sub int) bool {
	return v.joined && v.mode != ModeEdge && v.now >= v.subs[sub].retry && v.guard.allows(v.now) && len(v.table.groups) > 0
}

func (v *Viewer) try(sub int, p *peer, from PieceID) {
	s := &v.subs[sub]
	s.trial, s.trialFrom, s.trialAt = p.id, from, v.now
	v.do(Action{Kind: ActionSub, Peer: p.id, Sub: sub, ID: from})
}

func (v *Viewer) stopTrial(sub int) {
	s := &v.subs[sub]
	if s.trial != Edge {
		v.unsub(s.trial, sub)
		s.trial = Edge
	}
}

func (v *Viewer) unsub(peer PeerID, sub int) {
	if p := v.peer(peer); p != nil && p.open {
		v.do(Action{Kind: ActionUnsub, Peer: peer, Sub: sub})
	}
}

// adopt makes the trial the parent; who brought it before is told to stop.
func (v *Viewer) adopt(sub int) {
	s := &v.subs[sub]
	if s.parent != Edge {
		v.unsub(s.parent, sub)
	}
	if s.leaving != Edge && s.leaving != s.trial {
		v.unsub(s.leaving, sub)
	}
	v.setParent(sub, s.trial, s.trialFrom)
	s.trial, s.leaving = Edge, Edge
}

func (v *Viewer) setParent(sub int, parent PeerID, from PieceID) {
	s := &v.subs[sub]
	s.parent, s.from, s.since = parent, from, v.now
	s.misses, s.over = 0, -1
	s.lags.clear()
	s.hedged, s.hedges = [breakerSpan]int64{}, [breakerSpan]int{}
}

// release goes to the edge in good order: the parent is left when the edge has
// brought a piece.
func (v *Viewer) release(sub int) {
	s := &v.subs[sub]
	from := v.table.next()
	v.feedAgain(from)
	if s.leaving != Edge {
		v.unsub(s.leaving, sub)
	}
	s.leaving, s.leavingAt = s.parent, v.now
	v.setParent(sub, Edge, from)
}

// lose leaves a parent that failed: a standby is asked at once, and the edge feeds
// until it has pushed.
func (v *Viewer) lose(sub int) {
	s := &v.subs[sub]
	old := s.parent
	v.unsub(old, sub)
	if s.want == old {
		s.want = Edge
	}
	missing := v.table.firstMissing(sub)
	var next *peer
	if v.mayTake(sub) && s.trial == Edge {
		next = v.standby(sub, old)
	}
	if next == nil {
		v.feedAgain(missing)
		v.setParent(sub, Edge, missing)
		return
	}
	head := v.table.next()
	v.feedAgain(head)
	v.setParent(sub, Edge, head)
	s.want = next.id
	v.try(sub, next, missing)
}

// standby chooses who may bring the sub-stream in place of old: a neighbour that
// lately had pieces of it which were missing here, so it is no descendant.
func (v *Viewer) standby(sub int, old PeerID) *peer {
	var best *peer
	for _, p := range v.peers {
		if p.id == old || !p.usable() || p.children[sub] || p.aheadAt[sub] < v.now-freshAhead || v.crowded(p, sub) {
			continue
		}
		if best == nil || p.covers(v.table.missing, sub) > best.covers(v.table.missing, sub) {
			best = p
		}
	}
	return best
}

// crowded: with p, more than half of the sub-streams came from one prefix, or from more
// than two of it. Those count that are about to.
func (v *Viewer) crowded(p *peer, sub int) bool {
	same := 1
	var second *peer
	for i := range v.subs {
		if i == sub {
			continue
		}
		parent, trial := v.peer(v.subs[i].parent), v.peer(v.subs[i].trial)
		if p.akin(parent) || p.akin(trial) {
			same++
		}
		for _, q := range [2]*peer{parent, trial} {
			switch {
			case q == p || !p.akin(q):
			case second == nil:
				second = q
			case q != second:
				return true
			}
		}
	}
	return same > max(1, len(v.subs)/2)
}

// akin: the two are one, or of one prefix.
func (p *peer) akin(q *peer) bool {
	return q != nil && (q == p || p.prefix != 0 && q.prefix == p.prefix)
}

// tend watches over the sub-streams.
func (v *Viewer) tend() {
	for sub := range v.subs {
		s := &v.subs[sub]
		if s.leaving != Edge && v.now-s.leavingAt > leaveTime {
			v.unsub(s.leaving, sub)
			s.leaving = Edge
		}
		if s.trial != Edge && v.now-s.trialAt > trialTime {
			v.fault(s.trial)
			v.stopTrial(sub)
			s.want = s.parent
		}
		if s.parent != Edge && v.slow(sub) {
			v.failing(sub)
		}
		v.trip(sub)
		if s.want != s.parent && s.trial == Edge {
			v.pursue(sub)
		}
	}
}

// slow says whether the parent's pieces have come too late for overTime.
func (v *Viewer) slow(sub int) bool {
	s := &v.subs[sub]
	if s.lags.quantile(90) <= v.budget() {
		s.over = -1
		return false
	}
	if s.over < 0 {
		s.over = v.now
	}
	return v.now-s.over >= overTime
}

// missed counts a piece that its parent owes; three in a row change the parent.
func (v *Viewer) missed(e *entry) {
	s := &v.subs[e.sub]
	if s.parent == Edge || e.id.Less(s.from) {
		return
	}
	s.lags.add(v.params.delay)
	if s.misses++; s.misses >= maxMisses {
		v.failing(e.sub)
	}
}

// failing leaves a parent that is slow or silent. The second in a short time is
// the sub-stream's fault rather than the parent's.
func (v *Viewer) failing(sub int) {
	s := &v.subs[sub]
	v.fault(s.parent)
	again := s.badAt != 0 && v.now-s.badAt < badTime
	s.badAt = v.now
	if again {
		v.toEdge(sub)
		v.tripped(sub)
		return
	}
	v.lose(sub)
}
