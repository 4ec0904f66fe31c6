package swarm_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

func TestTreesFill(t *testing.T) {
	for _, n := range []int{2, 3, 6, 20, 200} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			h := newHall(t, swarm.TrackerConfig{})
			h.crowd(n)
			h.run(12 * time.Second)
			h.check()
			if got, want := h.fromPeers(), (n-1)*4*85/100; got < want {
				t.Errorf("%d of %d sub-streams come from peers, want %d", got, n*4, want)
			}
		})
	}
}

func TestSupplyIsUsed(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	supply := 0
	for i := range 300 {
		slots := []int{0, 0, 1, 3, 8, 8}[i%6]
		supply += slots
		h.join(swarm.PeerID(i+1), willing(i), slots)
	}
	h.run(30 * time.Second)
	h.check()
	if got := h.fromPeers(); got < supply*93/100 {
		t.Errorf("%d sub-streams come from peers, the supply is %d", got, supply)
	}
}

func TestChildrenOfALeaverMoveWithinTheStep(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(20)
	h.run(12 * time.Second)
	var gone swarm.PeerID
	for _, p := range h.parents[20] {
		if p != swarm.Edge {
			gone = p
		}
	}
	h.leave(gone)
	for _, id := range h.ids {
		if slices.Contains(h.parents[id], gone) {
			t.Errorf("viewer %d still hangs on %d", id, gone)
		}
	}
	h.check()
}

func TestFailedPairIsNotTriedAgain(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(2)
	h.run(5 * time.Second)
	if h.fromPeers() == 0 {
		t.Fatal("no trees")
	}
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerLink, Peer: 1, Other: 2, State: swarm.LinkFailed})
	if n := h.fromPeers(); n != 0 {
		t.Errorf("%d sub-streams still come over a failed connection", n)
	}
	h.run(9 * time.Minute)
	if n := h.fromPeers(); n != 0 {
		t.Errorf("tried again within ten minutes")
	}
	h.run(2 * time.Minute)
	if n := h.fromPeers(); n == 0 {
		t.Errorf("not tried again after ten minutes")
	}
}

func TestAssignmentThatNobodyFollowsIsTakenBack(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.deaf[2] = true
	h.crowd(2)
	h.run(20 * time.Second)
	toEdge := 0
	for _, a := range h.said {
		if a.Kind == swarm.TrackerAssign && a.To == 2 && a.Peer == swarm.Edge {
			toEdge++
		}
	}
	if toEdge == 0 {
		t.Error("never taken back")
	}
}

func TestLoopIsTakenBack(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(6)
	h.run(12 * time.Second)
	// A root that takes from one it feeds makes a loop: it is taken back.
	for _, id := range h.ids {
		for s, p := range h.parents[id] {
			if p != swarm.Edge && h.parents[p][s] == swarm.Edge {
				h.parents[p][s] = id
				h.tell(swarm.TrackerEvent{Kind: swarm.TrackerParents, Peer: p, Parents: h.parents[p]})
				h.check()
				return
			}
		}
	}
	t.Fatal("no root feeds anybody")
}

func TestStandbyThatAViewerChoseStays(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(6)
	h.run(12 * time.Second)
	for _, id := range h.ids {
		for s, p := range h.parents[id] {
			for _, q := range h.ids {
				if p == swarm.Edge || q == p || q == id || h.parents[q][s] != swarm.Edge {
					continue
				}
				h.parents[id][s] = q
				h.tell(swarm.TrackerEvent{Kind: swarm.TrackerParents, Peer: id, Parents: h.parents[id]})
				h.run(200 * time.Millisecond)
				if h.parents[id][s] != q {
					t.Errorf("moved away from the root that it chose")
				}
				return
			}
		}
	}
	t.Fatal("each sub-stream has one root")
}

func TestMovesAreFew(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	for i := range 200 {
		h.join(swarm.PeerID(i+1), willing(i), []int{0, 2, 4, 8}[i%4])
	}
	h.run(30 * time.Second)
	h.said = nil
	h.run(10 * time.Second)
	moves := 0
	for _, a := range h.said {
		if a.Kind == swarm.TrackerAssign && a.Child == swarm.Edge {
			moves++
		}
	}
	if most := 200 * 4 * 2 / 100 * 10; moves > most {
		t.Errorf("%d moves in ten calm seconds, want at most %d", moves, most)
	}
}

func TestTrackerRepeatsItself(t *testing.T) {
	run := func() string {
		h := newHall(t, swarm.TrackerConfig{})
		h.crowd(50)
		h.run(5 * time.Second)
		for i := range 20 {
			h.leave(swarm.PeerID(2*i + 1))
		}
		h.run(5 * time.Second)
		return fmt.Sprint(h.said)
	}
	if first, second := run(), run(); first != second {
		t.Error("two runs with one seed differ")
	}
}

func BenchmarkTrackerTick4000(b *testing.B) {
	h := newHall(b, swarm.TrackerConfig{})
	for i := range 4000 {
		h.join(swarm.PeerID(i+1), willing(i), []int{0, 0, 2, 4, 8, 8}[i%6])
	}
	h.run(30 * time.Second)
	b.ReportAllocs()
	for b.Loop() {
		h.now += 100 * time.Millisecond
		h.tracker.Step(h.now, swarm.TrackerEvent{Kind: swarm.TrackerTick})
	}
}

func BenchmarkTrackerReport4000(b *testing.B) {
	h := newHall(b, swarm.TrackerConfig{})
	for i := range 4000 {
		h.join(swarm.PeerID(i+1), willing(i), []int{0, 0, 2, 4, 8, 8}[i%6])
	}
	h.run(30 * time.Second)
	r := &swarm.Report{Lag: make([]time.Duration, 4), Uplink: 20_000_000, Slots: 4}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		id := swarm.PeerID(i%4000 + 1)
		r.Slots = h.slots[id]
		r.Peers = r.Peers[:0]
		for _, c := range h.known[id] {
			r.Peers = append(r.Peers, swarm.PeerReport{Peer: c.Peer, Score: 30})
		}
		h.tracker.Step(h.now, swarm.TrackerEvent{Kind: swarm.TrackerReport, Peer: id, Report: r})
		i++
	}
}
