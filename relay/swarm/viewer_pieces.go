package swarm

// rate measures the bitrate of the stream by what beacons tell: bytes against
// media time.
type rate struct {
	bytes, from int64
	value       int64
}

// rateSpan is the media time over which the bitrate is measured: GOPs fit in.
const rateSpan = 2 * second

// beacon counts a chunk; an estimate comes with the first 500 ms, and again with
// every rateSpan.
func (r *rate) beacon(pts, size int64) {
	span := pts - r.from
	if span < 0 || span > 2*rateSpan {
		r.bytes, r.from, span = 0, pts, 0
	}
	if span >= rateSpan || r.value == 0 && span >= second/2 {
		now := r.bytes * 8 * second / span
		if r.value == 0 {
			r.value = now
		} else {
			r.value += (now - r.value) / 4
		}
		if span >= rateSpan {
			r.bytes, r.from = 0, pts
		}
	}
	r.bytes += size
}

func (v *Viewer) deadline(e *entry) int64 { return e.pts + v.offset }

// beacon takes in a verified beacon.
func (v *Viewer) beacon(e Event) {
	if len(e.Sizes) == 0 || len(e.Sizes) > MaxPieces {
		return
	}
	pts := e.PTS.Microseconds()
	if !v.playing && len(v.table.groups) == 0 {
		// Until the player tells: as if a chunk were displayed T after its beacon.
		v.offset = v.now + v.params.delay - pts
	}
	if len(v.table.groups) == 0 {
		v.feedAgain(e.ID)
	}
	total, fresh := int64(0), false
	for i, size := range e.Sizes {
		id := PieceID{e.ID.Group, e.ID.N + uint32(i)}
		size = min(max(size, 0), MaxPiece)
		total += int64(size)
		fresh = v.table.add(&entry{id: id, sub: id.Sub(v.params.subs), size: size, pts: pts, seen: v.now}) || fresh
	}
	if fresh {
		v.bitrate.beacon(pts, total)
		v.smoothSlack(pts + v.offset - v.now)
	}
}

func (v *Viewer) smoothSlack(slack int64) {
	if v.slack == 0 {
		v.slack = slack
	}
	v.slack += (slack - v.slack) / 8
}

// budget is how long after its beacon a piece may come before a gap is asked for.
func (v *Viewer) budget() int64 {
	return max(50*millisecond, min(v.slack, v.params.delay)-v.hedger.lead-v.params.gapPull)
}

// piece takes in a verified piece, and passes it on.
func (v *Viewer) piece(e Event) {
	p := v.peer(e.Peer)
	en := v.table.find(e.ID)
	if en == nil {
		return
	}
	if p != nil {
		p.answered(e.ID)
	}
	if e.Peer == Edge && !e.Hedged && v.edgeHead.Less(e.ID) {
		v.edgeHead = e.ID
	}
	late := v.now > v.deadline(en)
	v.count(e, en, p, late)
	v.arrived(e.Peer, en)
	if en.have {
		return
	}
	en.have = true
	if e.Hedged && en.hedges > 0 {
		v.hedger.answer(v.now-en.hedgedAt, v.params)
	}
	v.learn(e.Peer, en)
	v.spread(en, e.Peer)
}

// count keeps the books: bytes on time, late, twice.
func (v *Viewer) count(e Event, en *entry, p *peer, late bool) {
	size := int64(en.size)
	switch {
	case en.have:
		v.report.DuplicateBytes += size
		return
	case late:
		v.report.LateBytes += size
	case p != nil:
		v.report.PeerBytes += size
		p.bytes += size
	case e.Hedged:
		v.report.HedgeBytes += size
	default:
		v.report.EdgeBytes += size
	}
	if p != nil && en.pulled == e.Peer && !late {
		p.delivered += size
	}
}

// arrived moves a sub-stream on when the first piece came by the new way.
func (v *Viewer) arrived(from PeerID, en *entry) {
	s := &v.subs[en.sub]
	if s.trial == from && from != Edge && en.pulled != from && !en.id.Less(s.trialFrom) {
		v.adopt(en.sub)
	}
	if s.leaving != Edge && s.parent == from && !en.id.Less(s.from) {
		v.unsub(s.leaving, en.sub)
		s.leaving = Edge
	}
}

// learn notes how far behind its beacon a piece came, and what that says of who
// was to bring it.
func (v *Viewer) learn(from PeerID, en *entry) {
	s := &v.subs[en.sub]
	size := int64(en.size)
	lag := v.now - en.seen
	if en.hedges == 0 {
		s.due[0] += size
	}
	if from == s.parent && en.pulled != from && en.hedges == 0 {
		s.lags.add(lag)
	}
	if s.parent == Edge || en.id.Less(s.from) {
		return
	}
	parent := v.peer(s.parent)
	if parent == nil {
		return
	}
	parent.promised += size
	if from == s.parent {
		if v.now <= v.deadline(en) {
			parent.delivered += size
		}
		if !en.tried {
			s.misses = 0
		}
		return
	}
	if en.hedges == 0 {
		v.do(Action{Kind: ActionCancel, Peer: s.parent, IDs: []PieceID{en.id}})
	}
}
