package mpegts

// endAfter is how many PES in a row have to end as expected before an end is
// acted on.
const endAfter = 8

// endOfPES learns how a stream shows the end of its PES packets, for a picture
// to leave at its last byte instead of at the next picture's first. Two signs are
// watched: PES_packet_length has run out, or the adaptation field has stuffing,
// which multiplexers put where a payload does not fill a packet. A sign counts
// once it was right endAfter times in a row; when it is wrong afterwards it is
// never trusted again.
type endOfPES struct {
	right    int
	distrust bool
	signs    int  // Signs in this PES.
	last     bool // The last packet bore the sign.
	acted    bool // This PES was taken for ended.
	before   bool // The one before was.
	unsure   bool // This PES's end need not be a picture's.
}

// start is a PES's begin, and so the proof of where the one before ended.
func (e *endOfPES) start() {
	switch {
	case e.unsure:
	case e.signs == 1 && e.last:
		e.right++
	case e.signs > 0:
		e.right = 0
	}
	e.before = e.acted
	e.signs, e.last, e.acted, e.unsure = 0, false, false, false
}

// packet takes note of a packet's sign. It is true when the PES has ended.
func (e *endOfPES) packet(sign bool) bool {
	e.last = sign
	if !sign {
		return false
	}
	e.signs++
	if e.signs > 1 || e.unsure || e.distrust || e.right < endAfter {
		return false
	}
	e.acted = true
	return true
}

// passed is asked when a PES goes on. It is true when it was taken for ended.
func (e *endOfPES) passed() bool {
	if e.acted {
		e.distrust = true
	}
	return e.acted
}

// misaligned says that a PES did not begin with a new access unit: the end of the
// one before was not an access unit's. It is true when that was acted on.
func (e *endOfPES) misaligned() bool {
	e.right = 0
	e.distrust = e.distrust || e.before
	return e.before
}

// damage forgets the PES at hand.
func (e *endOfPES) damage() { e.signs, e.last, e.acted, e.before = 0, false, false, false }
