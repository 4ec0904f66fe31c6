package swarm_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/freshet-live/freshet/relay/swarm"
)

// model is what must hold of a Viewer whatever it is told: it remembers what was
// announced and verified, and checks each action against that.
type model struct {
	t        *rapid.T
	v        *swarm.Viewer
	params   swarm.Params
	now      time.Duration
	offset   time.Duration
	next     uint32
	deadline map[swarm.PieceID]time.Duration
	have     map[swarm.PieceID]bool
	hedged   map[swarm.PieceID]bool
	open     map[swarm.PeerID]bool
	children map[swarm.PeerID]bool
	feed     int
	uplink   int64
	mode     swarm.Mode
	pushed   []sent
	hedges   []int
}

type sent struct {
	at   time.Duration
	size int64
}

// chunkBytes and pieceCount shape the model's stream: 2 Mbit/s.
const (
	pieceBytes = 12_500
	pieceCount = 2
)

func newModel(t *rapid.T) *model {
	m := &model{
		t: t, v: swarm.NewViewer(swarm.ViewerConfig{Seed: rapid.Uint64().Draw(t, "seed")}), params: swarm.DefaultParams(),
		deadline: map[swarm.PieceID]time.Duration{}, have: map[swarm.PieceID]bool{}, hedged: map[swarm.PieceID]bool{},
		open: map[swarm.PeerID]bool{}, children: map[swarm.PeerID]bool{}, uplink: 5_000_000, mode: swarm.ModeOn, offset: time.Second,
	}
	m.params.Subs = 4
	m.step(swarm.Event{Kind: swarm.EventWelcome, Self: 50, Mode: swarm.ModeOn, Params: &m.params})
	m.step(swarm.Event{Kind: swarm.EventPlayout, Offset: m.offset})
	return m
}

func (m *model) step(e swarm.Event) {
	for _, a := range slices.Clone(m.v.Step(m.now, e)) {
		m.check(a)
	}
}

func (m *model) check(a swarm.Action) {
	switch a.Kind {
	case swarm.ActionPush:
		if !m.have[a.ID] {
			m.t.Fatalf("pushed %v, which was not verified", a.ID)
		}
		if m.mode != swarm.ModeOn {
			m.t.Fatalf("pushed in mode %s", m.mode)
		}
		if !m.open[a.Peer] {
			m.t.Fatalf("pushed to %d, which is not connected", a.Peer)
		}
		m.pushed = append(m.pushed, sent{m.now, pieceBytes})
	case swarm.ActionHedge:
		m.hedges = append(m.hedges, a.Count)
		for _, id := range a.IDs {
			m.hedged[id] = true
			if m.have[id] {
				m.t.Fatalf("hedged %v, which is here", id)
			}
			if id.Group != a.IDs[0].Group || id.N-a.IDs[0].N > 255 {
				m.t.Fatalf("hedge %v does not fit a message", a.IDs)
			}
		}
	case swarm.ActionPull, swarm.ActionCancel:
		if len(a.IDs) == 0 || len(a.IDs) > 64 {
			m.t.Fatalf("%s of %d pieces", a.Kind, len(a.IDs))
		}
	case swarm.ActionFeed:
		m.feed = a.Subs
	case swarm.ActionClose:
		delete(m.open, a.Peer)
	case swarm.ActionHave:
		if m.mode != swarm.ModeOn {
			// At opening, before anybody asked: harmless, but nothing is given.
			return
		}
	default:
	}
}

// budget: in no time span more goes than its rate allows and one burst.
func (m *model) budget() {
	rate := min(int64(m.params.Share*20_000_000), int64(m.params.CapFactor*2_300_000), m.params.Cap) * 9 / 8
	for i := range m.pushed {
		sum := int64(0)
		for _, s := range m.pushed[i:] {
			sum += s.size * 8
			if most := rate*int64(s.at-m.pushed[i].at+3*time.Second)/int64(time.Second) + 2*swarm.MaxPiece*8; sum > most {
				m.t.Fatalf("%d bits within %v, the budget is %d bit/s", sum, s.at-m.pushed[i].at, rate)
			}
		}
	}
}

func (m *model) chunk() {
	first := swarm.PieceID{Group: 9, N: m.next}
	sizes := make([]int, pieceCount)
	for i := range sizes {
		sizes[i] = pieceBytes
		m.deadline[swarm.PieceID{Group: 9, N: m.next + uint32(i)}] = m.now + m.offset
	}
	m.next += pieceCount
	m.step(swarm.Event{Kind: swarm.EventBeacon, ID: first, Sizes: sizes, PTS: m.now})
}

