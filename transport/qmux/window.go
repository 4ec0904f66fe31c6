package qmux

// window is flow control of what comes (RFC 9000 section 4): the peer may be so many
// bytes ahead of who reads.
type window struct {
	size    uint64
	limit   uint64 // What the peer was told.
	got     uint64
	settled uint64 // Of what came: read, or not wanted.
}

func newWindow(size uint64) window { return window{size: size, limit: size} }

// take counts what came; false when that is more than was allowed.
func (w *window) take(n uint64) bool {
	if n > w.limit-w.got {
		return false
	}
	w.got += n
	return true
}

// settle counts what needs no room any more, and gives the new limit when it is time to
// tell the peer.
func (w *window) settle(n uint64) (limit uint64, tell bool) {
	w.settled += n
	if w.limit-w.settled > w.size/2 {
		return 0, false
	}
	w.limit = w.settled + w.size
	return w.limit, true
}
