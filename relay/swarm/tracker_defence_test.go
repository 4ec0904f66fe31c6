package swarm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

func TestOnePolluterIsBanned(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(20)
	h.run(12 * time.Second)
	bad := swarm.PeerID(0)
	for _, p := range h.parents[20] {
		bad = max(bad, p)
	}
	got := h.tell(swarm.TrackerEvent{Kind: swarm.TrackerInvalid, Peer: 20, Other: bad, Proven: true})
	ended := slices.ContainsFunc(got, func(a swarm.TrackerAction) bool {
		return a.Kind == swarm.TrackerEnd && a.To == bad && a.Reason == "banned"
	})
	if !ended {
		t.Errorf("not banned: %+v", got)
	}
	for _, id := range h.ids {
		if id != bad && slices.Contains(h.parents[id], bad) {
			t.Errorf("viewer %d still hangs on the polluter", id)
		}
	}
	h.join(99, willing(int(bad)-1), 8)
	if h.mode[99].Reason != "banned" {
		t.Errorf("back from the same address: %+v", h.mode[99])
	}
}

func TestAnAccuserIsBelievedOnce(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(20)
	h.run(12 * time.Second)
	ended := func(got []swarm.TrackerAction) int {
		return len(slices.DeleteFunc(got, func(a swarm.TrackerAction) bool { return a.Kind != swarm.TrackerEnd }))
	}
	known := h.known[20]
	if len(known) < 3 {
		t.Fatal("viewer 20 knows too few")
	}
	first := ended(h.tell(swarm.TrackerEvent{Kind: swarm.TrackerInvalid, Peer: 20, Other: known[0].Peer, Proven: true}))
	second := ended(h.tell(swarm.TrackerEvent{Kind: swarm.TrackerInvalid, Peer: 20, Other: known[1].Peer, Proven: true}))
	if first != 1 || second != 0 {
		t.Errorf("bans %d, %d; want 1, 0", first, second)
	}
	if slices.Contains(h.parents[20], known[1].Peer) {
		t.Error("the accused still feeds its accuser")
	}
	stranger := swarm.PeerID(1)
	for slices.ContainsFunc(h.known[19], func(c swarm.Candidate) bool { return c.Peer == stranger }) {
		stranger++
	}
	if ended(h.tell(swarm.TrackerEvent{Kind: swarm.TrackerInvalid, Peer: 19, Other: stranger, Proven: true})) != 0 {
		t.Error("somebody was banned on the word of one who never met them")
	}
}

func TestUnprovenReportsNeedThreeNetworks(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(30)
	h.run(15 * time.Second)
	// Whoever is known by the most.
	by := map[swarm.PeerID][]swarm.PeerID{}
	bad := swarm.PeerID(1)
	for _, id := range h.ids {
		for _, c := range h.known[id] {
			by[c.Peer] = append(by[c.Peer], id)
			if len(by[c.Peer]) > len(by[bad]) {
				bad = c.Peer
			}
		}
	}
	networks := map[int]bool{}
	for _, id := range by[bad] {
		networks[int(id-1)%7] = true
		got := h.tell(swarm.TrackerEvent{Kind: swarm.TrackerInvalid, Peer: id, Other: bad})
		ended := slices.ContainsFunc(got, func(a swarm.TrackerAction) bool { return a.Kind == swarm.TrackerEnd })
		if ended != (len(networks) >= 3) {
			t.Fatalf("%d networks: banned %v", len(networks), ended)
		}
		if ended {
			return
		}
	}
	t.Fatal("fewer than three networks know it")
}

func TestBadScoresOfThreeNetworksEnd(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(30)
	h.run(15 * time.Second)
	bad := h.known[30][0].Peer
	word := func(score float64, networks int) {
		seen := map[int]bool{}
		for _, c := range h.known[bad] {
			if n := int(c.Peer-1) % 7; !seen[n] && len(seen) < networks {
				seen[n] = true
				h.report(c.Peer, []swarm.PeerReport{{Peer: bad, Score: score}})
			}
		}
		if len(seen) < networks {
			t.Fatalf("only %d networks know %d", len(seen), bad)
		}
		h.run(500 * time.Millisecond)
	}
	feeds := func() int {
		n := 0
		for _, id := range h.ids {
			for _, p := range h.parents[id] {
				if p == bad {
					n++
				}
			}
		}
		return n
	}
	word(50, 3)
	word(-90, 2) // Two of three, and so the median.
	if slices.ContainsFunc(h.said, func(a swarm.TrackerAction) bool { return a.Kind == swarm.TrackerEnd && a.To == bad }) {
		t.Error("two networks' word ends a third's parent")
	}
	h.run(31 * time.Second) // All words are forgotten.
	before := feeds()
	word(-90, 2)
	if feeds() < before/2 {
		t.Errorf("two networks' word: feeds %d of %d", feeds(), before)
	}
	word(-10, 3)
	if feeds() != 0 {
		t.Errorf("below 0 it still feeds %d", feeds())
	}
	word(-90, 3)
	if !slices.ContainsFunc(h.said, func(a swarm.TrackerAction) bool { return a.Kind == swarm.TrackerEnd && a.To == bad }) {
		t.Error("below -80 it stays")
	}
}

func TestHostileSwarmKeepsASubstreamWithTheEdge(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(60)
	h.run(12 * time.Second)
	for i := range 3 {
		id := swarm.PeerID(20 * (i + 1))
		h.tell(swarm.TrackerEvent{Kind: swarm.TrackerInvalid, Peer: id, Other: h.known[id][0].Peer, Proven: true})
	}
	for i := range 40 {
		h.join(swarm.PeerID(i+100), willing(i+100), 8)
	}
	h.run(15 * time.Second)
	for _, id := range h.ids {
		if id >= 100 && !slices.Contains(h.parents[id], swarm.Edge) {
			t.Errorf("viewer %d takes nothing from the edge", id)
		}
	}
}
