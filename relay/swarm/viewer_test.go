package swarm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/relay/swarm"
)

// rig drives one Viewer by hand. Chunks are one piece of 12,500 bytes each 100 ms,
// 1 Mbit/s; the edge feeds what it is to.
type rig struct {
	t       *testing.T
	v       *swarm.Viewer
	now     time.Duration
	next    uint32
	feed    int
	silent  map[int]bool // sub-streams that nobody brings
	actions []swarm.Action
	parents []swarm.PeerID
	// brings says who brings a sub-stream that the edge does not, how late.
	brings map[int]swarm.PeerID
	lag    time.Duration
	due    []delivery
}

type delivery struct {
	at time.Duration
	e  swarm.Event
}

const chunkSize = 12_500

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, v: swarm.NewViewer(swarm.ViewerConfig{Seed: 7}), silent: map[int]bool{}, brings: map[int]swarm.PeerID{}}
	params := swarm.DefaultParams()
	params.Subs = 4
	r.tell(swarm.Event{Kind: swarm.EventWelcome, Self: 100, Mode: swarm.ModeOn, Params: &params})
	r.tell(swarm.Event{Kind: swarm.EventPlayout, Offset: params.Delay})
	r.tell(swarm.Event{Kind: swarm.EventUplink, Rate: 20_000_000})
	return r
}

// tell hands over an event and gives what it led to.
func (r *rig) tell(e swarm.Event) []swarm.Action {
	r.t.Helper()
	got := slices.Clone(r.v.Step(r.now, e))
	for _, a := range got {
		switch a.Kind {
		case swarm.ActionFeed:
			r.feed = a.Subs
		case swarm.ActionParents:
			r.parents = slices.Clone(a.Parents)
		case swarm.ActionHedge:
			r.later(20*time.Millisecond, swarm.Event{Kind: swarm.EventHedgeDone, Count: a.Count})
			for _, id := range a.IDs {
				r.later(20*time.Millisecond, swarm.Event{Kind: swarm.EventPiece, ID: id, Size: chunkSize, Hedged: true})
			}
		default:
		}
	}
	r.actions = append(r.actions, got...)
	return got
}

func (r *rig) later(in time.Duration, e swarm.Event) {
	r.due = append(r.due, delivery{r.now + in, e})
}

// run lets time pass: chunks each 100 ms, ticks each 50 ms; gives all actions.
func (r *rig) run(d time.Duration) []swarm.Action {
	r.t.Helper()
	from := len(r.actions)
	for end := r.now + d; r.now < end; r.now += 10 * time.Millisecond {
		if r.now%(100*time.Millisecond) == 0 {
			r.chunk()
		}
		r.deliver()
		if r.now%(50*time.Millisecond) == 0 {
			r.tell(swarm.Event{Kind: swarm.EventTick})
		}
	}
	return r.actions[from:]
}

func (r *rig) deliver() {
	due := r.due
	r.due = nil
	for _, d := range due {
		if d.at <= r.now {
			r.tell(d.e)
		} else {
			r.due = append(r.due, d)
		}
	}
}

func (r *rig) chunk() {
	id := swarm.PieceID{Group: 4, N: r.next}
	r.next++
	r.tell(swarm.Event{Kind: swarm.EventBeacon, ID: id, Sizes: []int{chunkSize}, PTS: r.now})
	sub := id.Sub(4)
	switch {
	case r.silent[sub]:
	case r.feed>>sub&1 != 0:
		r.tell(swarm.Event{Kind: swarm.EventPiece, ID: id, Size: chunkSize})
	case r.brings[sub] != swarm.Edge:
		r.later(r.lag, swarm.Event{Kind: swarm.EventPiece, Peer: r.brings[sub], ID: id, Size: chunkSize})
	}
}

// id is the nth piece from now of a sub-stream.
func (r *rig) id(sub, n int) swarm.PieceID {
	id := swarm.PieceID{Group: 4, N: r.next}
	for {
		if id.Sub(4) == sub {
			if n == 0 {
				return id
			}
			n--
		}
		id.N++
	}
}

func (r *rig) open(peers ...swarm.PeerID) {
	r.t.Helper()
	for _, p := range peers {
		r.tell(swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{{Peer: p}}})
		r.tell(swarm.Event{Kind: swarm.EventOpen, Peer: p, RTT: 40 * time.Millisecond})
	}
}

