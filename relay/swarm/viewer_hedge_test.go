package swarm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

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
