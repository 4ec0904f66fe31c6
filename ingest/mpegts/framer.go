package mpegts

import "bytes"

const (
	packetSize = 188
	syncByte   = 0x47
	// maxStride is a packet with Reed-Solomon parity (ETSI EN 300 429).
	maxStride = 204
	// noSyncLimit is how much may come before the first packet is found.
	noSyncLimit = 1024 * packetSize
)

// strides are the distances from sync byte to sync byte in use: plain, with
// Reed-Solomon parity, with a four byte arrival time in front (BDAV).
var strides = [...]int{packetSize, maxStride, 192}

// framer finds packets in a byte stream.
type framer struct {
	carry  []byte // What the last Write left over; less than three packets.
	stride int    // Zero while sync is not found.
	locked bool   // Sync was found once.
	before int    // Bytes skipped before it.
}

// lock looks for three sync bytes at one distance. It returns how many bytes to
// skip, and the stride or zero when more bytes are needed. At the end of the
// stream (final) it is content with the syncs that are there.
func (f *framer) lock(b []byte, final bool) (skip, stride int) {
	for {
		i := bytes.IndexByte(b[skip:], syncByte)
		if i < 0 {
			return len(b), 0
		}
		skip += i
		for _, s := range strides {
			ok, wait := verified(b[skip:], s, final)
			if wait {
				return skip, 0
			}
			if ok {
				return skip, s
			}
		}
		skip++
	}
}

func verified(b []byte, stride int, final bool) (ok, wait bool) {
	if len(b) < packetSize {
		return false, !final
	}
	for k := 1; k <= 2; k++ {
		if k*stride >= len(b) {
			return final, !final
		}
		if b[k*stride] != syncByte {
			return false, false
		}
	}
	return true, false
}

// cut finds out whether the packet at b[0], whose successor has no sync byte, was
// cut short: then the next packets begin inside it.
func (f *framer) cut(b []byte) int {
	for i := 1; i < f.stride; i++ {
		if b[i] != syncByte {
			continue
		}
		if ok, wait := verified(b[i:], f.stride, false); ok && !wait {
			return i
		}
	}
	return 0
}