// adopt makes a peer the parent of a sub-stream that it brings.
func (r *rig) adopt(sub int, peer swarm.PeerID) {
	r.t.Helper()
	r.tell(swarm.Event{Kind: swarm.EventAssign, Sub: sub, Peer: peer})
	r.brings[sub] = peer
	r.tell(swarm.Event{Kind: swarm.EventPiece, Peer: peer, ID: r.beacon(sub), Size: chunkSize})
	if r.parents[sub] != peer {
		r.t.Fatalf("sub %d: parents %v, want %d", sub, r.parents, peer)
	}
}

// beacon announces pieces up to the next of a sub-stream, and gives that one; the
// others come from the edge.
func (r *rig) beacon(sub int) swarm.PieceID {
	for {
		id := swarm.PieceID{Group: 4, N: r.next}
		r.next++
		r.tell(swarm.Event{Kind: swarm.EventBeacon, ID: id, Sizes: []int{chunkSize}, PTS: r.now})
		if id.Sub(4) == sub {
			return id
		}
		r.tell(swarm.Event{Kind: swarm.EventPiece, ID: id, Size: chunkSize})
	}
}

// haveAll says that peer 2 has all pieces of the last three seconds.
func (r *rig) haveAll() {
	r.t.Helper()
	from := r.next - min(r.next, 30)
	r.tell(swarm.Event{Kind: swarm.EventHave, Peer: 2, Have: []swarm.HaveMap{{Group: 4, N: from, Bits: []byte{255, 255, 255, 255}}}})
}

// of picks the actions of a kind.
func of(actions []swarm.Action, kind swarm.ActionKind) []swarm.Action {
	return slices.DeleteFunc(slices.Clone(actions), func(a swarm.Action) bool { return a.Kind != kind })
}

// to picks those that concern a peer.
func to(actions []swarm.Action, peer swarm.PeerID) []swarm.Action {
	return slices.DeleteFunc(slices.Clone(actions), func(a swarm.Action) bool { return a.Peer != peer })
}

func expect(t *testing.T, actions []swarm.Action, want swarm.Action) {
	t.Helper()
	kinds := of(actions, want.Kind)
	for _, a := range kinds {
		if cmp.Equal(a, want) {
			return
		}
	}
	t.Errorf("%+v is not among %+v", want, kinds)
}

func expectNone(t *testing.T, actions []swarm.Action, kind swarm.ActionKind) {
	t.Helper()
	if got := of(actions, kind); len(got) > 0 {
		t.Errorf("%+v; want no %s", got, kind)
	}
}

func TestEdgeFeedsAllAtFirst(t *testing.T) {
	r := newRig(t)
	r.chunk()
	expect(t, r.actions, swarm.Action{Kind: swarm.ActionFeed, Subs: 15, ID: swarm.PieceID{Group: 4}})
	expect(t, r.actions, swarm.Action{Kind: swarm.ActionParents, Parents: []swarm.PeerID{0, 0, 0, 0}})
	expect(t, r.actions, swarm.Action{Kind: swarm.ActionState, Mode: swarm.ModeOn})
	expectNone(t, r.run(10*time.Second), swarm.ActionHedge)
}

func TestParentIsMadeBeforeEdgeIsLeft(t *testing.T) {
	r := newRig(t)
	r.run(4 * time.Second)
	r.open(1)
	sub := 2
	next := swarm.PieceID{Group: 4, N: r.next}
	got := r.tell(swarm.Event{Kind: swarm.EventAssign, Sub: sub, Peer: 1})
	expect(t, got, swarm.Action{Kind: swarm.ActionSub, Peer: 1, Sub: sub, ID: next})
	expectNone(t, got, swarm.ActionFeed)
	id := r.beacon(sub)
	got = r.tell(swarm.Event{Kind: swarm.EventPiece, Peer: 1, ID: id, Size: chunkSize})
	expect(t, got, swarm.Action{Kind: swarm.ActionFeed, Subs: 15 &^ (1 << sub), ID: swarm.PieceID{Group: 4, N: r.next}})
	expect(t, got, swarm.Action{Kind: swarm.ActionParents, Parents: []swarm.PeerID{0, 0, 1, 0}})
}

