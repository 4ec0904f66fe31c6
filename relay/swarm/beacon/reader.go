package beacon

import (
	"crypto/ed25519"

	"github.com/quic-go/quic-go/quicvarint"
)

// reader takes fields from the front of b. What is not there reads as zero and
// makes it bad.
type reader struct {
	b   []byte
	bad bool
}

// zeros is what is read past the end: as long as the longest field.
var zeros [ed25519.SignatureSize]byte

// ok tells whether nothing was wrong, and n bytes are left.
func (r *reader) ok(n int) bool { return !r.bad && len(r.b) >= n }

// take gives the next n bytes, at most as many as a signature has.
func (r *reader) take(n int) []byte {
	if !r.ok(n) {
		r.bad = true
		return zeros[:n]
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte { return r.take(1)[0] }

// int reads a variable-length integer below limit (RFC 9000, section 16).
func (r *reader) int(limit uint64) uint64 {
	v, n, err := quicvarint.Parse(r.b)
	if r.bad || err != nil || v >= limit {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}
