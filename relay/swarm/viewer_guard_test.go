package swarm_test

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

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
