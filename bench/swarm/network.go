package swarm

import (
	"math"
	"time"
)

// Network is what lies between the machines.
type Network struct {
	// PeerRTT is the median round trip of two viewers. It is log-normal, with
	// RTTSpread as the deviation of its logarithm.
	PeerRTT   time.Duration
	RTTSpread float64
	// Regions is in how many regions viewers are, evenly. Near is the factor of PeerRTT
	// within one, Far that between two, Between what is added there.
	Regions   int
	Near, Far float64
	Between   time.Duration
	// ASNs is how many networks a region has, of falling size.
	ASNs int
	// EdgeRTT is the least round trip to the edge, EdgeRTTMean the mean of the
	// exponential time that a viewer has above it.
	EdgeRTT, EdgeRTTMean time.Duration
	// EdgeRate is what the edge can send, bit/s; 0 is without bound.
	EdgeRate int64
	// Jitter is the mean of the exponential time that a packet waits on its way.
	Jitter time.Duration
	// Connectable is the share of pairs whose NATs let them connect.
	Connectable float64
	// Setup is how many round trips it takes from an offer to open channels, GiveUp
	// when a pair ends to try.
	Setup  float64
	GiveUp time.Duration
	// Loss is of packets between peers, each way.
	Loss float64
	// Window is what an association may have in flight at first, WindowLeast after losses,
	// WindowMost at best; bytes. After Idle without a packet it halves, down to Window.
	Window, WindowLeast, WindowMost int
	Idle                            time.Duration
	// Timeout is the least time after which a loss is noticed that no later packet tells.
	Timeout time.Duration
	// Overhead is the factor of bytes on the wire to bytes of pieces.
	Overhead float64
	// Silence is after how long a machine is missed that has gone without a word: by its
	// peers, and by the edge.
	Silence time.Duration
	// Estimate is the deviation of the logarithm of what a viewer takes its uplink for.
	Estimate float64
}

// DefaultNetwork is a country's: homes on fixed lines and phones.
func DefaultNetwork() Network {
	return Network{
		PeerRTT: 40 * time.Millisecond, RTTSpread: .5, // Most pairs of one country are within 20 to 80 ms.
		Regions: 4, Near: .7, Far: 1.13, // So that the median over all pairs is PeerRTT.
		ASNs:    8,                    // A few large networks have most of a country's homes.
		EdgeRTT: 4 * time.Millisecond, // The edge is near: the next exchange.
		// A home's own access network.
		EdgeRTTMean: 8 * time.Millisecond,
		Jitter:      2 * time.Millisecond,
		Connectable: .8, // Stated by those who run such services: 78 to 85 %.
		Setup:       8.5,
		GiveUp:      3 * time.Second,
		Loss:        .001,                                              // M-Lab's median is 0.03 %, a quarter of lines have over 1.5 % when full.
		Window:      12_000, WindowLeast: 4_800, WindowMost: 256 << 10, // Ten packets first, as dcSCTP; four at least (RFC 9260).
		Idle:     time.Second,
		Timeout:  400 * time.Millisecond,
		Overhead: 1.03, // DTLS, SCTP and UDP against the TCP that the lines were measured with.
		Silence:  5 * time.Second,
		Estimate: .1,
	}
}

// chance draws numbers that belong to a pair of viewers: the same whenever it is asked.
type chance uint64

func pairChance(seed uint64, a, b int) chance {
	return chance(mixed(mixed(seed^0x9e3779b97f4a7c15) ^ uint64(min(a, b))<<32 ^ uint64(max(a, b))))
}

// mixed is a step of SplitMix64.
func mixed(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// share is the nth number of a pair, from 0 to 1.
func (c chance) share(n uint64) float64 { return float64(mixed(uint64(c)+n)>>11) / (1 << 53) }

// normal is the nth normal number of a pair, by Box and Muller.
func (c chance) normal(n uint64) float64 {
	return math.Sqrt(-2*math.Log(1-c.share(n))) * math.Cos(2*math.Pi*c.share(n+1))
}

// pairRTT is the round trip of two viewers when nothing is in the way.
func (n *Network) pairRTT(seed uint64, a, b *host) time.Duration {
	rtt := float64(n.PeerRTT) * math.Exp(n.RTTSpread*pairChance(seed, a.number, b.number).normal(1))
	if a.region == b.region {
		return max(time.Duration(rtt*n.Near), time.Millisecond)
	}
	return max(time.Duration(rtt*n.Far), time.Millisecond) + n.Between
}

// connectable says whether the NATs of two viewers let them connect.
func (n *Network) connectable(seed uint64, a, b *host) bool {
	return pairChance(seed, a.number, b.number).share(7) < n.Connectable
}