func (m *model) piece(peer swarm.PeerID, id swarm.PieceID, hedged bool) {
	if _, known := m.deadline[id]; known {
		m.have[id] = true
	}
	m.step(swarm.Event{Kind: swarm.EventPiece, Peer: peer, ID: id, Size: pieceBytes, Hedged: hedged})
}

func (m *model) drawID() swarm.PieceID {
	return swarm.PieceID{Group: 9, N: m.next - min(m.next, uint32(rapid.IntRange(0, 60).Draw(m.t, "back")))}
}

func (m *model) drawPeer() swarm.PeerID { return swarm.PeerID(rapid.IntRange(0, 8).Draw(m.t, "peer")) }

// random tells the viewer something that may happen at any time, sense or not.
func (m *model) random() {
	peer, sub := m.drawPeer(), rapid.IntRange(-1, 4).Draw(m.t, "sub")
	switch rapid.IntRange(0, 16).Draw(m.t, "what") {
	case 0:
		m.step(swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{{Peer: peer}}})
	case 1:
		if peer != swarm.Edge {
			m.open[peer] = true
			m.step(swarm.Event{Kind: swarm.EventOpen, Peer: peer, RTT: 40 * time.Millisecond})
		}
	case 2:
		delete(m.open, peer)
		m.step(swarm.Event{Kind: swarm.EventClosed, Peer: peer})
	case 3, 4:
		m.step(swarm.Event{Kind: swarm.EventAssign, Sub: sub, Peer: peer})
	case 5, 6:
		m.step(swarm.Event{Kind: swarm.EventSub, Peer: peer, Sub: sub, ID: m.drawID()})
	case 7:
		m.step(swarm.Event{Kind: swarm.EventUnsub, Peer: peer, Sub: sub})
	case 8, 9:
		if m.open[peer] {
			m.piece(peer, m.drawID(), false)
		}
	case 10:
		m.step(swarm.Event{Kind: swarm.EventHave, Peer: peer, Have: []swarm.HaveMap{{Group: 9, N: m.drawID().N, Bits: []byte{255, 3}}}})
	case 11:
		m.step(swarm.Event{Kind: swarm.EventPull, Peer: peer, IDs: []swarm.PieceID{m.drawID(), m.drawID()}})
	case 12:
		m.step(swarm.Event{Kind: swarm.EventCancel, Peer: peer, IDs: []swarm.PieceID{m.drawID()}})
	case 13:
		m.step(swarm.Event{Kind: swarm.EventRefuse, Peer: peer, Sub: sub, Reason: "full"})
	case 14:
		m.step(swarm.Event{Kind: swarm.EventQueue, Peer: peer, Size: rapid.IntRange(0, 400_000).Draw(m.t, "queue")})
	case 15:
		m.step(swarm.Event{Kind: swarm.EventUplink, Rate: int64(rapid.IntRange(0, 20_000_000).Draw(m.t, "uplink"))})
	case 16:
		if peer != swarm.Edge {
			m.step(swarm.Event{Kind: swarm.EventLeave, Peer: peer})
		}
	}
}

// TestViewerHoldsWhateverHappens: peers do what they like, sub-streams go silent;
// what peers fail to bring is hedged before its deadline, nothing unverified goes
// out, no budget is passed.
func TestViewerHoldsWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		steps := rapid.IntRange(20, 120).Draw(t, "steps")
		for range steps {
			for range rapid.IntRange(0, 4).Draw(t, "events") {
				m.random()
			}
			m.chunk()
			for i := range pieceCount {
				id := swarm.PieceID{Group: 9, N: m.next - pieceCount + uint32(i)}
				if m.feed>>id.Sub(4)&1 != 0 {
					m.piece(swarm.Edge, id, false)
				}
			}
			for range 2 {
				m.now += 50 * time.Millisecond
				m.step(swarm.Event{Kind: swarm.EventTick})
			}
			m.answer()
		}
		m.budget()
	})
}

// answer lets the edge answer hedges, and looks whether all that is due was asked
// for: at a tick after the last moment for it.
func (m *model) answer() {
	for id, deadline := range m.deadline {
		// What the edge has just been told to feed is its to bring.
		if !m.have[id] && !m.hedged[id] && m.feed>>id.Sub(4)&1 == 0 && m.now >= deadline-m.params.HedgeMin+50*time.Millisecond && m.now < deadline {
			m.t.Fatalf("%v is not here, not fed and not hedged %v before its deadline", id, deadline-m.now)
		}
	}
	for id := range m.hedged {
		if !m.have[id] {
			m.have[id] = true
		}
	}
	ids := make([]swarm.PieceID, 0, len(m.hedged))
	for id := range m.hedged {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b swarm.PieceID) int { return int(a.N) - int(b.N) })
	for _, id := range ids {
		m.step(swarm.Event{Kind: swarm.EventPiece, ID: id, Size: pieceBytes, Hedged: true})
	}
	clear(m.hedged)
	for _, id := range m.hedges {
		m.step(swarm.Event{Kind: swarm.EventHedgeDone, Count: id})
	}
	m.hedges = nil
}

