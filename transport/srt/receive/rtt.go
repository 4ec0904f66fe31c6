package receive

import "time"

// roundTrip is the estimate of section 4.10, fed by pairs of ACK and ACKACK.
type roundTrip struct {
	smoothed, variance time.Duration
	measured           bool
}

func (r *roundTrip) init(guess time.Duration) {
	r.smoothed, r.variance = guess, guess/2
}

// sample takes a measured round trip in; the first replaces the guess, which
// would otherwise be in the average for a dozen more.
func (r *roundTrip) sample(d time.Duration) {
	if !r.measured {
		r.init(d)
		r.measured = true
		return
	}
	r.variance += ((r.smoothed - d).Abs() - r.variance) / 4
	r.smoothed += (d - r.smoothed) / 8
}

// answerGrain is what a sender takes to answer, at least: it paces repairs too.
const answerGrain = 5 * time.Millisecond

// answer is the time after which an answer is overdue.
func (r *roundTrip) answer() time.Duration {
	return r.smoothed + max(4*r.variance, answerGrain)
}
