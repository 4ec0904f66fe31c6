package swarm

import "slices"

const (
	// hedgeMargin is put on top of what answers to hedges take.
	hedgeMargin = 50 * millisecond
	// maxTick bounds how far ahead a tick looks.
	maxTick = 50 * millisecond
	// hedgeSamples is how many answers count as knowing.
	hedgeSamples = 5
	// maxHedges bounds how often a piece is asked of the edge.
	maxHedges = 4
	// maxPulls bounds what is asked of one neighbour at a time, pullTime how long
	// an answer is waited for.
	maxPulls = 8
	pullTime = second
)

// hedger asks the edge for what is about to be late.
type hedger struct {
	// lead is H, rtt the way to the edge and back.
	lead int64
	rtt  rtt
	// choked counts round trips in a row that were far too long.
	choked  int
	answers window
	bucket  bucket
	count   int
	// open are the hedges not answered yet, at most 64.
	open []openHedge
}

type openHedge struct {
	id     int
	pieces []*entry
}

// answer takes in how long an answer took.
func (h *hedger) answer(took int64, p limits) {
	h.answers.add(took)
	h.adapt(p)
}

// adapt sets H: p95 of the answers and a margin.
func (h *hedger) adapt(p limits) {
	lead := max(p.hedgeStart, 2*h.rtt.value+hedgeMargin)
	if len(h.answers.samples) >= hedgeSamples {
		lead = h.answers.quantile(95) + hedgeMargin
	}
	h.lead = min(max(lead, p.hedgeMin), p.hedgeMax)
}

// overdue looks at what is missing: gaps are asked for at neighbours at
// deadline-H-G, at the edge at deadline-H.
func (v *Viewer) overdue() {
	v.hedger.bucket.fill(v.now, v.bitrate.value*6/5, 2*second, 16*MaxPiece)
	// What would fall due before the next tick is due now.
	next := v.now + min(v.now-v.tickAt, maxTick)
	v.tickAt = v.now
	var hedges []*entry
	for _, e := range v.table.missing {
		if e.have || v.deadline(e)+giveUp < v.now {
			continue
		}
		if !e.tried && next >= v.deadline(e)-v.hedger.lead-v.params.gapPull {
			e.tried = true
			v.missed(e)
			v.pull(e)
		}
		if next >= v.hedgeAt(e) && v.mayHedge(e) {
			hedges = append(hedges, e)
		}
	}
	v.sendPulls()
	v.sendHedges(hedges)
}

// hedgeAt is when a piece is asked of the edge. What the edge was to bring anyway is on
// its way on a reliable stream: before its deadline it is asked for again only where a
// later piece came from there. Otherwise all is late, most likely for the viewer's own
// line, which would be fuller still; and a viewer that takes from nobody else never asks
// before.
func (v *Viewer) hedgeAt(e *entry) int64 {
	s := &v.subs[e.sub]
	switch {
	case s.parent != Edge || e.id.Less(s.from):
		return v.deadline(e) - v.hedger.lead
	case v.mode != ModeEdge && e.id.Less(v.edgeHead):
		return v.deadline(e) - v.params.hedgeMin
	}
	return v.deadline(e) + second/2
}

func (v *Viewer) mayHedge(e *entry) bool {
	return v.joined && e.hedges < maxHedges && (e.hedges == 0 || v.now-e.hedgedAt >= v.hedger.lead)
}

// sendHedges asks for the pieces, those of one group in one message. What the
// bucket does not allow the edge is asked to feed.
func (v *Viewer) sendHedges(pieces []*entry) {
	for len(pieces) > 0 {
		n := 1
		for n < len(pieces) && v.sameHedge(pieces[0], pieces[n]) {
			n++
		}
		v.sendHedge(pieces[:n])
		pieces = pieces[n:]
	}
}

// sameHedge says whether b fits into the message that starts with a.
func (v *Viewer) sameHedge(a, b *entry) bool {
	return a.id.Group == b.id.Group && a.id.N <= b.id.N && b.id.N-a.id.N < maxHaveBits
}

func (v *Viewer) sendHedge(pieces []*entry) {
	var ids []PieceID
	var asked []*entry
	for _, e := range pieces {
		if !v.hedger.bucket.take(e.size) {
			v.exhausted(e)
			continue
		}
		v.markHedged(e)
		ids, asked = append(ids, e.id), append(asked, e)
	}
	if len(ids) == 0 {
		return
	}
	h := &v.hedger
	h.open = append(h.open, openHedge{h.count, asked})
	if len(h.open) > 64 {
		h.open = slices.Delete(h.open, 0, 1)
	}
	v.do(Action{Kind: ActionHedge, Count: h.count, IDs: ids})
	h.count++
	v.cancelAsked(asked)
}

func (v *Viewer) markHedged(e *entry) {
	s := &v.subs[e.sub]
	if e.hedges == 0 {
		s.due[0] += int64(e.size)
		if s.parent != Edge {
			s.hedged[0] += int64(e.size)
			s.hedges[0]++
		}
	}
	e.hedges++
	e.hedgedAt = v.now
	e.hedge = v.hedger.count
}

// exhausted puts the sub-stream of a piece on the edge, from that piece on: too
// much is missing for hedges.
func (v *Viewer) exhausted(e *entry) {
	s := &v.subs[e.sub]
	if s.parent == Edge {
		return
	}
	v.unsub(s.parent, e.sub)
	s.want = Edge
	v.feedAgain(e.id)
	v.setParent(e.sub, Edge, e.id)
	v.tripped(e.sub)
}

// cancelAsked tells those who owe the pieces that the edge brings them.
func (v *Viewer) cancelAsked(pieces []*entry) {
	for _, p := range v.peers {
		var ids []PieceID
		for _, e := range pieces {
			s := &v.subs[e.sub]
			owes := s.parent == p.id && !e.id.Less(s.from) || e.pulled == p.id
			if owes && e.hedges == 1 && len(ids) < maxIDs {
				ids = append(ids, e.id)
			}
		}
		if p.open && len(ids) > 0 {
			v.do(Action{Kind: ActionCancel, Peer: p.id, IDs: ids})
		}
	}
}

// hedgeDone: the edge has sent all it has; what is not there may be asked for
// again.
func (v *Viewer) hedgeDone(id int) {
	open := v.hedger.open
	for i := range open {
		if open[i].id != id {
			continue
		}
		for _, e := range open[i].pieces {
			if !e.have && e.hedge == id {
				e.hedgedAt = v.now - v.hedger.lead
			}
		}
		v.hedger.open = slices.Delete(open, i, i+1)
		return
	}
}

// pull asks a neighbour for a piece: the one with the fewest open questions that
// says it has it.
func (v *Viewer) pull(e *entry) {
	if v.mode == ModeEdge || len(v.peers) == 0 {
		return
	}
	var best *peer
	start := v.random.below(len(v.peers))
	for i := range v.peers {
		p := v.peers[(start+i)%len(v.peers)]
		if !p.usable() || p.id == v.subs[e.sub].parent || len(p.asked) >= maxPulls || !p.has(e.id) {
			continue
		}
		if best == nil || len(p.asked) < len(best.asked) {
			best = p
		}
	}
	if best == nil {
		return
	}
	e.pulled = best.id
	best.promised += int64(e.size)
	best.asked = append(best.asked, ask{e.id, v.now})
	best.asking = append(best.asking, e.id)
}

func (v *Viewer) sendPulls() {
	for _, p := range v.peers {
		if len(p.asking) > 0 {
			v.do(Action{Kind: ActionPull, Peer: p.id, IDs: p.asking})
			p.asking = nil
		}
	}
}