func TestAssignmentWaitsForTheConnection(t *testing.T) {
	r := newRig(t)
	r.run(time.Second)
	expectNone(t, r.tell(swarm.Event{Kind: swarm.EventAssign, Sub: 1, Peer: 5}), swarm.ActionSub)
	r.tell(swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{{Peer: 5, Offer: true}}})
	expect(t, r.actions, swarm.Action{Kind: swarm.ActionConnect, Peer: 5, Offer: true})
	got := r.tell(swarm.Event{Kind: swarm.EventOpen, Peer: 5})
	expect(t, got, swarm.Action{Kind: swarm.ActionSub, Peer: 5, Sub: 1, ID: swarm.PieceID{Group: 4, N: r.next}})
}

func TestReturnToTheEdgeInGoodOrder(t *testing.T) {
	r := newRig(t)
	r.run(time.Second)
	r.open(1)
	r.adopt(1, 1)
	from := swarm.PieceID{Group: 4, N: r.next}
	got := r.tell(swarm.Event{Kind: swarm.EventAssign, Sub: 1})
	expect(t, got, swarm.Action{Kind: swarm.ActionFeed, Subs: 15, ID: from})
	expectNone(t, got, swarm.ActionUnsub)
	got = r.tell(swarm.Event{Kind: swarm.EventPiece, ID: r.beacon(1), Size: chunkSize})
	expect(t, got, swarm.Action{Kind: swarm.ActionUnsub, Peer: 1, Sub: 1})
}

func TestPushAtOnce(t *testing.T) {
	r := newRig(t)
	r.run(12 * time.Second)
	r.open(1, 2)
	r.tell(swarm.Event{Kind: swarm.EventSub, Peer: 1, Sub: 3, ID: r.id(3, 0)})
	id := r.id(3, 0)
	for r.next <= id.N {
		r.chunk()
	}
	expect(t, r.actions, swarm.Action{Kind: swarm.ActionPush, Peer: 1, ID: id})
	if got := to(of(r.actions, swarm.ActionPush), 2); len(got) > 0 {
		t.Errorf("pushed to a peer that did not subscribe: %v", got)
	}
	r.tell(swarm.Event{Kind: swarm.EventUnsub, Peer: 1, Sub: 3})
	expectNone(t, r.run(time.Second), swarm.ActionPush)
}

func TestNothingUnknownIsPushed(t *testing.T) {
	r := newRig(t)
	r.run(12 * time.Second)
	r.open(1)
	r.tell(swarm.Event{Kind: swarm.EventSub, Peer: 1, Sub: 3, ID: r.id(3, 0)})
	got := r.tell(swarm.Event{Kind: swarm.EventPiece, Peer: 1, ID: r.id(3, 5), Size: chunkSize})
	expectNone(t, got, swarm.ActionPush)
}

func TestSlotsOfANewcomer(t *testing.T) {
	r := newRig(t)
	r.run(2 * time.Second)
	r.open(1, 2)
	sub := func(peer swarm.PeerID, sub int) []swarm.Action {
		return r.tell(swarm.Event{Kind: swarm.EventSub, Peer: peer, Sub: sub, ID: r.id(sub, 0)})
	}
	expect(t, sub(1, 0), swarm.Action{Kind: swarm.ActionRefuse, Peer: 1, Reason: "full"})
	r.run(1500 * time.Millisecond)
	expectNone(t, sub(1, 0), swarm.ActionRefuse)
	expect(t, sub(1, 1), swarm.Action{Kind: swarm.ActionRefuse, Peer: 1, Sub: 1, Reason: "full"})
	r.run(2 * time.Second)
	expectNone(t, sub(1, 1), swarm.ActionRefuse)
	expect(t, sub(2, 2), swarm.Action{Kind: swarm.ActionRefuse, Peer: 2, Sub: 2, Reason: "full"})
	r.run(10 * time.Second)
	for s := range 4 {
		expectNone(t, sub(1, s), swarm.ActionRefuse)
		expectNone(t, sub(2, s), swarm.ActionRefuse)
	}
	r.open(3)
	expect(t, sub(3, 2), swarm.Action{Kind: swarm.ActionRefuse, Peer: 3, Sub: 2, Reason: "full"})
}

