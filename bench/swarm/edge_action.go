package swarm

import policy "github.com/freshet-live/freshet/relay/swarm"

// act carries out what the Warden wants said to a viewer.
func (e *edge) act(a policy.TrackerAction) {
	m := e.of[a.To]
	if m == nil {
		return
	}
	event := policy.Event{Peer: a.Peer, Child: a.Child, Sub: a.Sub, Count: a.Count, Mode: a.Mode, Reason: a.Reason, Delay: a.Delay}
	switch a.Kind {
	case policy.TrackerCandidates:
		event.Kind, event.Candidates = policy.EventCandidates, append([]policy.Candidate(nil), a.Candidates...)
		e.w.tally().revealed += len(a.Candidates)
	case policy.TrackerAssign:
		event.Kind = policy.EventAssign
	case policy.TrackerMode:
		event.Kind = policy.EventMode
	case policy.TrackerSlots:
		event.Kind = policy.EventSlots
	case policy.TrackerDelay:
		event.Kind = policy.EventDelay
	case policy.TrackerDrop:
		event.Kind = policy.EventDrop
	case policy.TrackerEnd:
		e.w.noteEnd(a.To)
		event.Kind, event.Mode = policy.EventMode, policy.ModeEdge
	}
	e.say(m, event)
}

// toEdge carries a viewer's message to the edge.
func (v *viewer) toEdge(do func(e *edge, m *member)) {
	e := v.w.edge
	v.w.after(v.host.up.queue(v.w.now)+v.host.edgeRTT/2+v.w.jitter(), func() {
		if m := e.of[v.id]; m != nil {
			do(e, m)
		}
	})
}

// tell tells the Warden something of a viewer.
func (v *viewer) tell(event policy.TrackerEvent) {
	event.Peer = v.id
	v.toEdge(func(e *edge, _ *member) { e.step(event) })
}

// setFeed changes what a member is fed, from a piece on. What was fed before and is
// still goes on without a hole.
func (m *member) setFeed(e *edge, subs int, from policy.PieceID) {
	first := e.w.stream.from(from)
	for s := range m.next {
		if subs>>s&1 == 1 && m.subs>>s&1 == 0 {
			m.next[s] = max(m.next[s], first)
		}
	}
	m.subs = subs
	m.feed(e)
}

// hedge answers a hedge as far as the session's bucket reaches.
func (m *member) hedge(e *edge, id int, pieces []policy.PieceID) {
	last := e.w.now
	for _, name := range pieces {
		i := e.w.stream.index(name)
		if i < 0 || i >= e.end() {
			continue
		}
		if !m.bucket.take(e.w.now, e.w.stream.pieces[i].size, e.w.cfg.Bitrate) {
			e.w.tally().refused++
			continue
		}
		e.piece(m, i, true)
	}
	e.w.at(last+m.v.host.edgeRTT/2+e.w.jitter(), func() {
		if m.v.watches {
			m.v.step(policy.Event{Kind: policy.EventHedgeDone, Count: id})
		}
	})
}
