package swarm

import "slices"

// Bounds on neighbours.
const (
	maxPeers = 24
	maxBans  = 64
	// maxIDs bounds the pieces that one message names, as on the wire.
	maxIDs = 64

	failedBan  = 600 * second
	invalidBan = 3600 * second
)

// peer is a neighbour.
type peer struct {
	id     PeerID
	open   bool
	openAt int64
	// left: it said that it sends nothing any more.
	left   bool
	prefix int
	rtt    rtt

	have []HaveMap
	// aheadAt is when it last had pieces of a sub-stream that were missing here.
	aheadAt []int64
	asked   []ask
	asking  []PieceID

	// children are the sub-streams it takes from here, from which piece on.
	children []bool
	from     []PieceID
	since    []int64
	queue    []*entry
	buffered int64

	promised, delivered int64
	faults              int64 // thousandths
	bytes               int64
	score               int64 // thousandths
}

// ask is a piece that was asked of a neighbour.
type ask struct {
	id PieceID
	at int64
}

// ban keeps a peer away.
type ban struct {
	peer  PeerID
	until int64
}

// usable: it may be asked for something.
func (p *peer) usable() bool { return p.open && !p.left && p.score >= 0 }

func (p *peer) has(id PieceID) bool {
	return slices.ContainsFunc(p.have, func(m HaveMap) bool { return m.has(id) })
}

// covers counts the missing pieces of a sub-stream that it has.
func (p *peer) covers(missing []*entry, sub int) int {
	n := 0
	for _, e := range missing {
		if e.sub == sub && !e.have && p.has(e.id) {
			n++
		}
	}
	return n
}

func (p *peer) answered(id PieceID) {
	p.asked = slices.DeleteFunc(p.asked, func(a ask) bool { return a.id == id })
}

func (p *peer) cancel(ids []PieceID) {
	p.queue = slices.DeleteFunc(p.queue, func(e *entry) bool { return slices.Contains(ids, e.id) })
}

func (p *peer) child() bool { return slices.Contains(p.children, true) }

func (v *Viewer) peer(id PeerID) *peer {
	i, ok := slices.BinarySearchFunc(v.peers, id, func(p *peer, id PeerID) int { return int(p.id) - int(id) })
	if !ok {
		return nil
	}
	return v.peers[i]
}

func (v *Viewer) addPeer(id PeerID) *peer {
	k := len(v.subs)
	p := &peer{
		id: id, score: 40_000, aheadAt: make([]int64, k),
		children: make([]bool, k), from: make([]PieceID, k), since: make([]int64, k),
	}
	for i := range p.aheadAt {
		p.aheadAt[i] = -freshAhead
	}
	at, _ := slices.BinarySearchFunc(v.peers, id, func(p *peer, id PeerID) int { return int(p.id) - int(id) })
	v.peers = slices.Insert(v.peers, at, p)
	return p
}

// candidates connects to those that the edge made known.
func (v *Viewer) candidates(cs []Candidate) {
	for _, c := range cs {
		if c.Peer == Edge || c.Peer == v.self || v.mode == ModeEdge || v.banned(c.Peer) {
			continue
		}
		if p := v.peer(c.Peer); p != nil {
			p.prefix = c.Prefix
			continue
		}
		if len(v.peers) >= maxPeers && !v.makeRoom() {
			continue
		}
		v.addPeer(c.Peer).prefix = c.Prefix
		v.do(Action{Kind: ActionConnect, Peer: c.Peer, Offer: c.Offer})
	}
}

// makeRoom leaves the worst neighbour that nothing hangs on.
func (v *Viewer) makeRoom() bool {
	var worst *peer
	for _, p := range v.peers {
		if !p.child() && !v.parentOf(p.id) && (worst == nil || p.score < worst.score) {
			worst = p
		}
	}
	if worst == nil {
		return false
	}
	v.close(worst, "full")
	return true
}

// parentOf says whether a sub-stream hangs on that peer.
func (v *Viewer) parentOf(id PeerID) bool {
	return slices.ContainsFunc(v.subs, func(s substream) bool { return s.parent == id || s.trial == id || s.leaving == id })
}

