package pattern

import "math/bits"

// bitWriter writes bits, most significant first.
type bitWriter struct {
	out  []byte
	free int // Bits of the last byte that are not written.
}

// u writes the low n bits of v.
func (w *bitWriter) u(n int, v uint64) {
	for n > 0 {
		if w.free == 0 {
			w.out, w.free = append(w.out, 0), 8
		}
		k := min(n, w.free)
		part := v >> (n - k) & (1<<k - 1)
		w.out[len(w.out)-1] |= byte(part << (w.free - k))
		w.free -= k
		n -= k
	}
}

// ue writes an Exp-Golomb code (H.264, 9.1).
func (w *bitWriter) ue(v uint64) {
	n := bits.Len64(v + 1)
	w.u(n-1, 0)
	w.u(n, v+1)
}

// align fills the byte with zeros.
func (w *bitWriter) align() { w.free = 0 }

// trail ends an RBSP (H.264, 7.3.2.11), or a raw_data_block.
func (w *bitWriter) trail() {
	w.u(1, 1)
	w.align()
}

// nal makes a NAL unit of an RBSP: no three bytes look like a start code (H.264,
// 7.4.1).
func nal(header byte, rbsp []byte) []byte {
	out := append(make([]byte, 0, len(rbsp)+16), header)
	zeros := 0
	for _, b := range rbsp {
		if zeros >= 2 && b <= 3 {
			out = append(out, 3)
			zeros = 0
		}
		if zeros++; b != 0 {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}
