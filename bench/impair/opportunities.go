package impair

import (
	"slices"
	"time"
)

// opportunitySize is what one delivery opportunity of a trace carries, in bytes:
// Mahimahi's, an Ethernet frame without its checksum and preamble.
const opportunitySize = 1504

// Opportunities are the times at which a recorded link could send a packet, one
// by one, repeated for ever. It is read-only.
type Opportunities struct {
	times  []time.Duration // Rising; the last is the period.
	period time.Duration
}

// mean is the average rate.
func (o *Opportunities) mean() Rate {
	return Rate(float64(len(o.times)) * opportunitySize * 8 / o.period.Seconds())
}

// at is the time of the nth opportunity, counted over all rounds.
func (o *Opportunities) at(n int) time.Duration {
	rounds := n / len(o.times)
	return time.Duration(rounds)*o.period + o.times[n%len(o.times)]
}

// from is the number of the first opportunity that is not before t.
func (o *Opportunities) from(t time.Duration) int {
	i, _ := slices.BinarySearch(o.times, t%o.period)
	return int(t/o.period)*len(o.times) + i
}

// line is what a packet passes after its queue: a rate or opportunities.
type line struct {
	trace *Opportunities
	// With a trace: the opportunity at hand and what is left of it.
	n, left int
}

// ready is when a packet may start that is there at t.
func (l *line) ready(t time.Duration) time.Duration {
	if l.trace == nil {
		return t
	}
	if n := l.trace.from(t); n > l.n {
		l.n, l.left = n, opportunitySize
	}
	if l.left == 0 {
		l.n, l.left = l.n+1, opportunitySize
	}
	return l.trace.at(l.n)
}

// send is when size bytes have passed that start at t, which is ready.
func (l *line) send(t time.Duration, size int, rate Rate) time.Duration {
	if l.trace == nil {
		return t + rate.takes(size)
	}
	for size > l.left {
		size -= l.left
		l.n, l.left = l.n+1, opportunitySize
	}
	l.left -= size
	return l.trace.at(l.n)
}
