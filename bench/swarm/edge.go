package swarm

import (
	"math/bits"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// The edge's clock, and how often it looks at what it sends.
const (
	trackerTick = 100 * time.Millisecond
	loadPeriod  = time.Second
)

// edge has every chunk as soon as there is one, feeds its members what no peer does,
// answers hedges, and keeps the swarm by its Warden.
type edge struct {
	w       *world
	warden  Warden
	members []*member // In the order in which they came.
	of      map[policy.PeerID]*member
	next    int // The chunk that comes next.
	line    line
	load    int64 // Bytes since the Warden was last told.
}

// member is what the edge knows of a viewer.
type member struct {
	v      *viewer
	gone   bool
	subs   int   // Bit mask of what is fed.
	next   []int // Running number of the first piece that was not fed, by sub-stream.
	bucket bucket
}

// bucket is the bytes that a session may still hedge.
type bucket struct {
	left float64
	at   time.Duration
}

// hedgeFactor is how many times the bitrate a session may hedge, hedgeBurst the time
// that the bucket holds of it.
const (
	hedgeFactor = 1.2
	hedgeBurst  = 2 * time.Second
)

// take takes bytes out if they are there.
func (b *bucket) take(now time.Duration, bytes int, bitrate int64) bool {
	rate := hedgeFactor * float64(bitrate) / 8
	b.left = min(b.left+rate*(now-b.at).Seconds(), rate*hedgeBurst.Seconds())
	b.at = now
	if b.left < float64(bytes) {
		return false
	}
	b.left -= float64(bytes)
	return true
}

func newEdge(w *world) *edge {
	e := &edge{w: w, of: make(map[policy.PeerID]*member)}
	e.warden = w.cfg.NewWarden(policy.TrackerConfig{Params: w.cfg.Params, Seed: w.cfg.Seed})
	return e
}

// run plans the edge's clock.
func (e *edge) run() {
	e.w.at(e.w.stream.chunks[0].at, e.chunk)
	e.w.after(trackerTick, e.tick)
	e.w.after(loadPeriod, e.weigh)
}

func (e *edge) tick() {
	e.step(policy.TrackerEvent{Kind: policy.TrackerTick})
	e.w.after(trackerTick, e.tick)
}

// weigh tells the Warden what the edge sends.
func (e *edge) weigh() {
	c := e.w.cfg
	e.step(policy.TrackerEvent{
		Kind: policy.TrackerLoad, Egress: e.load * 8 * int64(time.Second) / int64(loadPeriod),
		Capacity: c.Network.EdgeRate, Bitrate: c.Bitrate - c.Audio,
	})
	e.load = 0
	e.w.after(loadPeriod, e.weigh)
}

// chunk is the arrival of the stream's next chunk.
func (e *edge) chunk() {
	ch := &e.w.stream.chunks[e.next]
	e.next++
	if e.next < len(e.w.stream.chunks) {
		e.w.at(e.w.stream.chunks[e.next].at, e.chunk)
	}
	audio := int(float64(e.w.cfg.Audio) / 8 * e.w.cfg.Chunk.Seconds())
	kept := e.members[:0]
	for _, m := range e.members {
		if m.gone {
			continue
		}
		kept = append(kept, m)
		e.w.tally().audio += int64(audio)
		e.w.tally().beacons += int64(ch.beacon)
		e.send(m, audio+ch.beacon, func() { m.v.takeBeacon(ch) })
		m.feed(e)
	}
	clear(e.members[len(kept):])
	e.members = kept
}

// end is the running number of the first piece that the edge has not got.
func (e *edge) end() int {
	if e.next == len(e.w.stream.chunks) {
		return len(e.w.stream.pieces)
	}
	return e.w.stream.chunks[e.next].piece
}

// send carries bytes to a member, and then something happens there.
func (e *edge) send(m *member, bytes int, then func()) {
	w := e.w
	out := w.now
	if rate := w.cfg.Network.EdgeRate; rate > 0 {
		out = e.line.serve(w.now, float64(bytes), rate)
	}
	e.load += int64(bytes)
	w.at(out+m.v.host.edgeRTT/2+w.jitter(), func() {
		if m.v.watches {
			w.through(m.v.host, bytes, then)
		}
	})
}

// feed sends the pieces of a member's sub-streams that it has not been sent.
func (m *member) feed(e *edge) {
	from, end := e.end(), e.end()
	for mask := m.subs; mask != 0; mask &= mask - 1 {
		from = min(from, m.next[bits.TrailingZeros(uint(mask))])
	}
	for i := from; i < end; i++ {
		s := e.w.stream.pieces[i].sub
		if m.subs>>s&1 == 1 && i >= m.next[s] {
			m.next[s] = i + 1
			e.piece(m, i, false)
		}
	}
}

// piece sends one.
func (e *edge) piece(m *member, i int, hedged bool) {
	size := e.w.stream.pieces[i].size
	switch {
	case hedged:
		e.w.tally().hedged += int64(size)
	case e.w.stream.pieces[i].chunk < m.v.first:
		e.w.tally().backlog += int64(size)
	default:
		e.w.tally().fed += int64(size)
	}
	m.v.edgeBytes += int64(size)
	e.send(m, size, func() { m.v.takeEdge(i, hedged) })
}

// join is a viewer's hello. It is fed all, from the start of the group that is running.
func (e *edge) join(v *viewer) {
	k := e.w.cfg.Params.Subs
	m := &member{v: v, subs: 1<<k - 1, next: make([]int, k)}
	m.bucket.at = e.w.now - hedgeBurst
	group := max(0, int(e.w.now-e.w.cfg.Chunk)/int(e.w.cfg.Group))
	group = min(group, len(e.w.stream.groups)-1)
	for s := range m.next {
		m.next[s] = e.w.stream.groups[group]
	}
	e.members, e.of[v.id] = append(e.members, m), m
	v.first = e.next
	e.backlog(m, group)
	e.welcome(m)
}

// backlog sends what the running group has so far: needed to decode what comes.
func (e *edge) backlog(m *member, group int) {
	for i := e.w.stream.opens[group]; i < e.next; i++ {
		ch := &e.w.stream.chunks[i]
		e.w.tally().beacons += int64(ch.beacon)
		e.send(m, ch.beacon, func() { m.v.takeBeacon(ch) })
	}
	m.feed(e)
}

// welcome answers a hello with what the Warden says of the newcomer's mode.
func (e *edge) welcome(m *member) {
	profile := m.v.profile()
	actions := e.warden.Step(e.w.now, policy.TrackerEvent{Kind: policy.TrackerJoin, Peer: m.v.id, Profile: &profile})
	mode := policy.ModeEdge
	for _, a := range actions {
		if a.To == m.v.id && a.Kind == policy.TrackerMode {
			mode = a.Mode
		}
	}
	params := e.w.cfg.Params
	m.v.mode = mode
	e.say(m, policy.Event{Kind: policy.EventWelcome, Self: m.v.id, Mode: mode, Params: &params})
	e.say(m, policy.Event{Kind: policy.EventPlayout})
	for _, a := range actions {
		if a.To != m.v.id || a.Kind != policy.TrackerMode {
			e.act(a)
		}
	}
}

// say carries a message to a member.
func (e *edge) say(m *member, event policy.Event) {
	e.w.at(e.w.now+m.v.host.edgeRTT/2+e.w.jitter(), func() {
		if m.v.watches {
			m.v.order(event)
		}
	})
}

// step tells the Warden something and does what it wants.
func (e *edge) step(event policy.TrackerEvent) {
	for _, a := range e.warden.Step(e.w.now, event) {
		e.act(a)
	}
}

// leave forgets a viewer: it said so, or is missed.
func (e *edge) leave(id policy.PeerID) {
	if m := e.of[id]; m != nil {
		m.gone = true
		delete(e.of, id)
		e.step(policy.TrackerEvent{Kind: policy.TrackerLeave, Peer: id})
	}
}
