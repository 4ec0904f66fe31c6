package swarm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

// hall drives one Tracker by hand: it connects who is made known to each other,
// confirms assignments, and reports each second.
type hall struct {
	t       testing.TB
	tracker *swarm.Tracker
	now     time.Duration
	mode    map[swarm.PeerID]swarm.TrackerAction
	parents map[swarm.PeerID][]swarm.PeerID
	known   map[swarm.PeerID][]swarm.Candidate
	slots   map[swarm.PeerID]int
	ids     []swarm.PeerID
	said    []swarm.TrackerAction
	// deaf viewers do not follow assignments.
	deaf map[swarm.PeerID]bool
}

func newHall(tb testing.TB, cfg swarm.TrackerConfig) *hall {
	tb.Helper()
	cfg.Seed += 3
	cfg.Params = swarm.DefaultParams()
	cfg.Params.Subs = 4
	return &hall{
		t: tb, tracker: swarm.NewTracker(cfg), mode: map[swarm.PeerID]swarm.TrackerAction{}, parents: map[swarm.PeerID][]swarm.PeerID{},
		known: map[swarm.PeerID][]swarm.Candidate{}, slots: map[swarm.PeerID]int{}, deaf: map[swarm.PeerID]bool{},
	}
}

// tell hands over an event, and what follows from its actions.
func (h *hall) tell(e swarm.TrackerEvent) []swarm.TrackerAction {
	h.t.Helper()
	got := slices.Clone(h.tracker.Step(h.now, e))
	for i := range got {
		got[i].Candidates = slices.Clone(got[i].Candidates)
	}
	h.said = append(h.said, got...)
	for _, a := range got {
		h.follow(a)
	}
	return got
}

func (h *hall) follow(a swarm.TrackerAction) {
	switch a.Kind {
	case swarm.TrackerMode:
		h.mode[a.To] = a
	case swarm.TrackerCandidates:
		for _, c := range a.Candidates {
			h.known[a.To] = append(h.known[a.To], c)
			h.tell(swarm.TrackerEvent{Kind: swarm.TrackerLink, Peer: a.To, Other: c.Peer, State: swarm.LinkOpen, RTT: 30 * time.Millisecond})
		}
	case swarm.TrackerAssign:
		if a.Child == swarm.Edge && !h.deaf[a.To] && h.parents[a.To] != nil {
			h.parents[a.To][a.Sub] = a.Peer
			h.tell(swarm.TrackerEvent{Kind: swarm.TrackerParents, Peer: a.To, Parents: h.parents[a.To]})
		}
	default:
	}
}

func (h *hall) join(id swarm.PeerID, p swarm.Profile, slots int) {
	h.ids = append(h.ids, id)
	h.parents[id], h.slots[id] = make([]swarm.PeerID, 4), slots
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerJoin, Peer: id, Profile: &p})
}

func (h *hall) leave(id swarm.PeerID) {
	h.ids = slices.DeleteFunc(h.ids, func(x swarm.PeerID) bool { return x == id })
	delete(h.parents, id)
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerLeave, Peer: id})
}

// run lets time pass: ticks each 100 ms, reports each second.
func (h *hall) run(d time.Duration) {
	h.t.Helper()
	for end := h.now + d; h.now < end; h.now += 100 * time.Millisecond {
		h.tell(swarm.TrackerEvent{Kind: swarm.TrackerTick})
		if h.now%time.Second == 0 {
			for _, id := range slices.Clone(h.ids) {
				h.report(id, nil)
			}
		}
	}
}

func (h *hall) report(id swarm.PeerID, peers []swarm.PeerReport) {
	lag := make([]time.Duration, 4)
	for s := range lag {
		lag[s] = time.Duration(h.depth(id, s)-1)*60*time.Millisecond + 5*time.Millisecond
	}
	r := &swarm.Report{Lag: lag, Uplink: 20_000_000, Slots: h.slots[id], Peers: peers}
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerReport, Peer: id, Report: r})
}

// depth follows the parents up; a loop is very deep.
func (h *hall) depth(id swarm.PeerID, s int) int {
	d := 1
	for p := id; d < 100 && h.parents[p] != nil && h.parents[p][s] != swarm.Edge; p = h.parents[p][s] {
		d++
	}
	return d
}

// check holds what must always be so.
func (h *hall) check() {
	h.t.Helper()
	children := map[swarm.PeerID]int{}
	for _, id := range h.ids {
		for s, p := range h.parents[id] {
			if d := h.depth(id, s); d > 4 {
				h.t.Fatalf("viewer %d is at depth %d in %d", id, d, s)
			}
			if p != swarm.Edge {
				children[p]++
			}
		}
	}
	for id, n := range children {
		if h.parents[id] != nil && n > h.slots[id] {
			h.t.Errorf("viewer %d feeds %d, has %d slots", id, n, h.slots[id])
		}
	}
}

// crowd joins viewers with eight slots.
func (h *hall) crowd(n int) {
	for i := range n {
		h.join(swarm.PeerID(i+1), willing(i), 8)
	}
}

func (h *hall) fromPeers() int {
	n := 0
	for _, id := range h.ids {
		for _, p := range h.parents[id] {
			if p != swarm.Edge {
				n++
			}
		}
	}
	return n
}