func TestOwnParentIsNotFed(t *testing.T) {
	r := newRig(t)
	r.run(12 * time.Second)
	r.open(1)
	r.adopt(2, 1)
	got := r.tell(swarm.Event{Kind: swarm.EventSub, Peer: 1, Sub: 2, ID: r.id(2, 0)})
	expect(t, got, swarm.Action{Kind: swarm.ActionRefuse, Peer: 1, Sub: 2, Reason: "loop"})
}

func TestSlotLimitOfTheEdge(t *testing.T) {
	r := newRig(t)
	r.run(12 * time.Second)
	r.open(1)
	r.tell(swarm.Event{Kind: swarm.EventSlots, Count: 0})
	got := r.tell(swarm.Event{Kind: swarm.EventSub, Peer: 1, Sub: 2, ID: r.id(2, 0)})
	expect(t, got, swarm.Action{Kind: swarm.ActionRefuse, Peer: 1, Sub: 2, Reason: "full"})
}

func TestGapIsPulledThenHedged(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.open(1, 2)
	r.adopt(2, 1)
	r.lag = 100 * time.Millisecond
	r.run(time.Second)
	delete(r.brings, 2) // The parent goes silent.
	id := r.id(2, 0)
	for r.next <= id.N {
		r.run(100 * time.Millisecond)
	}
	born := r.now - 100*time.Millisecond
	r.haveAll()
	got := r.run(born + 590*time.Millisecond - r.now)
	expectNone(t, got, swarm.ActionPull)
	got = r.run(70 * time.Millisecond)
	expect(t, got, swarm.Action{Kind: swarm.ActionPull, Peer: 2, IDs: []swarm.PieceID{id}})
	expectNone(t, got, swarm.ActionHedge)
	got = r.run(150 * time.Millisecond)
	hedges := of(got, swarm.ActionHedge)
	if len(hedges) != 1 || !slices.Equal(hedges[0].IDs, []swarm.PieceID{id}) {
		t.Fatalf("hedges %+v, want one of %v", hedges, id)
	}
	expect(t, got, swarm.Action{Kind: swarm.ActionCancel, Peer: 1, IDs: []swarm.PieceID{id}})
	expect(t, got, swarm.Action{Kind: swarm.ActionCancel, Peer: 2, IDs: []swarm.PieceID{id}})
}

func TestThreeMissesChangeTheParent(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.open(1, 2)
	r.adopt(2, 1)
	r.run(8 * time.Second)
	delete(r.brings, 2)
	got := r.run(1400 * time.Millisecond)
	if len(to(of(got, swarm.ActionUnsub), 1)) > 0 {
		t.Error("left before three misses")
	}
	r.haveAll()
	got = r.run(600 * time.Millisecond)
	expect(t, got, swarm.Action{Kind: swarm.ActionUnsub, Peer: 1, Sub: 2})
	if subs := to(of(got, swarm.ActionSub), 2); len(subs) != 1 || subs[0].Sub != 2 {
		t.Errorf("subscribed %+v, want sub 2 at the standby", subs)
	}
	expect(t, got, swarm.Action{Kind: swarm.ActionParents, Parents: []swarm.PeerID{0, 0, 0, 0}})
}

func TestClosedParentIsReplacedAtOnce(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.open(1, 2)
	r.adopt(2, 1)
	id := r.beacon(2)
	r.haveAll()
	got := r.tell(swarm.Event{Kind: swarm.EventClosed, Peer: 1})
	expect(t, got, swarm.Action{Kind: swarm.ActionSub, Peer: 2, Sub: 2, ID: id})
	expect(t, got, swarm.Action{Kind: swarm.ActionFeed, Subs: 15, ID: swarm.PieceID{Group: 4, N: r.next}})
}

func TestWithoutStandbyTheEdgeFeedsFromTheGapOn(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.open(1)
	r.adopt(2, 1)
	id := r.beacon(2)
	got := r.tell(swarm.Event{Kind: swarm.EventLeave, Peer: 1})
	expect(t, got, swarm.Action{Kind: swarm.ActionFeed, Subs: 15, ID: id})
}

