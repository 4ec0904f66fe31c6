package swarm

import "slices"

const (
	// unknownUplink stands for an uplink that was not measured yet, bit/s.
	unknownUplink = 5_000_000

	// A newcomer is a leaf for leafTime and has one slot then; its slots double
	// every doubleTime until it meets congestion, then grow by one every growTime.
	leafTime   = 3 * second
	doubleTime = 2 * second
	growTime   = 10 * second
	maxRamp    = 64

	// maxInflation of a round trip, three times in a row, or maxQueue of unsent data
	// that stands for standTime, halves the slots, at most every calmTime. Below
	// calmQueue they may grow. A key frame's burst does not stand.
	maxInflation  = 50 * millisecond
	inflatedTimes = 3
	// maxEdgeInflation of the round trip to the edge, twice in a row, does the same; twice
	// as much stops pushing at once, for as long.
	maxEdgeInflation = 150 * millisecond
	maxQueue         = 200 * millisecond
	calmQueue        = 50 * millisecond
	standTime        = second / 2
	calmTime         = 2 * second

	// burst is how much of the budget may go at once. Full slots take the whole
	// budget in the mean, so what a key frame needs more must come from here.
	burst = 3 * second
	// ahead is how much the line may have to send before it gets more: hedges and
	// answers of the viewer itself wait behind that, and what waits here can still be
	// cancelled. Ticks are not further apart.
	ahead = 50 * millisecond
	// slack is the part of the budget by which the bucket exceeds it: slots keep the
	// mean within the budget, and what has queued up must be able to drain.
	slack = 8
)

// upload is what a viewer gives.
type upload struct {
	uplink int64 // bit/s, 0 unknown
	limit  int   // slots by the edge, -1 none
	bucket bucket
	turn   int
	// freeAt is when the line will have sent what was pushed, by its rate.
	freeAt int64

	joinedAt  int64 // -1: not yet
	ramp      int
	rampAt    int64
	congested bool
	halvedAt  int64
	// low is the shortest queue since lowAt; worst the longest that stood since the
	// slots last grew.
	low, lowAt, worst int64
}

// rtt follows a round trip: base is the least of the present and the last 10 s.
type rtt struct {
	value, base, next int64
	turnAt            int64
	inflated          int
}

func (r *rtt) add(now, rtt int64) {
	if rtt <= 0 {
		return
	}
	if r.value == 0 || now-r.turnAt >= 20*second {
		r.base, r.next, r.turnAt = r.next, rtt, now
	}
	r.value = rtt
	r.next = min(r.next, rtt)
	if r.base == 0 {
		r.base = rtt
	}
	r.base = min(r.base, rtt)
	if rtt-r.base > maxInflation {
		r.inflated++
	} else {
		r.inflated = 0
	}
}

// line is the uplink, known or assumed, bit/s.
func (v *Viewer) line() int64 {
	if v.upload.uplink > 0 {
		return v.upload.uplink
	}
	return unknownUplink
}

// rate is what may be uploaded, bit/s: a share of the uplink, so many times the
// bitrate, never above the cap.
func (v *Viewer) rate() int64 {
	share := int64(v.params.share * float64(v.line()))
	most := int64(v.params.capFactor * float64(v.bitrate.value))
	return max(0, min(share, most, v.params.cap))
}

// slots is how many sub-streams may be pushed to children.
func (v *Viewer) slots() int {
	if v.mode != ModeOn || v.bitrate.value == 0 {
		return 0
	}
	n := min(int(v.rate()*int64(len(v.subs))/v.bitrate.value), v.upload.ramp)
	if v.upload.limit >= 0 {
		n = min(n, v.upload.limit)
	}
	return n
}

// taken is how many are pushed.
func (v *Viewer) taken() int {
	n := 0
	for _, p := range v.peers {
		for _, child := range p.children {
			if child {
				n++
			}
		}
	}
	return n
}

// ramp lets slots grow while queues are short.
func (v *Viewer) ramp() {
	u := &v.upload
	if !v.joined || len(v.table.groups) == 0 {
		return
	}
	if u.joinedAt < 0 {
		u.joinedAt, u.rampAt = v.now, v.now+leafTime
	}
	v.watchQueue()
	if v.now < u.rampAt || u.ramp >= maxRamp {
		return
	}
	if u.worst < calmQueue || u.ramp == 0 {
		u.grow(v.now)
	} else {
		u.rampAt = v.now + doubleTime
	}
	u.worst = 0
}

// watchQueue finds the queue that stands: the shortest within standTime.
func (v *Viewer) watchQueue() {
	u := &v.upload
	u.low = min(u.low, v.waiting())
	if v.now-u.lowAt < standTime {
		return
	}
	u.worst = max(u.worst, u.low)
	if u.low > maxQueue {
		v.backOff()
	}
	u.low, u.lowAt = v.waiting(), v.now
}

func (u *upload) grow(now int64) {
	if u.congested {
		u.ramp++
		u.rampAt = now + growTime
		return
	}
	u.ramp = max(1, 2*u.ramp)
	u.rampAt = now + doubleTime
}

// waiting is how long what is not sent yet takes on the whole line.
func (v *Viewer) waiting() int64 {
	bytes := int64(0)
	for _, p := range v.peers {
		bytes += p.buffered
	}
	return bytes * 8 * second / v.line()
}

