package swarm_test

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

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