func TestSlowParentIsLeft(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.open(1)
	r.adopt(2, 1)
	r.lag = 600 * time.Millisecond // In time, but for one in ten.
	r.run(5 * time.Second)
	if r.parents[2] != 1 {
		t.Fatal("left while in time")
	}
	r.lag = 640 * time.Millisecond
	r.tell(swarm.Event{Kind: swarm.EventPlayout, Offset: 900*time.Millisecond - r.now})
	got := r.run(6 * time.Second)
	expect(t, got, swarm.Action{Kind: swarm.ActionUnsub, Peer: 1, Sub: 2})
}

func TestSubstreamBreaker(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.open(1)
	r.adopt(2, 1)
	r.run(14 * time.Second)
	for range 24 { // Every other piece comes.
		r.silent[2] = r.next/4%2 == 0
		r.run(100 * time.Millisecond)
	}
	r.silent = map[int]bool{}
	r.run(900 * time.Millisecond)
	if r.parents[2] != swarm.Edge {
		t.Fatalf("parents %v: the breaker did not trip", r.parents)
	}
	at := r.now
	r.open(2)
	r.tell(swarm.Event{Kind: swarm.EventAssign, Sub: 2, Peer: 2})
	expectNone(t, r.run(7*time.Second), swarm.ActionSub)
	if got := to(of(r.run(6*time.Second), swarm.ActionSub), 2); len(got) == 0 {
		t.Errorf("not tried again %v after the breaker", r.now-at)
	}
}

func TestSecondBadParentTripsTheBreaker(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.open(1, 2, 3)
	for _, p := range []swarm.PeerID{1, 2} {
		r.adopt(2, p)
		r.run(5 * time.Second)
		delete(r.brings, 2)
		r.run(3 * time.Second)
		if r.parents[2] != swarm.Edge {
			t.Fatalf("parents %v, want silent %d left", r.parents, p)
		}
	}
	r.tell(swarm.Event{Kind: swarm.EventAssign, Sub: 2, Peer: 3})
	expectNone(t, r.run(7*time.Second), swarm.ActionSub)
}

func TestStallMeansEdgeOnly(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.open(1)
	expectNone(t, r.tell(swarm.Event{Kind: swarm.EventStall}), swarm.ActionState) // No peer had a part in it.
	r.adopt(0, 1)
	r.adopt(1, 1)
	got := r.tell(swarm.Event{Kind: swarm.EventStall})
	expect(t, got, swarm.Action{Kind: swarm.ActionState, Mode: swarm.ModeEdge, Reason: "breaker"})
	expect(t, got, swarm.Action{Kind: swarm.ActionParents, Parents: []swarm.PeerID{0, 0, 0, 0}})
	r.brings = map[int]swarm.PeerID{}
	r.tell(swarm.Event{Kind: swarm.EventAssign, Sub: 0, Peer: 1})
	r.tell(swarm.Event{Kind: swarm.EventAssign, Sub: 1, Peer: 1})
	expectNone(t, r.run(29*time.Second), swarm.ActionSub)
	if got := of(r.run(2*time.Second), swarm.ActionSub); len(got) != 1 {
		t.Errorf("after the breaker: %+v, want one sub-stream at a time", got)
	}
}

func TestInvalidPieceEndsAndBans(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.open(1)
	id := r.id(0, 0)
	got := r.tell(swarm.Event{Kind: swarm.EventInvalid, Peer: 1, ID: id})
	expect(t, got, swarm.Action{Kind: swarm.ActionInvalid, Peer: 1, ID: id})
	expect(t, got, swarm.Action{Kind: swarm.ActionClose, Peer: 1, Reason: "invalid"})
	got = r.tell(swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{{Peer: 1}}})
	expectNone(t, got, swarm.ActionConnect)
	r.run(time.Second)
	r.now += time.Hour
	got = r.tell(swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{{Peer: 1}}})
	expect(t, got, swarm.Action{Kind: swarm.ActionConnect, Peer: 1})
}

