package receive

import (
	"slices"
	"time"
)

// rate measures what came in, over periods of a second.
type rate struct {
	began          time.Duration
	packets, bytes uint64 // The totals then.
	packetRate     float64
	byteRate       float64
}

// update is told the totals of now.
func (r *rate) update(at time.Duration, packets, bytes uint64) {
	elapsed := at - r.began
	if elapsed < time.Second && r.packets > 0 || elapsed <= 0 {
		return
	}
	r.packetRate = float64(packets-r.packets) / elapsed.Seconds()
	r.byteRate = float64(bytes-r.bytes) / elapsed.Seconds()
	r.began, r.packets, r.bytes = at, packets, bytes
}

const (
	// A sender puts the packets whose numbers end in 0 and 1, of every 16, on
	// the wire back to back (section 5.2.1.3).
	probeEvery = 16
	probeKept  = 16
)

// probe estimates the capacity of the link by pairs of packets that were sent
// back to back: the median of their distances on arrival.
type probe struct {
	first     uint32
	at        time.Duration
	open      bool
	distances [probeKept]time.Duration
	n         int
}

// observe is told of each packet that was not retransmitted.
func (p *probe) observe(at time.Duration, seq uint32) {
	switch seq % probeEvery {
	case 0:
		p.first, p.at, p.open = seq, at, true
	case 1:
		// Packets read at once have no distance.
		if p.open && seq == p.first+1 && at > p.at {
			p.distances[p.n%probeKept] = at - p.at
			p.n++
		}
		p.open = false
	}
}

// capacity is in packets a second; 0 when it is not known.
func (p *probe) capacity() float64 {
	if p.n < probeKept {
		return 0
	}
	sorted := p.distances
	slices.Sort(sorted[:])
	return float64(time.Second) / float64(sorted[probeKept/2])
}
