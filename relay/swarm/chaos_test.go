package swarm_test

import (
	"math/rand/v2"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

// chaos tells one Viewer what a hostile or broken world might: beacons out of
// order, pieces nobody asked for, peers without number. For the vectors: a second
// implementation must do the same even then.
type chaos struct {
	rand  *rand.Rand
	v     *swarm.Viewer
	now   time.Duration
	trace *trace
	group uint64
	n     uint32
	late  []swarm.Event // beacons kept back
	hedge int
	asked []swarm.PieceID
	feed  int
	loss  int // of 10 pieces that peers owe, so many are lost
}

const chaosSeed = 99

// live runs for so many chunks.
func (c *chaos) live(chunks int) {
	c.rand = rand.New(rand.NewPCG(uint64(chunks), chaosSeed))
	c.v, c.trace, c.group = swarm.NewViewer(swarm.ViewerConfig{Seed: chaosSeed}), &trace{}, 1000
	params := swarm.DefaultParams()
	params.Subs = 4
	c.step(swarm.Event{Kind: swarm.EventWelcome, Self: 30, Mode: swarm.ModeOn, Params: &params})
	for i := range chunks {
		if i%15 == 14 {
			c.group, c.n = c.group+uint64(1+c.rand.IntN(3)), 0
		}
		c.chunk(i)
		for range 2 {
			for range c.rand.IntN(4) {
				c.random()
			}
			c.now += 50 * time.Millisecond
			c.step(swarm.Event{Kind: swarm.EventTick})
			c.answer()
		}
	}
	c.step(swarm.Event{Kind: swarm.EventLeave})
}

func (c *chaos) step(e swarm.Event) {
	actions := c.v.Step(c.now, e)
	c.trace.record(c.now, e, actions)
	for _, a := range actions {
		switch a.Kind {
		case swarm.ActionHedge:
			c.hedge = a.Count
			c.asked = append(c.asked, a.IDs...)
		case swarm.ActionFeed:
			c.feed = a.Subs
		default:
		}
	}
}

// chunk announces pieces; what the edge feeds comes, what peers owe often too.
func (c *chaos) chunk(i int) {
	sizes := swarm.Cut(20_000 + c.rand.IntN(20_000)*(1+i%15/14*4))
	e := swarm.Event{Kind: swarm.EventBeacon, ID: swarm.PieceID{Group: c.group, N: c.n}, Sizes: sizes, PTS: time.Duration(i) * 100 * time.Millisecond}
	c.n += uint32(len(sizes))
	if i%9 == 4 {
		c.late = append(c.late, e)
		return
	}
	c.step(e)
	for _, l := range c.late {
		c.step(l)
	}
	c.late = nil
	if i == 3 {
		c.step(swarm.Event{Kind: swarm.EventPlayout, Offset: time.Second - c.now})
	}
	for k := range sizes {
		id := swarm.PieceID{Group: c.group, N: e.ID.N + uint32(k)}
		if c.feed>>id.Sub(4)&1 != 0 {
			c.step(swarm.Event{Kind: swarm.EventPiece, ID: id, Size: sizes[k]})
		} else if c.rand.IntN(10) >= c.loss {
			c.step(swarm.Event{Kind: swarm.EventPiece, Peer: c.peer(), ID: id, Size: sizes[k]})
		}
	}
}

func (c *chaos) answer() {
	if len(c.asked) == 0 || c.rand.IntN(3) == 0 {
		return
	}
	for i, id := range c.asked {
		if i%5 != 4 {
			c.step(swarm.Event{Kind: swarm.EventPiece, ID: id, Size: 20_000, Hedged: true})
		}
	}
	c.asked = nil
	c.step(swarm.Event{Kind: swarm.EventHedgeDone, Count: c.hedge})
}

// peer draws one; the low ones come often.
func (c *chaos) peer() swarm.PeerID {
	if c.rand.IntN(4) > 0 {
		return swarm.PeerID(1 + c.rand.IntN(4))
	}
	return swarm.PeerID(c.rand.IntN(32))
}

func (c *chaos) id() swarm.PieceID {
	return swarm.PieceID{Group: c.group - uint64(c.rand.IntN(2)), N: c.n - min(c.n, uint32(c.rand.IntN(20)))}
}

func (c *chaos) ids() []swarm.PieceID {
	ids := make([]swarm.PieceID, 1+c.rand.IntN(3))
	for i := range ids {
		ids[i] = c.id()
	}
	return ids
}

func (c *chaos) random() {
	peer, sub := c.peer(), c.rand.IntN(6)-1
	switch c.rand.IntN(30) {
	case 0, 1, 2:
		c.step(swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{
			{Peer: peer, Prefix: c.rand.IntN(3), Offer: peer%2 == 0}, {Peer: c.peer(), Standby: true},
		}})
	case 3, 4, 5:
		c.step(swarm.Event{Kind: swarm.EventOpen, Peer: peer, RTT: time.Duration(20+c.rand.IntN(40)) * time.Millisecond})
	case 6:
		c.step(swarm.Event{Kind: swarm.EventClosed, Peer: peer, Reason: "ice"})
	case 7:
		c.step(swarm.Event{Kind: swarm.EventFailed, Peer: swarm.PeerID(c.rand.IntN(80)), Reason: "ice"})
	case 8, 9, 10, 11:
		c.step(swarm.Event{Kind: swarm.EventAssign, Sub: sub, Peer: peer, Child: swarm.PeerID(c.rand.IntN(6) / 5 * 3)})
	case 12, 13, 14:
		c.step(swarm.Event{Kind: swarm.EventSub, Peer: peer, Sub: sub, ID: c.id()})
	case 15:
		c.step(swarm.Event{Kind: swarm.EventUnsub, Peer: peer, Sub: sub})
	case 16, 17, 18:
		bits := make([]byte, 1+c.rand.IntN(40))
		for i := range bits {
			bits[i] = byte(c.rand.Uint32() | c.rand.Uint32())
		}
		c.step(swarm.Event{Kind: swarm.EventHave, Peer: peer, Have: []swarm.HaveMap{{Group: c.group, N: c.id().N, Bits: bits}, {Group: c.group - 1, Bits: bits}}})
	case 19, 20:
		c.step(swarm.Event{Kind: swarm.EventPull, Peer: peer, IDs: c.ids()})
	case 21:
		c.step(swarm.Event{Kind: swarm.EventCancel, Peer: peer, IDs: c.ids()})
	case 22:
		e := swarm.Event{Kind: swarm.EventRefuse, Peer: peer, Sub: sub, Reason: "full"}
		if c.rand.IntN(2) == 0 {
			e.Sub, e.IDs = 0, c.ids()
		}
		c.step(e)
	case 23:
		c.step(swarm.Event{Kind: swarm.EventQueue, Peer: peer, Size: c.rand.IntN(3) * 100_000})
	case 24, 25:
		c.step(swarm.Event{Kind: swarm.EventRTT, Peer: peer, RTT: time.Duration(c.rand.IntN(150)) * time.Millisecond})
	case 26:
		c.step(swarm.Event{Kind: swarm.EventPiece, Peer: peer, ID: c.id(), Size: 20_000})
	default:
		c.seldom(peer)
	}
}