func TestHiddenStopsGivingThenTaking(t *testing.T) {
	r := newRig(t)
	r.run(12 * time.Second)
	r.open(1, 2)
	r.adopt(1, 1)
	r.tell(swarm.Event{Kind: swarm.EventSub, Peer: 2, Sub: 3, ID: r.id(3, 0)})
	got := r.tell(swarm.Event{Kind: swarm.EventMode, Mode: swarm.ModeReceive, Reason: "hidden"})
	expect(t, got, swarm.Action{Kind: swarm.ActionLeave, Peer: 2})
	expect(t, got, swarm.Action{Kind: swarm.ActionState, Mode: swarm.ModeReceive, Reason: "hidden"})
	got = r.run(9 * time.Second)
	expectNone(t, got, swarm.ActionPush)
	if r.parents[1] != 1 {
		t.Error("stopped taking before ten seconds")
	}
	got = r.run(2 * time.Second)
	expect(t, got, swarm.Action{Kind: swarm.ActionState, Mode: swarm.ModeEdge, Reason: "hidden"})
	expect(t, got, swarm.Action{Kind: swarm.ActionClose, Peer: 1, Reason: "hidden"})
}

func TestReceiveOnlyUploadsNothing(t *testing.T) {
	r := newRig(t)
	r.run(12 * time.Second)
	r.tell(swarm.Event{Kind: swarm.EventMode, Mode: swarm.ModeReceive, Reason: "cellular"})
	r.open(1)
	got := r.tell(swarm.Event{Kind: swarm.EventSub, Peer: 1, Sub: 3, ID: r.id(3, 0)})
	expect(t, got, swarm.Action{Kind: swarm.ActionRefuse, Peer: 1, Sub: 3, Reason: "full"})
	pull := swarm.PieceID{Group: 4, N: r.next - 1}
	got = r.tell(swarm.Event{Kind: swarm.EventPull, Peer: 1, IDs: []swarm.PieceID{pull}})
	expect(t, got, swarm.Action{Kind: swarm.ActionRefuse, Peer: 1, Reason: "full", IDs: []swarm.PieceID{pull}})
	expectNone(t, r.run(3*time.Second), swarm.ActionHave)
}

func TestPullIsAnswered(t *testing.T) {
	r := newRig(t)
	r.run(12 * time.Second)
	r.open(1)
	here, unknown := swarm.PieceID{Group: 4, N: r.next - 1}, swarm.PieceID{Group: 4, N: r.next + 9}
	got := r.tell(swarm.Event{Kind: swarm.EventPull, Peer: 1, IDs: []swarm.PieceID{here, unknown}})
	expect(t, got, swarm.Action{Kind: swarm.ActionPush, Peer: 1, ID: here})
	expect(t, got, swarm.Action{Kind: swarm.ActionRefuse, Peer: 1, Reason: "unknown", IDs: []swarm.PieceID{unknown}})
}

func TestLongerRoundTripsHalveTheSlots(t *testing.T) {
	r := newRig(t)
	r.run(12 * time.Second)
	r.open(1, 2)
	for s := range 4 {
		r.tell(swarm.Event{Kind: swarm.EventSub, Peer: 1, Sub: s, ID: r.id(s, 0)})
	}
	r.run(time.Second)
	rtt := func(peer swarm.PeerID) (got []swarm.Action) {
		for range 3 {
			got = append(got, r.tell(swarm.Event{Kind: swarm.EventRTT, Peer: peer, RTT: 120 * time.Millisecond})...)
		}
		return got
	}
	expectNone(t, rtt(1), swarm.ActionRefuse) // It may be the other's line.
	rtt(2)
	got := rtt(1)
	if n := len(of(got, swarm.ActionRefuse)); n != 2 {
		t.Errorf("%d of 4 children sent away, want 2: %+v", n, got)
	}
}

func TestLongWayToTheEdgeHalvesTheSlots(t *testing.T) {
	r := newRig(t)
	r.run(12 * time.Second)
	r.open(1)
	for s := range 4 {
		r.tell(swarm.Event{Kind: swarm.EventSub, Peer: 1, Sub: s, ID: r.id(s, 0)})
	}
	rtt := func(d time.Duration) []swarm.Action {
		return r.tell(swarm.Event{Kind: swarm.EventRTT, RTT: d})
	}
	rtt(20 * time.Millisecond)
	expectNone(t, rtt(200*time.Millisecond), swarm.ActionRefuse)
	if n := len(of(rtt(200*time.Millisecond), swarm.ActionRefuse)); n != 2 {
		t.Errorf("%d of 4 children sent away, want 2", n)
	}
}

