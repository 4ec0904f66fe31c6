package mpegts

// bitReader reads big-endian bit fields. Past the end it gives zeros and sets
// over, so that a parser checks once, at its end.
type bitReader struct {
	b    []byte
	pos  int
	over bool
}

func (r *bitReader) bits(n int) uint32 {
	var v uint32
	for range n {
		v <<= 1
		if i := r.pos >> 3; i < len(r.b) {
			v |= uint32(r.b[i]>>(7-r.pos&7)) & 1
		} else {
			r.over = true
		}
		r.pos++
	}
	return v
}

func (r *bitReader) flag() bool { return r.bits(1) == 1 }

// golomb reads ue(v) (ITU-T H.264, 9.1).
func (r *bitReader) golomb() uint32 {
	zeros := 0
	for !r.flag() {
		zeros++
		if zeros > 31 || r.over {
			r.over = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

// bitWriter appends big-endian bit fields.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) bits(v uint32, n int) {
	for i := n - 1; i >= 0; i-- {
		if w.n&7 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n>>3] |= byte(v>>i&1) << (7 - w.n&7)
		w.n++
	}
}

// align fills up to a whole byte.
func (w *bitWriter) align() { w.n = len(w.b) * 8 }
