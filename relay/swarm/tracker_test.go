package swarm_test

import (
	"fmt"
	"net/netip"
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

func TestModesAndTheirReasons(t *testing.T) {
	tests := []struct {
		name   string
		change func(*swarm.Profile)
		mode   swarm.Mode
		reason swarm.Reason
	}{
		{"willing", func(p *swarm.Profile) {}, swarm.ModeOn, ""},
		{"not asked", func(p *swarm.Profile) { p.Consent = swarm.ConsentUnset }, swarm.ModeEdge, "consent"},
		{"refused", func(p *swarm.Profile) { p.Consent = swarm.ConsentDenied }, swarm.ModeEdge, "consent"},
		{"saves data", func(p *swarm.Profile) { p.SaveData = true }, swarm.ModeEdge, "saveData"},
		{"battery", func(p *swarm.Profile) { p.LowBattery = true }, swarm.ModeEdge, "battery"},
		{"cellular", func(p *swarm.Profile) { p.Net = swarm.NetCellular }, swarm.ModeReceive, "cellular"},
		{"carrier, unknown", func(p *swarm.Profile) { p.Carrier, p.Net = true, swarm.NetUnknown }, swarm.ModeEdge, "cellular"},
		{"carrier, wifi", func(p *swarm.Profile) { p.Carrier = true }, swarm.ModeOn, ""},
		{"hidden", func(p *swarm.Profile) { p.Hidden = true }, swarm.ModeReceive, "hidden"},
		{"control", func(p *swarm.Profile) { p.Control = true }, swarm.ModeEdge, "control"},
		{"network", func(p *swarm.Profile) { p.ASN = 666 }, swarm.ModeEdge, "network"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHall(t, swarm.TrackerConfig{Off: []uint32{666}})
			h.join(1, willing(1), 0)
			h.join(2, willing(2), 0)
			p := willing(3)
			tt.change(&p)
			h.join(3, p, 0)
			if got := h.mode[3]; got.Mode != tt.mode || got.Reason != tt.reason {
				t.Errorf("%s %q, want %s %q", got.Mode, got.Reason, tt.mode, tt.reason)
			}
		})
	}
}

func TestHiddenForLong(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(3)
	h.run(5 * time.Second)
	p := willing(0)
	p.Hidden = true
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerUpdate, Peer: 1, Profile: &p})
	h.run(9 * time.Second)
	if h.mode[1].Mode != swarm.ModeReceive {
		t.Errorf("after 9 s: %+v", h.mode[1])
	}
	h.run(2 * time.Second)
	if h.mode[1].Mode != swarm.ModeEdge {
		t.Errorf("after 11 s: %+v", h.mode[1])
	}
	p.Hidden = false
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerUpdate, Peer: 1, Profile: &p})
	if h.mode[1].Mode != swarm.ModeOn {
		t.Errorf("back: %+v", h.mode[1])
	}
}

func TestSmallSwarmsStayWithTheEdge(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{Small: 3})
	h.crowd(2)
	if got := h.mode[1]; got.Mode != swarm.ModeEdge || got.Reason != "small" {
		t.Errorf("two of three: %+v", got)
	}
	h.join(3, willing(3), 8)
	for id := range swarm.PeerID(3) {
		if h.mode[id+1].Mode != swarm.ModeOn {
			t.Errorf("three of three: %+v", h.mode[id+1])
		}
	}
	h.leave(3)
	h.run(time.Second)
	if got := h.mode[1]; got.Reason != "small" {
		t.Errorf("two again: %+v", got)
	}
}

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

func TestRevealedPeersAreBounded(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(100)
	h.run(30 * time.Second)
	for i := range 50 {
		h.leave(swarm.PeerID(i + 1))
		h.run(500 * time.Millisecond)
	}
	most := 0
	for _, known := range h.known {
		most = max(most, len(known))
	}
	if most > 24 {
		t.Errorf("a viewer was told of %d peers within a minute", most)
	}
}