// A round trip of half a second says that the line holds as much: nothing is pushed until
// it is sent, and no child is sent away for a single one.
func TestFullLineStopsPushing(t *testing.T) {
	r := newRig(t)
	r.run(12 * time.Second)
	r.open(1)
	r.tell(swarm.Event{Kind: swarm.EventSub, Peer: 1, Sub: 0, ID: r.id(0, 0)})
	r.tell(swarm.Event{Kind: swarm.EventRTT, RTT: 20 * time.Millisecond})
	if got := of(r.run(500*time.Millisecond), swarm.ActionPush); len(got) == 0 {
		t.Fatal("nothing is pushed at first")
	}
	expectNone(t, r.tell(swarm.Event{Kind: swarm.EventRTT, RTT: 520 * time.Millisecond}), swarm.ActionRefuse)
	expectNone(t, r.run(400*time.Millisecond), swarm.ActionPush)
	if got := of(r.run(500*time.Millisecond), swarm.ActionPush); len(got) == 0 {
		t.Error("nothing is pushed after it")
	}
}

func TestStandbysOfOnePrefixAreLimited(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.tell(swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{{Peer: 1, Prefix: 5}, {Peer: 2, Prefix: 5}, {Peer: 3, Prefix: 6}}})
	r.open(1, 2, 3)
	r.tell(swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{{Peer: 1, Prefix: 5}, {Peer: 2, Prefix: 5}, {Peer: 3, Prefix: 6}}})
	r.adopt(0, 1)
	r.adopt(1, 1)
	r.adopt(2, 3)
	r.beacon(2)
	r.haveAll()
	got := r.tell(swarm.Event{Kind: swarm.EventClosed, Peer: 3})
	expectNone(t, got, swarm.ActionSub)
}

// Two sub-streams lose their parent at once: the second is not tried with the prefix that
// the first is about to fill.
func TestStandbysOnTrialCount(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.tell(swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{{Peer: 1, Prefix: 5}, {Peer: 2, Prefix: 5}, {Peer: 3, Prefix: 6}}})
	r.open(1, 2, 3)
	r.tell(swarm.Event{Kind: swarm.EventCandidates, Candidates: []swarm.Candidate{{Peer: 1, Prefix: 5}, {Peer: 2, Prefix: 5}, {Peer: 3, Prefix: 6}}})
	r.adopt(0, 1)
	r.adopt(1, 3)
	r.adopt(2, 3)
	r.beacon(1)
	r.beacon(2)
	r.haveAll()
	got := of(r.tell(swarm.Event{Kind: swarm.EventClosed, Peer: 3}), swarm.ActionSub)
	if len(got) != 1 || got[0].Peer != 2 {
		t.Errorf("%+v, want one sub-stream asked of 2", got)
	}
}

// Whoever is on trial when its score falls below 0 is told to stop, or it would push on
// beside the edge for as long as it is connected.
func TestBadScoreEndsATrial(t *testing.T) {
	r := newRig(t)
	r.run(4 * time.Second)
	r.open(2)
	got := r.tell(swarm.Event{Kind: swarm.EventAssign, Sub: 0, Peer: 2})
	if len(of(got, swarm.ActionSub)) != 1 {
		t.Fatal("not on trial")
	}
	for range 10 {
		r.tell(swarm.Event{Kind: swarm.EventRefuse, Peer: 2, Sub: 3, Reason: "full"})
	}
	expect(t, r.run(1100*time.Millisecond), swarm.Action{Kind: swarm.ActionUnsub, Peer: 2, Sub: 0})
}

func TestQueueThatStandsHalvesTheSlots(t *testing.T) {
	r := newRig(t)
	r.run(12 * time.Second)
	r.open(1)
	for s := range 4 {
		r.tell(swarm.Event{Kind: swarm.EventSub, Peer: 1, Sub: s, ID: r.id(s, 0)})
	}
	r.tell(swarm.Event{Kind: swarm.EventQueue, Peer: 1, Size: 600_000})
	expectNone(t, r.run(300*time.Millisecond), swarm.ActionRefuse)
	r.tell(swarm.Event{Kind: swarm.EventQueue, Peer: 1, Size: 0})
	expectNone(t, r.run(time.Second), swarm.ActionRefuse)
	r.tell(swarm.Event{Kind: swarm.EventQueue, Peer: 1, Size: 600_000})
	if n := len(of(r.run(1100*time.Millisecond), swarm.ActionRefuse)); n != 2 {
		t.Errorf("%d of 4 children sent away, want 2", n)
	}
}

