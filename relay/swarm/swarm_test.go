package swarm_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

// willing is a viewer who lets others have what it got.
func willing(i int) swarm.Profile {
	return swarm.Profile{
		Address: netip.AddrFrom4([4]byte{100, byte(i >> 8), byte(i), 1}), ASN: uint32(64500 + i%7), Country: "FR",
		Region: "IDF", Consent: swarm.ConsentGranted, Net: swarm.NetWiFi, RTT: 20 * time.Millisecond, Agent: "chromium",
	}
}

// local is a viewer on the same machine as all others.
func local() swarm.Profile {
	return swarm.Profile{Address: netip.MustParseAddr("127.0.0.1"), Consent: swarm.ConsentGranted, LAN: true}
}

func TestSixViewersOnOneMachine(t *testing.T) {
	n := newNetwork(t, netConfig{seed: 1, edgeRTT: 2 * time.Millisecond, peerRTT: 2 * time.Millisecond})
	for range 6 {
		n.join(local(), 0)
		n.nodes[len(n.nodes)-1].uplink = 50_000_000
		n.run(500 * time.Millisecond)
	}
	n.run(12 * time.Second)
	before := n.figures()
	n.run(60 * time.Second)
	f := n.figures().since(before)
	t.Log(f, fmt.Sprintf("%+v", n.edge.tracker.Stats()))
	if f.offload() < 0.78 || f.lost > 0 {
		t.Errorf("six viewers: %v; want at least 78 %% (83 is the most) and nothing lost", f)
	}
	for _, v := range n.nodes[1:] {
		v.leave(true)
	}
	before = n.figures()
	n.run(10 * time.Second)
	if f := n.figures().since(before); f.lost > 0 {
		t.Errorf("five left: %v", f)
	}
}

func TestHundredViewers(t *testing.T) {
	n := newNetwork(t, netConfig{seed: 2, bitrate: 4_000_000})
	for i := range 100 {
		up := []int64{3_000_000, 10_000_000, 20_000_000, 40_000_000}[i%4]
		p := willing(i)
		if i%3 == 0 {
			p.Net = swarm.NetCellular
		}
		n.join(p, up)
		n.run(20 * time.Millisecond)
	}
	n.run(20 * time.Second)
	before := n.figures()
	n.run(20 * time.Second)
	f := n.figures().since(before)
	s := n.edge.tracker.Stats()
	n.edge.tell(swarm.TrackerEvent{Kind: swarm.TrackerLoad, Bitrate: n.cfg.bitrate})
	t.Log(f, fmt.Sprintf("%+v ceiling %.3f", s, n.edge.tracker.Stats().Ceiling))
	if f.lost > 0 || f.offload() < 0.8*n.edge.tracker.Stats().Ceiling {
		t.Errorf("%v", f)
	}
}
