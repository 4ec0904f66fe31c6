package swarm_test

import (
	"cmp"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

// network is a small model of viewers around one edge, in virtual time: enough to
// see the policy work as a whole and to check what must always hold.
type network struct {
	tb   testing.TB
	cfg  netConfig
	rand *rand.Rand
	now  time.Duration
	heap events
	seq  int

	edge  *edge
	nodes []*node // By peer number - 1.
	// cut pairs cannot connect.
	cut func(a, b swarm.PeerID) bool
}

type netConfig struct {
	seed    uint64
	bitrate int64
	chunk   time.Duration
	params  swarm.Params
	// edgeRTT and peerRTT are round trips.
	edgeRTT, peerRTT time.Duration
	tracker          swarm.TrackerConfig
	// traced is the viewer whose steps are recorded.
	traced swarm.PeerID
}

func newNetwork(tb testing.TB, cfg netConfig) *network {
	tb.Helper()
	cfg.bitrate = cmp.Or(cfg.bitrate, 1_000_000)
	cfg.chunk = cmp.Or(cfg.chunk, 100*time.Millisecond)
	cfg.edgeRTT = cmp.Or(cfg.edgeRTT, 20*time.Millisecond)
	cfg.peerRTT = cmp.Or(cfg.peerRTT, 40*time.Millisecond)
	if cfg.params == (swarm.Params{}) {
		cfg.params = swarm.DefaultParams()
	}
	cfg.tracker.Params, cfg.tracker.Seed = cfg.params, cfg.seed
	n := &network{tb: tb, cfg: cfg, rand: rand.New(rand.NewPCG(cfg.seed, 1))}
	n.edge = newEdge(n)
	n.at(0, n.edge.tick)
	n.at(0, n.edge.chunk)
	return n
}

// at does something later.
func (n *network) at(in time.Duration, do func()) {
	n.seq++
	heap.Push(&n.heap, event{n.now + in, n.seq, do})
}

// run lets time pass.
func (n *network) run(d time.Duration) {
	end := n.now + d
	for n.heap.Len() > 0 && n.heap.list[0].at <= end {
		e := heap.Pop(&n.heap).(event)
		n.now = e.at
		e.do()
	}
	n.now = end
}

func (n *network) node(id swarm.PeerID) *node {
	if id == swarm.Edge || int(id) > len(n.nodes) {
		return nil
	}
	return n.nodes[id-1]
}

// rtt of a pair is the same each time it is asked.
func (n *network) rtt(a, b swarm.PeerID) time.Duration {
	if a > b {
		a, b = b, a
	}
	r := rand.New(rand.NewPCG(uint64(a)<<32|uint64(b), n.cfg.seed))
	return (n.cfg.peerRTT/2 + time.Duration(r.Int64N(int64(n.cfg.peerRTT)))).Truncate(time.Microsecond)
}

// figures sums the viewers' bytes up.
type figures struct {
	peer, edge, hedge, late, duplicate, upload int64
	lost, stalls                               int
}

func (f figures) offload() float64 {
	return float64(f.peer) / float64(f.peer+f.edge+f.hedge+f.late)
}

func (f figures) hedged() float64 {
	return float64(f.hedge) / float64(f.peer+f.edge+f.hedge+f.late)
}

func (f figures) String() string {
	return fmt.Sprintf("offload %.1f %%, hedged %.2f %%, duplicate %.1f %%, lost %d, stalls %d",
		100*f.offload(), 100*f.hedged(), 100*float64(f.duplicate)/float64(f.peer+f.edge+f.hedge+f.late), f.lost, f.stalls)
}

func (n *network) figures() figures {
	var f figures
	for _, v := range n.nodes {
		f.peer += v.sum.peer
		f.edge += v.sum.edge
		f.hedge += v.sum.hedge
		f.late += v.sum.late
		f.duplicate += v.sum.duplicate
		f.upload += v.sum.upload
		f.lost += v.sum.lost
		f.stalls += v.sum.stalls
	}
	return f
}

// since gives the figures of the time after an earlier look.
func (f figures) since(g figures) figures {
	return figures{
		f.peer - g.peer, f.edge - g.edge, f.hedge - g.hedge, f.late - g.late, f.duplicate - g.duplicate,
		f.upload - g.upload, f.lost - g.lost, f.stalls - g.stalls,
	}
}

// event is something to do at a time.
type event struct {
	at  time.Duration
	seq int
	do  func()
}

type events struct{ list []event }

func (h *events) Len() int { return len(h.list) }
func (h *events) Less(i, j int) bool {
	a, b := h.list[i], h.list[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}
func (h *events) Swap(i, j int) { h.list[i], h.list[j] = h.list[j], h.list[i] }
func (h *events) Push(x any)    { h.list = append(h.list, x.(event)) }
func (h *events) Pop() any {
	last := h.list[len(h.list)-1]
	h.list = h.list[:len(h.list)-1]
	return last
}

// edge feeds viewers, answers hedges, and runs the tracker.
type edge struct {
	n       *network
	tracker *swarm.Tracker
	group   uint64
	number  uint32
	index   int // of the chunk in its group
	pts     time.Duration
	pieces  []made
	sent    int64
	// full counts what the whole audience drew.
	full int64
	down bool
}

// made is a piece that the packager made.
type made struct {
	id   swarm.PieceID
	size int
	pts  time.Duration
}

func newEdge(n *network) *edge {
	return &edge{n: n, tracker: swarm.NewTracker(n.cfg.tracker), group: 1_764_200_000_000}
}

// groupChunks is the length of a group, in chunks.
const groupChunks = 20

// chunk makes a chunk: the first of a group is five times as large as the others.
func (e *edge) chunk() {
	n := e.n
	mean := n.cfg.bitrate / 8 * int64(n.cfg.chunk) / int64(time.Second) * groupChunks / (groupChunks + 4)
	size := int(mean)
	if e.index == 0 {
		size *= 5
	}
	sizes := swarm.Cut(size + int(n.rand.Int64N(mean/5+1)-mean/10))
	first := swarm.PieceID{Group: e.group, N: e.number}
	for i, size := range sizes {
		e.pieces = append(e.pieces, made{swarm.PieceID{Group: e.group, N: e.number + uint32(i)}, size, e.pts})
	}
	if len(e.pieces) > 4096 {
		e.pieces = slices.Delete(e.pieces, 0, 2048)
	}
	e.announce(first, sizes)
	e.number += uint32(len(sizes))
	e.pts += n.cfg.chunk
	if e.index++; e.index == groupChunks {
		e.index, e.number = 0, 0
		e.group += uint64(groupChunks * n.cfg.chunk / time.Millisecond)
	}
	n.at(n.cfg.chunk, e.chunk)
}

func (e *edge) announce(first swarm.PieceID, sizes []int) {
	pts := e.pts
	for _, v := range e.n.nodes {
		if v.gone {
			continue
		}
		e.n.at(e.n.cfg.edgeRTT/2, func() { v.beacon(first, sizes, pts) })
		for i, size := range sizes {
			id := swarm.PieceID{Group: first.Group, N: first.N + uint32(i)}
			e.full += int64(size)
			if v.feed>>id.Sub(e.n.cfg.params.Subs)&1 != 0 {
				e.send(v, made{id, size, pts}, false, 0)
			}
		}
	}
}

// send brings a piece to a viewer; the edge's line is wide.
func (e *edge) send(v *node, p made, hedged bool, after time.Duration) {
	if e.down {
		return
	}
	e.sent += int64(p.size)
	e.n.at(after+e.n.cfg.edgeRTT/2+5*time.Millisecond, func() {
		v.step(swarm.Event{Kind: swarm.EventPiece, ID: p.id, Size: p.size, Hedged: hedged})
	})
}

func (e *edge) find(id swarm.PieceID) (made, bool) {
	i, ok := slices.BinarySearchFunc(e.pieces, id, func(m made, id swarm.PieceID) int {
		return cmp.Or(cmp.Compare(m.id.Group, id.Group), cmp.Compare(m.id.N, id.N))
	})
	if !ok {
		return made{}, false
	}
	return e.pieces[i], true
}

// fed takes in a FEED: what is new starts from id.
func (e *edge) fed(v *node, subs int, from swarm.PieceID) {
	fresh := subs &^ v.feed
	v.feed = subs
	for _, p := range e.pieces {
		if !p.id.Less(from) && fresh>>p.id.Sub(e.n.cfg.params.Subs)&1 != 0 {
			e.send(v, p, false, 0)
		}
	}
}

func (e *edge) hedge(v *node, id int, pieces []swarm.PieceID) {
	for _, p := range pieces {
		if m, ok := e.find(p); ok {
			e.send(v, m, true, 0)
		}
	}
	e.n.at(e.n.cfg.edgeRTT/2+6*time.Millisecond, func() { v.step(swarm.Event{Kind: swarm.EventHedgeDone, Count: id}) })
}

func (e *edge) tick() {
	e.tell(swarm.TrackerEvent{Kind: swarm.TrackerTick})
	e.n.at(100*time.Millisecond, e.tick)
}

// tell hands an event to the tracker, and its actions to viewers.
func (e *edge) tell(ev swarm.TrackerEvent) {
	if e.down {
		return
	}
	for _, a := range e.tracker.Step(e.n.now, ev) {
		a.Candidates = slices.Clone(a.Candidates)
		if v := e.n.node(a.To); v != nil {
			e.n.at(e.n.cfg.edgeRTT/2, func() { v.told(a) })
		}
	}
}
