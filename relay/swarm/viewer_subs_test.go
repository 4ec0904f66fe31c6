package swarm_test

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

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