// TestTreesHoldWhateverHappens: no loops, bounded depth, no child of one who may
// not upload, not more children than slots.
func TestTreesHoldWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHall(t, swarm.TrackerConfig{Seed: rapid.Uint64().Draw(rt, "seed")})
		next := swarm.PeerID(1)
		for range rapid.IntRange(10, 150).Draw(rt, "steps") {
			next = h.random(rt, next)
			h.run(time.Duration(rapid.IntRange(1, 12).Draw(rt, "ticks")) * 100 * time.Millisecond)
			h.hold(rt)
		}
	})
}

func (h *hall) random(rt *rapid.T, next swarm.PeerID) swarm.PeerID {
	pick := func(name string) swarm.PeerID {
		if len(h.ids) == 0 {
			return 1
		}
		return rapid.SampledFrom(h.ids).Draw(rt, name)
	}
	switch rapid.IntRange(0, 9).Draw(rt, "what") {
	case 0, 1, 2, 3:
		p := willing(rapid.IntRange(0, 40).Draw(rt, "profile"))
		if rapid.IntRange(0, 3).Draw(rt, "cellular") == 0 {
			p.Net = swarm.NetCellular
		}
		h.join(next, p, rapid.IntRange(0, 8).Draw(rt, "slots"))
		return next + 1
	case 4:
		if len(h.ids) > 0 {
			h.leave(pick("leaver"))
		}
	case 5:
		state := rapid.SampledFrom([]swarm.LinkState{swarm.LinkFailed, swarm.LinkClosed}).Draw(rt, "state")
		h.tell(swarm.TrackerEvent{Kind: swarm.TrackerLink, Peer: pick("a"), Other: pick("b"), State: state})
	case 6:
		id := pick("liar")
		parents := []swarm.PeerID{pick("p0"), pick("p1"), pick("p2"), swarm.Edge}
		if h.parents[id] != nil {
			h.parents[id] = parents
			h.tell(swarm.TrackerEvent{Kind: swarm.TrackerParents, Peer: id, Parents: slices.Clone(parents)})
		}
	case 7:
		h.slots[pick("slots of")] = rapid.IntRange(0, 8).Draw(rt, "new slots")
	case 8:
		p := willing(1)
		p.Hidden = rapid.Bool().Draw(rt, "hidden")
		p.SaveData = rapid.Bool().Draw(rt, "saveData")
		h.tell(swarm.TrackerEvent{Kind: swarm.TrackerUpdate, Peer: pick("updated"), Profile: &p})
	case 9:
		h.tell(swarm.TrackerEvent{Kind: swarm.TrackerInvalid, Peer: pick("accuser"), Other: pick("accused"), Proven: rapid.Bool().Draw(rt, "proven")})
	}
	return next
}

// hold checks the tracker's own books: what it would have the viewers do.
func (h *hall) hold(rt *rapid.T) {
	if err := swarm.CheckTrees(h.tracker); err != nil {
		rt.Fatal(err)
	}
	if s := h.tracker.Stats(); s.Used > s.Subscriptions {
		rt.Fatal(fmt.Sprintf("%+v", s))
	}
}

// TestMemoryIsBounded: however long it runs and whatever peers send, a Viewer
// holds a few seconds of pieces and a few dozen peers.
func TestMemoryIsBounded(t *testing.T) {
	c := &chaos{loss: 5}
	c.live(3000)
	pieces, peers, bans, waiting := c.v.Sizes()
	if pieces > 1000 || peers > 24 || bans > 64 || waiting > 24*300 {
		t.Errorf("%d pieces, %d peers, %d bans, %d waiting", pieces, peers, bans, waiting)
	}
	v := swarm.NewViewer(swarm.ViewerConfig{})
	v.Step(0, swarm.Event{Kind: swarm.EventWelcome, Self: 1, Mode: swarm.ModeOn})
	for i := range uint64(5000) {
		v.Step(0, swarm.Event{Kind: swarm.EventBeacon, ID: swarm.PieceID{Group: i * 3, N: uint32(i * 7919)}, Sizes: []int{100, 100}})
		v.Step(0, swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{{Peer: swarm.PeerID(i)}}})
		v.Step(0, swarm.Event{Kind: swarm.EventFailed, Peer: swarm.PeerID(i)})
	}
	if pieces, peers, bans, _ := v.Sizes(); pieces > 9000 || peers > 24 || bans > 64 {
		t.Errorf("without time: %d pieces, %d peers, %d bans", pieces, peers, bans)
	}
}
