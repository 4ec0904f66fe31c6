package routes

import (
	"math/bits"
	"time"
)

const (
	// nearby is a round trip that is as good as none; each doubling is a class more.
	nearby = 5 * time.Millisecond
	// confirmed is how many measurements in a row have to agree on another class.
	confirmed = 5
)

// Distance is how far a parent is, in classes: 0 up to 5 ms of round trip, and one more
// for each doubling. It changes when measurements are clearly of another class (by a
// quarter beyond its bound) and stay there, so that a choice between two parents does
// not follow every queue on the way. The zero value is unknown. It is used by one
// goroutine at a time.
type Distance struct {
	known bool
	class int
	other int // Measurements in a row that say otherwise.
}

// Observe takes a measurement; it tells whether the class has changed.
func (d *Distance) Observe(rtt time.Duration) (changed bool) {
	if rtt <= 0 {
		return false // Not measured yet.
	}
	low, high := classOf(rtt*4/5), classOf(rtt*5/4)
	if d.known && low <= d.class && d.class <= high {
		d.other = 0
		return false
	}
	if d.other++; d.known && d.other < confirmed {
		return false
	}
	class := classOf(rtt)
	d.known, d.class, d.other = true, class, 0
	return true
}

// Class is the distance; false while nothing was measured.
func (d *Distance) Class() (class int, known bool) { return d.class, d.known }

func classOf(rtt time.Duration) int { return bits.Len64(uint64(rtt / nearby)) }
