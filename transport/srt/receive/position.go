package receive

// position is the place of a packet in the count from the initial sequence
// number: the sequence number without its wrap.
type position int64

const (
	// Sequence numbers have 31 bits (section 3.1).
	sequenceMask = 1<<31 - 1

	noPosition position = -1 << 62

	// farConfirm is how near to a packet beyond the ring another one has to
	// follow for both to be believed.
	farConfirm = 64
)

// place finds the position of a sequence number: the one nearest to the newest
// packet, at most 2^30 behind or ahead.
func (r *Receiver) place(seq uint32) position {
	// A difference of 31 bits, its sign extended.
	d := int32((seq-r.sequence(r.next))<<1) >> 1
	return r.next + position(d)
}

func (r *Receiver) sequence(p position) uint32 {
	return (r.initial + uint32(p)) & sequenceMask
}