func TestSlotsAloneRevealNobody(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(100)
	for id := range swarm.PeerID(100) {
		h.deaf[id+1] = id > 0 // Nobody says to be fed by 1, whatever it claims.
	}
	h.run(time.Minute)
	if n := len(h.known[1]); n > 12 {
		t.Errorf("told of %d peers", n)
	}
}

func TestNearPeersFirst(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	for i := range 200 {
		p := willing(i)
		p.Country, p.Region = []string{"FR", "BR"}[i%2], "x"
		p.ASN = uint32(1000*(i%2) + i%8)
		h.join(swarm.PeerID(i+1), p, 8)
	}
	h.run(20 * time.Second)
	far := 0
	for _, id := range h.ids {
		for _, p := range h.parents[id] {
			if p != swarm.Edge && p%2 != id%2 {
				far++
			}
		}
	}
	if all := h.fromPeers(); far*20 > all {
		t.Errorf("%d of %d parents are in the other country", far, all)
	}
}

func TestParentsAreOfSeveralNetworks(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	for i := range 60 {
		p := willing(i)
		p.Address = netip.AddrFrom4([4]byte{100, 0, byte(i % 6), byte(i)})
		p.ASN = uint32(100 + i%6)
		h.join(swarm.PeerID(i+1), p, 8)
	}
	h.run(20 * time.Second)
	for _, id := range h.ids {
		seen := map[swarm.PeerID]bool{}
		count := map[swarm.PeerID]int{}
		for _, p := range h.parents[id] {
			if p != swarm.Edge && !seen[p] {
				seen[p] = true
				count[(p-1)%6]++
			}
		}
		for network, n := range count {
			if n > 2 {
				t.Errorf("viewer %d has %d parents of network %d", id, n, network)
			}
		}
	}
}

func TestSybilsOfOnePrefixDoNotSurroundAViewer(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.join(1, willing(1), 0)
	for i := range 40 { // Sybils, eager to feed.
		p := willing(1)
		p.Address = netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
		h.join(swarm.PeerID(100+i), p, 8)
	}
	for i := range 10 { // Honest viewers who cannot feed.
		h.join(swarm.PeerID(200+i), willing(i+20), 0)
	}
	h.run(20 * time.Second)
	sybils := map[swarm.PeerID]int{}
	total := 0
	for _, p := range h.parents[1] {
		if p >= 100 && p < 200 {
			sybils[p]++
			total++
		}
	}
	if len(sybils) > 2 || total > 2 {
		t.Errorf("parents %v: %d sub-streams of one prefix", h.parents[1], total)
	}
}

// While half of the viewers are of other ASNs, none brings more than half of anybody's
// sub-streams, however near it is and however many slots it has.
func TestOneASNBringsHalfAtMost(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	for i := range 60 {
		p, slots := willing(i), 8
		p.Address = netip.AddrFrom4([4]byte{100, byte(i), 1, 1})
		p.ASN = 64_500
		if i%2 == 1 {
			p.ASN, slots = uint32(100+i%7), 0
		}
		h.join(swarm.PeerID(i+1), p, slots)
	}
	h.run(20 * time.Second)
	if h.fromPeers() == 0 {
		t.Fatal("nobody feeds")
	}
	for _, id := range h.ids {
		n := 0
		for _, p := range h.parents[id] {
			if p%2 == 1 {
				n++
			}
		}
		if n > 2 {
			t.Errorf("viewer %d has %d of 4 sub-streams from one ASN", id, n)
		}
	}
}

// A free slot is for its own region first.
func TestSlotsAreKeptForTheirRegion(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	for i := range 40 {
		p := willing(i)
		p.Region, p.ASN = []string{"east", "west"}[i%2], 0
		h.join(swarm.PeerID(i+1), p, 4)
	}
	h.run(20 * time.Second)
	far := 0
	for _, id := range h.ids {
		for _, p := range h.parents[id] {
			if p != swarm.Edge && p%2 != id%2 {
				far++
			}
		}
	}
	if all := h.fromPeers(); far*10 > all || all < 100 {
		t.Errorf("%d of %d parents are in the other region", far, all)
	}
}

