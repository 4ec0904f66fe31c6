package swarm_test

import (
	"slices"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

// node is a viewer's machine: its line, its connections, its player.
type node struct {
	n       *network
	id      swarm.PeerID
	viewer  *swarm.Viewer
	profile swarm.Profile
	uplink  int64
	gone    bool
	feed    int // what the edge feeds it
	mode    swarm.Mode
	reason  swarm.Reason

	conns []*conn
	have  map[swarm.PieceID]bool
	busy  time.Duration // until when the line sends
	lost  map[swarm.PieceID]bool
	due   map[swarm.PieceID]time.Duration

	parents []swarm.PeerID
	sum     figures
	// polluter sends pieces that no beacon signs; mute sends none.
	polluter, mute bool
	// slowdown makes its pieces come that much later.
	slowdown time.Duration

	last   *swarm.Report
	trace  *trace
	checks []func(swarm.Event, []swarm.Action)
}

// conn is one side of a connection.
type conn struct {
	to      *node
	open    bool
	waiting int // bytes not sent yet
	told    int // what the viewer knows of them
}

// join adds a viewer; it comes to the edge after a round trip.
func (n *network) join(p swarm.Profile, uplink int64) {
	v := &node{
		n: n, id: swarm.PeerID(len(n.nodes) + 1), viewer: swarm.NewViewer(swarm.ViewerConfig{Seed: n.cfg.seed + uint64(len(n.nodes))}),
		profile: p, uplink: uplink, have: map[swarm.PieceID]bool{}, lost: map[swarm.PieceID]bool{}, due: map[swarm.PieceID]time.Duration{},
		mode: swarm.ModeEdge,
	}
	n.nodes = append(n.nodes, v)
	if v.id == n.cfg.traced {
		v.trace = &trace{}
	}
	offset := -n.edge.pts + n.cfg.params.Delay + n.cfg.edgeRTT/2
	params := n.cfg.params
	v.step(swarm.Event{Kind: swarm.EventWelcome, Self: v.id, Mode: swarm.ModeEdge, Params: &params})
	v.step(swarm.Event{Kind: swarm.EventPlayout, Offset: offset.Truncate(time.Microsecond)})
	v.step(swarm.Event{Kind: swarm.EventUplink, Rate: uplink})
	n.edge.tell(swarm.TrackerEvent{Kind: swarm.TrackerJoin, Peer: v.id, Profile: &v.profile})
	n.at(time.Duration(n.rand.Int64N(int64(50*time.Millisecond))).Truncate(time.Microsecond), v.tick)
}

func (v *node) tick() {
	if v.gone {
		return
	}
	for _, c := range slices.Clone(v.conns) {
		if c.open && c.waiting != c.told {
			c.told = c.waiting
			v.step(swarm.Event{Kind: swarm.EventQueue, Peer: c.to.id, Size: c.waiting})
		}
	}
	v.step(swarm.Event{Kind: swarm.EventTick})
	v.n.at(50*time.Millisecond, v.tick)
}

// beacon is told of a chunk; at its deadline the player wants it.
func (v *node) beacon(first swarm.PieceID, sizes []int, pts time.Duration) {
	if v.gone {
		return
	}
	v.step(swarm.Event{Kind: swarm.EventBeacon, ID: first, Sizes: sizes, PTS: pts})
	wait := v.n.cfg.params.Delay
	for i := range sizes {
		id := swarm.PieceID{Group: first.Group, N: first.N + uint32(i)}
		v.due[id] = v.n.now + wait
	}
	v.n.at(wait, func() { v.play(first, len(sizes)) })
}

// play is a chunk's deadline: what is not there stalls the picture.
func (v *node) play(first swarm.PieceID, count int) {
	stalled := false
	for i := range count {
		id := swarm.PieceID{Group: first.Group, N: first.N + uint32(i)}
		delete(v.due, id)
		if !v.gone && !v.have[id] {
			v.sum.lost++
			stalled = true
		}
		v.n.at(5*time.Second, func() { delete(v.have, id) })
	}
	if stalled {
		v.sum.stalls++
		v.step(swarm.Event{Kind: swarm.EventStall})
	}
}

// step drives the viewer and does what it wants.
func (v *node) step(e swarm.Event) {
	if v.gone {
		return
	}
	if e.Kind == swarm.EventPiece {
		v.have[e.ID] = true
	}
	actions := v.viewer.Step(v.n.now, e)
	v.trace.record(v.n.now, e, actions)
	for _, check := range v.checks {
		check(e, actions)
	}
	for _, a := range slices.Clone(actions) {
		v.do(a)
	}
}

func (v *node) do(a swarm.Action) {
	switch a.Kind {
	case swarm.ActionConnect:
		v.connect(a.Peer)
	case swarm.ActionClose:
		v.disconnect(a.Peer, true)
	case swarm.ActionState:
		v.mode, v.reason = a.Mode, a.Reason
	case swarm.ActionFeed:
		v.toEdge(func() { v.n.edge.fed(v, a.Subs, a.ID) })
	case swarm.ActionHedge:
		v.toEdge(func() { v.n.edge.hedge(v, a.Count, a.IDs) })
	case swarm.ActionParents:
		v.parents = slices.Clone(a.Parents)
		parents := v.parents
		v.toEdge(func() {
			v.n.edge.tell(swarm.TrackerEvent{Kind: swarm.TrackerParents, Peer: v.id, Parents: parents})
		})
	case swarm.ActionReport:
		v.reported(a.Report)
	case swarm.ActionInvalid:
		v.toEdge(func() {
			v.n.edge.tell(swarm.TrackerEvent{Kind: swarm.TrackerInvalid, Peer: v.id, Other: a.Peer, Proven: true})
		})
	case swarm.ActionPush:
		v.push(a)
	default:
		v.talk(a)
	}
}

func (v *node) toEdge(do func()) { v.n.at(v.n.cfg.edgeRTT/2, do) }

func (v *node) reported(r *swarm.Report) {
	v.last = r
	v.sum.peer += r.PeerBytes
	v.sum.edge += r.EdgeBytes
	v.sum.hedge += r.HedgeBytes
	v.sum.late += r.LateBytes
	v.sum.duplicate += r.DuplicateBytes
	v.sum.upload += r.UploadBytes
	v.toEdge(func() { v.n.edge.tell(swarm.TrackerEvent{Kind: swarm.TrackerReport, Peer: v.id, Report: r}) })
}

// talk says something to a peer.
func (v *node) talk(a swarm.Action) {
	kinds := map[swarm.ActionKind]swarm.EventKind{
		swarm.ActionSub: swarm.EventSub, swarm.ActionUnsub: swarm.EventUnsub, swarm.ActionHave: swarm.EventHave,
		swarm.ActionPull: swarm.EventPull, swarm.ActionCancel: swarm.EventCancel, swarm.ActionRefuse: swarm.EventRefuse,
		swarm.ActionLeave: swarm.EventLeave,
	}
	kind, ok := kinds[a.Kind]
	c := v.conn(a.Peer)
	if !ok || c == nil || !c.open {
		return
	}
	e := swarm.Event{Kind: kind, Peer: v.id, Sub: a.Sub, ID: a.ID, IDs: a.IDs, Have: a.Have, Reason: a.Reason}
	to := c.to
	v.n.at(v.n.rtt(v.id, to.id)/2, func() {
		if back := to.conn(v.id); back != nil && back.open {
			to.step(e)
		}
	})
}

// push sends a piece over the line, one after the other.
func (v *node) push(a swarm.Action) {
	c := v.conn(a.Peer)
	m, ok := v.n.edge.find(a.ID)
	if c == nil || !c.open || !ok || v.mute {
		return
	}
	v.busy = max(v.busy, v.n.now) + time.Duration(int64(m.size)*8*int64(time.Second)/v.uplink).Truncate(time.Microsecond)
	c.waiting += m.size
	v.n.at(v.busy-v.n.now, func() { c.waiting -= m.size })
	to := c.to
	v.n.at(v.busy-v.n.now+v.n.rtt(v.id, to.id)/2+v.slowdown, func() {
		if back := to.conn(v.id); back == nil || !back.open {
			return
		}
		kind := swarm.EventPiece
		if v.polluter {
			kind = swarm.EventInvalid
		}
		to.step(swarm.Event{Kind: kind, Peer: v.id, ID: a.ID, Size: m.size})
	})
}

func (v *node) conn(id swarm.PeerID) *conn {
	for _, c := range v.conns {
		if c.to.id == id {
			return c
		}
	}
	return nil
}

// connect opens both sides when both want it.
func (v *node) connect(id swarm.PeerID) {
	to := v.n.node(id)
	if to == nil {
		return
	}
	if v.conn(id) == nil {
		v.conns = append(v.conns, &conn{to: to})
	}
	back := to.conn(v.id)
	if back == nil {
		return
	}
	rtt := v.n.rtt(v.id, id)
	if v.n.cut != nil && v.n.cut(v.id, id) {
		v.n.at(3*time.Second, func() { v.failed(to); to.failed(v) })
		return
	}
	v.n.at(rtt*17/2, func() {
		if v.gone || to.gone {
			v.failed(to)
			to.failed(v)
			return
		}
		v.opened(to, rtt)
		to.opened(v, rtt)
	})
}

func (v *node) opened(to *node, rtt time.Duration) {
	if c := v.conn(to.id); c != nil && !c.open {
		c.open = true
		v.step(swarm.Event{Kind: swarm.EventOpen, Peer: to.id, RTT: rtt})
		v.link(to.id, swarm.LinkOpen, rtt)
	}
}

func (v *node) failed(to *node) {
	if v.gone || v.conn(to.id) == nil {
		return
	}
	v.remove(to.id)
	v.step(swarm.Event{Kind: swarm.EventFailed, Peer: to.id, Reason: "ice"})
	v.link(to.id, swarm.LinkFailed, 0)
}

func (v *node) link(id swarm.PeerID, state swarm.LinkState, rtt time.Duration) {
	v.toEdge(func() {
		v.n.edge.tell(swarm.TrackerEvent{Kind: swarm.TrackerLink, Peer: v.id, Other: id, State: state, RTT: rtt})
	})
}

func (v *node) remove(id swarm.PeerID) {
	v.conns = slices.DeleteFunc(v.conns, func(c *conn) bool { return c.to.id == id })
}

// disconnect ends a connection; the other side hears of it.
func (v *node) disconnect(id swarm.PeerID, report bool) {
	c := v.conn(id)
	if c == nil {
		return
	}
	v.remove(id)
	if report {
		v.link(id, swarm.LinkClosed, 0)
	}
	to := c.to
	v.n.at(v.n.rtt(v.id, id)/2, func() { to.hungUp(v.id) })
}

func (v *node) hungUp(id swarm.PeerID) {
	if v.gone || v.conn(id) == nil {
		return
	}
	v.remove(id)
	v.step(swarm.Event{Kind: swarm.EventClosed, Peer: id})
	v.link(id, swarm.LinkClosed, 0)
}

// leave takes a viewer out, with a word (LEAVE) or without: then its peers notice
// after five seconds.
func (v *node) leave(polite bool) {
	if v.gone {
		return
	}
	if polite {
		v.step(swarm.Event{Kind: swarm.EventLeave})
	}
	v.gone = true
	wait := 5 * time.Second
	if polite {
		wait = 0
	}
	for _, c := range v.conns {
		v.n.at(wait+v.n.rtt(v.id, c.to.id)/2+time.Millisecond, func() { c.to.hungUp(v.id) })
	}
	v.n.at(wait+v.n.cfg.edgeRTT/2, func() { v.n.edge.tell(swarm.TrackerEvent{Kind: swarm.TrackerLeave, Peer: v.id}) })
}

// told hands what the tracker says to the viewer.
func (v *node) told(a swarm.TrackerAction) {
	switch a.Kind {
	case swarm.TrackerCandidates:
		v.step(swarm.Event{Kind: swarm.EventCandidates, Candidates: a.Candidates})
	case swarm.TrackerAssign:
		v.step(swarm.Event{Kind: swarm.EventAssign, Sub: a.Sub, Peer: a.Peer, Child: a.Child})
	case swarm.TrackerMode:
		v.step(swarm.Event{Kind: swarm.EventMode, Mode: a.Mode, Reason: a.Reason})
	case swarm.TrackerSlots:
		v.step(swarm.Event{Kind: swarm.EventSlots, Count: a.Count})
	case swarm.TrackerDelay:
		v.step(swarm.Event{Kind: swarm.EventDelay, Delay: a.Delay})
	case swarm.TrackerDrop:
		v.step(swarm.Event{Kind: swarm.EventDrop, Peer: a.Peer, Reason: a.Reason, Delay: a.Delay})
	case swarm.TrackerEnd:
		v.step(swarm.Event{Kind: swarm.EventMode, Mode: swarm.ModeEdge, Reason: a.Reason})
	}
}