// seldom is what happens once in a while.
func (c *chaos) seldom(peer swarm.PeerID) {
	switch c.rand.IntN(16) {
	case 0:
		c.step(swarm.Event{Kind: swarm.EventInvalid, Peer: peer, ID: c.id()})
	case 1, 2, 3:
		c.step(swarm.Event{Kind: swarm.EventUplink, Rate: int64(c.rand.IntN(8)) * 4_000_000})
	case 4:
		c.step(swarm.Event{Kind: swarm.EventSlots, Count: c.rand.IntN(12)})
	case 5:
		c.step(swarm.Event{Kind: swarm.EventDrop, Peer: peer, Reason: "operator", Delay: time.Duration(c.rand.IntN(2)) * time.Minute})
	case 6:
		c.step(swarm.Event{Kind: swarm.EventMode, Mode: swarm.ModeReceive, Reason: "cellular"})
	case 7, 8:
		c.step(swarm.Event{Kind: swarm.EventMode, Mode: swarm.ModeOn})
	case 9:
		if c.rand.IntN(3) == 0 {
			c.step(swarm.Event{Kind: swarm.EventStall})
		}
	case 10:
		c.step(swarm.Event{Kind: swarm.EventBeacon, ID: swarm.PieceID{Group: c.group - 40, N: 3}, Sizes: []int{100}, PTS: c.now - time.Minute})
		c.step(swarm.Event{Kind: swarm.EventBeacon, ID: swarm.PieceID{Group: c.group, N: 20_000}, Sizes: []int{100}, PTS: c.now})
		c.step(swarm.Event{Kind: swarm.EventBeacon, ID: c.id()})
	case 11:
		c.step(swarm.Event{Kind: swarm.EventDelay, Delay: time.Second + time.Duration(c.rand.IntN(2))*250*time.Millisecond})
	case 12:
		c.step(swarm.Event{Kind: swarm.EventPlayout, Offset: time.Second - c.now + time.Duration(c.rand.IntN(100))*time.Millisecond})
	default:
		if peer != swarm.Edge {
			c.step(swarm.Event{Kind: swarm.EventLeave, Peer: peer})
		}
	}
}