func (v *Viewer) opened(id PeerID, rtt int64) {
	if id == Edge || id == v.self {
		return
	}
	p := v.peer(id)
	if p == nil && (v.mode == ModeEdge || v.banned(id) || len(v.peers) >= maxPeers) {
		v.do(Action{Kind: ActionClose, Peer: id, Reason: "full"})
		return
	}
	if p == nil {
		p = v.addPeer(id)
	}
	p.open, p.openAt = true, v.now
	p.rtt.add(v.now, rtt)
	if maps := v.table.haveMaps(); len(maps) > 0 {
		v.do(Action{Kind: ActionHave, Peer: id, Have: maps})
	}
	for sub := range v.subs {
		if v.subs[sub].want == id {
			v.pursue(sub)
		}
	}
}

func (v *Viewer) failed(id PeerID) {
	v.ban(id, failedBan)
	v.forget(id)
}

func (v *Viewer) closed(id PeerID) {
	v.fault(id)
	v.forget(id)
}

// drop: the edge tells to leave a peer.
func (v *Viewer) drop(id PeerID, reason Reason, during int64) {
	if during > 0 {
		v.ban(id, during)
	}
	if p := v.peer(id); p != nil {
		v.close(p, reason)
	}
}

// invalid: a peer sent what no beacon signs; it is not heard again.
func (v *Viewer) invalid(id PeerID, piece PieceID) {
	v.report.InvalidPieces++
	if id == Edge {
		return
	}
	v.ban(id, invalidBan)
	v.do(Action{Kind: ActionInvalid, Peer: id, ID: piece})
	v.do(Action{Kind: ActionClose, Peer: id, Reason: "invalid"})
	v.forget(id)
}

// left: a peer stops sending; 0 is the viewer itself.
func (v *Viewer) left(id PeerID) {
	if id == Edge {
		v.bye()
		return
	}
	p := v.peer(id)
	if p == nil || !p.open {
		return
	}
	p.left, p.asked = true, nil
	v.abandon(id)
}

// bye: the viewer goes.
func (v *Viewer) bye() {
	v.leavePeers()
	v.do(Action{Kind: ActionBye, Reason: "ended"})
	v.joined = false
}

// leavePeers tells all that nothing comes from here any more.
func (v *Viewer) leavePeers() {
	for _, p := range v.peers {
		if p.open {
			v.do(Action{Kind: ActionLeave, Peer: p.id})
		}
		v.orphan(p)
	}
}

func (v *Viewer) close(p *peer, reason Reason) {
	v.do(Action{Kind: ActionClose, Peer: p.id, Reason: reason})
	v.forget(p.id)
}

// forget takes a peer out, and finds others for what hung on it.
func (v *Viewer) forget(id PeerID) {
	v.peers = slices.DeleteFunc(v.peers, func(p *peer) bool { return p.id == id })
	v.abandon(id)
}

// abandon takes nothing from a peer any more. One that is still connected would go on
// pushing what it was asked for.
func (v *Viewer) abandon(id PeerID) {
	if id == Edge {
		return
	}
	for sub := range v.subs {
		s := &v.subs[sub]
		if s.want == id {
			s.want = Edge
		}
		if s.leaving == id {
			v.unsub(id, sub)
			s.leaving = Edge
		}
		if s.trial == id {
			v.stopTrial(sub)
		}
		if s.parent == id {
			v.lose(sub)
		}
	}
}

func (v *Viewer) ban(id PeerID, during int64) {
	if id == Edge {
		return
	}
	v.bans = slices.DeleteFunc(v.bans, func(b ban) bool { return b.peer == id || b.until <= v.now })
	if len(v.bans) >= maxBans {
		v.bans = slices.Delete(v.bans, 0, 1)
	}
	v.bans = append(v.bans, ban{id, v.now + during})
}

func (v *Viewer) banned(id PeerID) bool {
	return slices.ContainsFunc(v.bans, func(b ban) bool { return b.peer == id && b.until > v.now })
}