func TestHedgesAdaptToTheirAnswers(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.open(1)
	r.adopt(2, 1)
	r.tell(swarm.Event{Kind: swarm.EventRTT, RTT: 120 * time.Millisecond}) // H = 2 x 120 + 50 ms
	delete(r.brings, 2)
	id := r.id(2, 0)
	for r.next <= id.N {
		r.run(100 * time.Millisecond)
	}
	born := r.now - 100*time.Millisecond
	got := r.run(born + 760*time.Millisecond - r.now)
	if h := of(got, swarm.ActionHedge); len(h) != 1 {
		t.Errorf("hedges %+v, want one 290 ms before the deadline", h)
	}
}

func TestHaveMapsCome(t *testing.T) {
	r := newRig(t)
	r.open(1)
	expectNone(t, r.run(2*time.Second), swarm.ActionHave) // Nothing is given yet.
	r.run(4 * time.Second)
	got := of(r.run(2*time.Second), swarm.ActionHave)
	if len(got) < 9 || len(got) > 11 {
		t.Fatalf("%d have-maps in 2 s, want one each 200 ms", len(got))
	}
	last := got[len(got)-1].Have
	if len(last) != 1 || last[0].Group != 4 || last[0].N == 0 || len(last[0].Bits) == 0 || last[0].Bits[0] != 255 {
		t.Errorf("have-map %+v", last)
	}
}

func TestReport(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.open(1)
	r.adopt(2, 1)
	r.lag = 100 * time.Millisecond
	r.run(3 * time.Second)
	reports := of(r.run(1500*time.Millisecond), swarm.ActionReport)
	if len(reports) == 0 {
		t.Fatal("no report")
	}
	got := reports[0].Report
	if got.PeerBytes == 0 || got.EdgeBytes == 0 || got.HedgeBytes+got.LateBytes != 0 || got.Lag[2] != 100*time.Millisecond ||
		got.Uplink != 20_000_000 || got.Slots == 0 || len(got.Peers) != 1 || got.Peers[0].Bytes != got.PeerBytes || got.Peers[0].Score <= 0 {
		t.Errorf("%+v", got)
	}
}

func TestGoodbye(t *testing.T) {
	r := newRig(t)
	r.run(6 * time.Second)
	r.open(1)
	got := r.tell(swarm.Event{Kind: swarm.EventLeave})
	expect(t, got, swarm.Action{Kind: swarm.ActionLeave, Peer: 1})
	expect(t, got, swarm.Action{Kind: swarm.ActionBye, Reason: "ended"})
}

func TestEdgeAloneIsNotHedged(t *testing.T) {
	r := newRig(t)
	r.tell(swarm.Event{Kind: swarm.EventMode, Mode: swarm.ModeEdge, Reason: "consent"})
	r.run(3 * time.Second)
	for s := range 4 {
		r.silent[s] = true
	}
	expectNone(t, r.run(1400*time.Millisecond), swarm.ActionHedge)
	if got := of(r.run(time.Second), swarm.ActionHedge); len(got) == 0 {
		t.Error("what seems lost is not asked for")
	}
}

// While all of what the edge feeds is late the line is full: to ask again would fill it
// more. What it has passed over is asked for.
func TestFullLineIsNotHedged(t *testing.T) {
	r := newRig(t)
	r.run(3 * time.Second)
	for s := range 4 {
		r.silent[s] = true
	}
	expectNone(t, r.run(1400*time.Millisecond), swarm.ActionHedge)
	if got := of(r.run(time.Second), swarm.ActionHedge); len(got) == 0 {
		t.Error("what seems lost is not asked for")
	}
}

func TestWhatTheEdgePassedOverIsHedged(t *testing.T) {
	r := newRig(t)
	r.run(3 * time.Second)
	r.silent[1] = true
	expectNone(t, r.run(800*time.Millisecond), swarm.ActionHedge)
	if got := of(r.run(500*time.Millisecond), swarm.ActionHedge); len(got) == 0 {
		t.Error("a hole is not asked for in time")
	}
}