func TestOneOfficeStillHelpsItself(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	for i := range 12 { // One public address.
		p := willing(1)
		p.Address = netip.AddrFrom4([4]byte{198, 51, 100, 7})
		h.join(swarm.PeerID(i+1), p, 8)
	}
	h.run(15 * time.Second)
	if got := h.fromPeers(); got < 11*4*85/100 {
		t.Errorf("%d of 48 sub-streams come from peers", got)
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
	t.Skip("each sub-stream has one root")
}

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

func TestKillSwitch(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(6)
	h.run(12 * time.Second)
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerKill, Off: true})
	for _, id := range h.ids {
		if h.mode[id].Reason != "killed" {
			t.Errorf("%+v", h.mode[id])
		}
	}
	if s := h.tracker.Stats(); s.EdgeFed+s.Subscriptions != 0 || s.Used != 0 {
		t.Errorf("%+v", s)
	}
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerKill})
	if h.mode[1].Mode != swarm.ModeOn {
		t.Errorf("%+v", h.mode[1])
	}
}

func TestReserve(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.crowd(6)
	load := func(egress int64) {
		h.tell(swarm.TrackerEvent{Kind: swarm.TrackerLoad, Egress: egress, Capacity: 1000, Bitrate: 10})
	}
	load(300)
	if s := h.tracker.Stats(); !s.Admit || s.Delay != time.Second {
		t.Errorf("a third: %+v", s)
	}
	load(500)
	h.run(time.Minute)
	if s := h.tracker.Stats(); s.Admit || s.Delay != time.Second {
		t.Errorf("half: %+v", s)
	}
	load(950)
	h.run(11 * time.Second)
	if s := h.tracker.Stats(); s.Admit || s.Delay < 1250*time.Millisecond {
		t.Errorf("full: %+v", s)
	}
	h.run(time.Minute)
	if s := h.tracker.Stats(); s.Delay != 2*time.Second {
		t.Errorf("full for long: %v", s.Delay)
	}
	load(100)
	h.run(5 * time.Minute)
	if s := h.tracker.Stats(); !s.Admit || s.Delay != time.Second {
		t.Errorf("calm: %+v", s)
	}
}

func TestIdleEdgeNeedsNoSwarm(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{MinLoad: 0.5})
	h.crowd(3)
	for _, tt := range []struct {
		egress int64
		mode   swarm.Mode
	}{{0, swarm.ModeEdge}, {499, swarm.ModeEdge}, {500, swarm.ModeOn}, {360, swarm.ModeOn}, {340, swarm.ModeEdge}, {400, swarm.ModeEdge}} {
		h.tell(swarm.TrackerEvent{Kind: swarm.TrackerLoad, Egress: tt.egress, Capacity: 1000, Bitrate: 10})
		if got := h.mode[2]; got.Mode != tt.mode {
			t.Errorf("egress %d of 1000: %+v, want %s", tt.egress, got, tt.mode)
		}
	}
}

func TestPhonesAndCapsGiveLess(t *testing.T) {
	h := newHall(t, swarm.TrackerConfig{})
	h.tell(swarm.TrackerEvent{Kind: swarm.TrackerLoad, Bitrate: 4_000_000})
	phone, capped := willing(1), willing(2)
	phone.Mobile, capped.Cap = true, 3_000_000
	h.join(1, phone, 8)
	h.join(2, capped, 8)
	slots := map[swarm.PeerID]int{}
	for _, a := range h.said {
		if a.Kind == swarm.TrackerSlots {
			slots[a.To] = a.Count
		}
	}
	if slots[1] != 2 || slots[2] != 3 {
		t.Errorf("slots %v, want 2 for a phone and 3 for 3 Mbit/s of 4", slots)
	}
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
