package swarm

import (
	"net/netip"
	"time"
)

// host is a viewer's machine and line. It outlives a viewer's visit nowhere: each visit
// has its own.
type host struct {
	number       int
	region, asn  int
	address      netip.Addr
	cellular     bool
	edgeRTT      time.Duration
	uplink       int64 // bit/s
	downlink     int64
	up, down     line
	otherTraffic int64 // Of the household, bit/s of the uplink.
}

// line is one direction of an access line: first in, first out, one rate.
type line struct {
	free time.Duration // When all that it was given is sent.
}

// serve sends bytes and gives when the last of them is out.
func (l *line) serve(now time.Duration, bytes float64, rate int64) time.Duration {
	l.free = max(l.free, now) + time.Duration(bytes*8/float64(max(rate, 1000))*1e9)
	return l.free
}

// queue is how long a byte would wait.
func (l *line) queue(now time.Duration) time.Duration { return max(0, l.free-now) }

// sent gives when bytes have left the machine.
func (h *host) sent(now time.Duration, bytes float64) time.Duration {
	return h.up.serve(now, bytes, max(h.uplink-h.otherTraffic, h.uplink/20))
}

// received gives when bytes that came now are through the line.
func (h *host) received(now time.Duration, bytes float64) time.Duration {
	return h.down.serve(now, bytes, h.downlink)
}
