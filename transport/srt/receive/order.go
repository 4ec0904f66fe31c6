package receive

import "time"

const (
	// orderMemory is how long a packet that came out of order keeps the
	// tolerance up, at least; twice that at most while something comes.
	orderMemory = 10 * time.Second

	// orderFloor is the tolerance on a link that keeps the order: queues of a
	// network card change it by less, and a repair never misses for it.
	orderFloor = time.Millisecond

	// orderShare of the latency is always allowed.
	orderShare = 16
)

// order learns how late packets come that were overtaken rather than lost, so
// that only the latter are asked for. It is the idea of SRTO_LOSSMAXTTL in units
// of time: counted in packets, a tolerance learned within a burst would hold a
// loss report back for several frames when the encoder pauses after each.
//
// It keeps the largest value of this period and of the last one.
type order struct {
	began         time.Duration
	late, was     time.Duration
	distance, far position
}

// observe notes that a packet, which was not retransmitted, came late after a
// packet sent distance later.
func (o *order) observe(late time.Duration, distance position) {
	o.late = max(o.late, late)
	o.distance = max(o.distance, distance)
}

// turn begins a new period when it is time; it is called now and then.
func (o *order) turn(at time.Duration) {
	if at-o.began < orderMemory {
		return
	}
	o.began = at
	o.was, o.far = o.late, o.distance
	o.late, o.distance = 0, 0
}

// tolerance is how long to wait for a missing packet before asking for it: a
// quarter more than was seen, but so little that two attempts to repair a loss
// fit into the latency, or its sixteenth where it is too short for them.
func (o *order) tolerance(latency, rtt time.Duration) time.Duration {
	seen := max(o.late, o.was) * 5 / 4
	most := max((latency-2*rtt)/2, latency/orderShare)
	return min(max(seen, orderFloor), most)
}

func (o *order) maxDistance() position { return max(o.distance, o.far) }
