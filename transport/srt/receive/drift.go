package receive

import (
	"slices"
	"time"
)

const (
	// A block of samples closes after blockTime, with blockLeast at least and
	// blockMost at most. There is a sample for each full ACK, 100 a second.
	blockTime  = 250 * time.Millisecond
	blockLeast = 8
	blockMost  = 64

	// The gains of the filter in the long run: damped, and a second or two to
	// follow. They come down to these from those of a line through all blocks.
	offsetGain = 0.25
	rateGain   = 0.035

	// maxRate is the largest difference of two clocks that is believed, 1 %;
	// crystals are within .01 %.
	maxRate = 0.01

	// surprise is the error beyond which a block tells of a change of the
	// network rather than of the clocks: it is followed, and the rate stays.
	surprise = 20 * time.Millisecond

	// extrapolate is how long the rate is trusted without a new block.
	extrapolate = 5 * time.Second

	// slew is how fast the correction moves, as a share of the time passed:
	// faster than any clock, and not to be seen in a stream.
	slew = 0.02

	// driftJump is the error from which the correction jumps: a sender that
	// was suspended, or a handshake that was held up.
	driftJump = 500 * time.Millisecond

	// driftForeign is how far an ACKACK's clock may be from that of the data.
	driftForeign = 10 * time.Second
)

// drift follows the difference of the sender's clock to ours (section 4.7) by
// the timestamps of ACKACKs, which are those of their sending. libsrt averages
// 1000 samples, ten seconds, and moves its time base when that is 5 ms off;
// this filter has the rate as part of its state, so that it does not lag behind
// a clock that is constantly fast or slow, and moves the correction by a
// fraction of a millisecond with each ACKACK.
//
// A sample is delayed by the network. Of a block those with the shortest round
// trips count, as in NTP, since they stood in the fewest queues; and half of
// what the round trip has changed since the first block is taken off.
type drift struct {
	applied time.Duration // What is added to the sender's clock.
	moved   time.Duration // When it was changed last.

	block [blockMost]driftSample
	n     int

	blocks    int           // Since the start or the last jump.
	reference time.Duration // The round trip of the first block.
	at        time.Duration // The time of the last block,
	offset    time.Duration // the offset then,
	rate      float64       // and how fast it grows.
}

type driftSample struct{ at, offset, rtt time.Duration }

// sample takes in an ACKACK that came at a time and was sent at another of the
// sender's clock, and moves the correction.
func (d *drift) sample(at, sent, rtt time.Duration) {
	d.block[d.n] = driftSample{at: at, offset: at - sent, rtt: rtt}
	d.n++
	if d.n == blockMost || d.n >= blockLeast && at-d.block[0].at >= blockTime {
		d.close()
	}
	d.move(at)
}

// close makes one measurement of the block and puts it into the filter.
func (d *drift) close() {
	m := d.measure()
	d.n = 0
	if d.blocks == 0 {
		d.reference = m.rtt
	}
	m.offset -= (m.rtt - d.reference) / 2
	if d.blocks > 0 && (m.offset-d.applied).Abs() > driftJump {
		d.applied, d.blocks = m.offset, 0
	}
	d.blocks++
	offset, rate := d.gains()
	elapsed, err := m.at-d.at, m.offset-d.predict(m.at)
	d.at = m.at
	if elapsed > extrapolate || err.Abs() > surprise {
		d.offset = m.offset
		return
	}
	d.offset = m.offset - scale(err, 1-offset)
	d.rate += rate * float64(err) / float64(max(elapsed, time.Millisecond))
	d.rate = min(max(d.rate, -maxRate), maxRate)
}

// gains are those of a least-squares line through all blocks while they are few.
func (d *drift) gains() (offset, rate float64) {
	n := float64(d.blocks)
	offset, rate = 2*(2*n-1)/(n*(n+1)), 6/(n*(n+1))
	if d.blocks == 1 {
		rate = 0 // One point has no slope.
	}
	return max(offset, offsetGain), max(rate, rateGain)
}

// measure is the mean of the quarter of the block with the shortest round trips.
func (d *drift) measure() driftSample {
	block := d.block[:d.n]
	slices.SortFunc(block, func(a, b driftSample) int { return int((a.rtt - b.rtt).Microseconds()) })
	best := block[:len(block)/4]
	var sum driftSample
	for _, s := range best {
		sum.at += s.at
		sum.offset += s.offset
		sum.rtt += s.rtt
	}
	n := time.Duration(len(best))
	return driftSample{at: sum.at / n, offset: sum.offset / n, rtt: sum.rtt / n}
}

func (d *drift) predict(at time.Duration) time.Duration {
	return d.offset + scale(min(at-d.at, extrapolate), d.rate)
}

// move brings the correction nearer to where it should be.
func (d *drift) move(at time.Duration) {
	elapsed := min(at-d.moved, time.Second)
	d.moved = at
	if d.blocks == 0 || elapsed <= 0 {
		return
	}
	step := scale(elapsed, slew)
	d.applied += min(max(d.predict(at)-d.applied, -step), step)
}

func scale(d time.Duration, by float64) time.Duration {
	return time.Duration(float64(d) * by)
}
