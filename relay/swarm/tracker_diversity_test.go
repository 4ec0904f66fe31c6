package swarm_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

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