// queued is told what waits to be sent to a peer.
func (v *Viewer) queued(id PeerID, bytes int) {
	p := v.peer(id)
	if p == nil {
		return
	}
	p.buffered = int64(max(0, bytes))
	v.upload.low = min(v.upload.low, v.waiting())
}

// roundTrip is told a round trip, peer 0 being the edge.
func (v *Viewer) roundTrip(id PeerID, rtt int64) {
	if id == Edge {
		v.edgeTrip(rtt)
		return
	}
	p := v.peer(id)
	if p == nil {
		return
	}
	p.rtt.add(v.now, rtt)
	if p.rtt.inflated >= inflatedTimes && p.child() && v.lineFull() {
		p.rtt.inflated = 0
		v.backOff()
	}
}

// edgeTrip is told the round trip to the edge. When it has grown much the viewer's
// own line is full: what waits to be pushed is given up, for its hedges wait behind
// it, and nothing is pushed until the line has sent what it holds.
func (v *Viewer) edgeTrip(rtt int64) {
	h := &v.hedger
	h.rtt.add(v.now, rtt)
	h.adapt(v.params)
	held := h.rtt.value - h.rtt.base
	if held <= maxEdgeInflation {
		h.choked = 0
		return
	}
	h.choked++
	again := h.choked >= 2
	if v.taken() == 0 || !again && held <= 2*maxEdgeInflation {
		return
	}
	v.upload.freeAt = max(v.upload.freeAt, v.now+held)
	for _, p := range v.peers {
		p.queue = nil
	}
	if again {
		h.choked = 0
		v.backOff()
	}
}

// lineFull: the round trips to all neighbours are long at present, so it is this
// viewer's line that is full and not one of theirs.
func (v *Viewer) lineFull() bool {
	for _, p := range v.peers {
		if p.open && p.rtt.value > 0 && p.rtt.inflated == 0 {
			return false
		}
	}
	return true
}

// backOff halves the slots: somebody else needs the line.
func (v *Viewer) backOff() {
	u := &v.upload
	if v.now-u.halvedAt < calmTime {
		return
	}
	u.halvedAt, u.congested = v.now, true
	u.ramp = max(1, min(u.ramp, v.taken())/2)
	u.rampAt = v.now + growTime
	for range max(0, v.taken()-v.slots()) {
		v.dismiss()
	}
}

// dismiss sends the youngest child away.
func (v *Viewer) dismiss() {
	var young *peer
	at := 0
	for _, p := range v.peers {
		for sub, child := range p.children {
			if child && (young == nil || p.since[sub] > young.since[at]) {
				young, at = p, sub
			}
		}
	}
	if young == nil {
		return
	}
	young.drop(at)
	v.do(Action{Kind: ActionRefuse, Peer: young.id, Reason: refuseFull, Sub: at})
}

// useful: there is still time for a child to use it.
func (v *Viewer) useful(e *entry) bool { return v.now < v.deadline(e)-v.hedger.lead }

// offer queues a piece for a child that has not got it.
func (p *peer) offer(e *entry) {
	if !p.has(e.id) && !slices.Contains(p.queue, e) {
		p.queue = append(p.queue, e)
	}
}

// spread hands a piece to the children of its sub-stream.
func (v *Viewer) spread(e *entry, from PeerID) {
	if v.mode != ModeOn || !v.useful(e) {
		return
	}
	for _, p := range v.peers {
		if p.id != from && p.open && p.children[e.sub] && !e.id.Less(p.from[e.sub]) {
			p.offer(e)
		}
	}
}

// drain sends what waits, each child one piece in turn, as far as the budget and
// the children's queues allow.
func (v *Viewer) drain() {
	v.upload.bucket.fill(v.now, v.rate()+v.rate()/slack, burst, 2*MaxPiece)
	for idle := 0; idle < len(v.peers); {
		v.upload.turn = (v.upload.turn + 1) % len(v.peers)
		if v.sendNext(v.peers[v.upload.turn]) {
			idle = 0
		} else {
			idle++
		}
	}
}

func (v *Viewer) sendNext(p *peer) bool {
	for len(p.queue) > 0 && !v.useful(p.queue[0]) {
		p.queue = p.queue[1:]
	}
	if len(p.queue) == 0 || v.upload.freeAt-v.now > ahead || !v.clear(p) || !v.upload.bucket.has(p.queue[0].size) {
		return false
	}
	e := p.queue[0]
	p.queue = p.queue[1:]
	v.push(p, e)
	return true
}

// clear: what waits in the peer's connection is little.
func (v *Viewer) clear(p *peer) bool {
	return p.buffered <= max(2*MaxPiece, v.line()/8*maxQueue/second)
}

// spare: a piece can go now, nothing waits, and the children's next burst is left
// its part of the budget.
func (v *Viewer) spare(size int) bool {
	if v.slots() == 0 {
		return false // A piece would fill its line for seconds, and its own hedges wait behind it.
	}
	for _, p := range v.peers {
		if len(p.queue) > 0 {
			return false
		}
	}
	b := &v.upload.bucket
	return b.has(size) && b.level > b.depth/2 && v.upload.freeAt-v.now <= ahead
}

func (v *Viewer) push(p *peer, e *entry) {
	if !v.upload.bucket.take(e.size) {
		return
	}
	v.upload.freeAt = max(v.upload.freeAt, v.now) + int64(e.size)*8*second/v.line()
	v.report.UploadBytes += int64(e.size)
	v.do(Action{Kind: ActionPush, Peer: p.id, ID: e.id})
}
