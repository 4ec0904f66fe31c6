package swarm

const (
	// breakerSpan is over how many seconds hedged bytes are counted; above
	// breakerPercent the sub-stream goes to the edge.
	breakerSpan    = 5
	breakerPercent = 15
	// breakerLeast is how many hedged pieces count: a parent that is gone is left
	// before it makes as many.
	breakerLeast = maxMisses
	// retryTime doubles with each trip, at most maxTrips times.
	retryTime = 10 * second
	maxTrips  = 5
	// viewerTime is how long the viewer's breaker keeps it on the edge; then a
	// sub-stream is tried every carefulTime: half a minute for eight.
	viewerTime  = 30 * second
	carefulTime = 4 * second
)

// guard is the viewer's breaker.
type guard struct {
	until int64
	// careful counts the sub-streams to be tried one at a time, nextAt when.
	careful int
	nextAt  int64
}

func (g *guard) allows(now int64) bool {
	return now >= g.until && (g.careful == 0 || now >= g.nextAt)
}

func (g *guard) started(now int64) {
	if g.careful > 0 {
		g.careful--
		g.nextAt = now + carefulTime
	}
}

// stall: the picture stood still. If peers had a part in it they are left.
func (v *Viewer) stall() {
	v.report.Stalls++
	for sub := range v.subs {
		if v.subs[sub].parent != Edge {
			v.fuse()
			return
		}
	}
}

// fuse is the viewer's breaker: edge only for a time.
func (v *Viewer) fuse() {
	v.guard = guard{until: v.now + viewerTime, careful: len(v.subs), nextAt: v.now + viewerTime}
	for sub := range v.subs {
		v.toEdge(sub)
	}
}

// toEdge takes a sub-stream to the edge at once, from what is missing on.
func (v *Viewer) toEdge(sub int) {
	s := &v.subs[sub]
	v.stopTrial(sub)
	if s.parent == Edge {
		return
	}
	v.unsub(s.parent, sub)
	missing := v.table.firstMissing(sub)
	v.feedAgain(missing)
	v.setParent(sub, Edge, missing)
}

// trip looks at a sub-stream's share of hedges.
func (v *Viewer) trip(sub int) {
	s := &v.subs[sub]
	due, hedged, count := int64(0), int64(0), 0
	for i := range breakerSpan {
		due += s.due[i]
		hedged += s.hedged[i]
		count += s.hedges[i]
	}
	if s.parent == Edge || count < breakerLeast || hedged*100 <= due*breakerPercent {
		return
	}
	v.toEdge(sub)
	v.tripped(sub)
}

// tripped notes when the sub-stream may try a peer again; half of them at a time trip
// the viewer's breaker.
func (v *Viewer) tripped(sub int) {
	s := &v.subs[sub]
	s.retry = v.now + retryTime<<min(s.trips, maxTrips)
	s.trips++
	open := 0
	for i := range v.subs {
		if v.subs[i].retry > v.now {
			open++
		}
	}
	if open >= 2 && 2*open >= len(v.subs) {
		v.fuse()
	}
}

// ageBreakers moves the seconds on; a sub-stream that has done well for a minute
// starts from the shortest retry again.
func (v *Viewer) ageBreakers() {
	for i := range v.subs {
		s := &v.subs[i]
		copy(s.due[1:], s.due[:breakerSpan-1])
		copy(s.hedged[1:], s.hedged[:breakerSpan-1])
		copy(s.hedges[1:], s.hedges[:breakerSpan-1])
		s.due[0], s.hedged[0], s.hedges[0] = 0, 0, 0
		if s.trips > 0 && s.parent != Edge && v.now-s.since > 60*second {
			s.trips = 0
		}
	}
}
