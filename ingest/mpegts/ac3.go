package mpegts

// ac3Samples is the length of an access unit of AC-3 and E-AC-3: six blocks.
const (
	ac3Blocks  = 6
	ac3Samples = ac3Blocks * 256
)

var (
	ac3Rates    = [4]int{48000, 44100, 32000, 0}
	ac3Kilobits = [...]int{32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640}
	// ac3Channels is acmod without the low frequency channel.
	ac3Channels = [8]int{2, 1, 2, 3, 3, 4, 4, 5}
)

// ac3 finds the frames of AC-3 (ETSI TS 102 366, 4.3).
type ac3 struct{}

func (ac3) parse(b []byte, sure, final bool) (f frame, n int) {
	if len(b) < 8 {
		return f, 0
	}
	size, format := ac3Header(b)
	if size == 0 {
		return f, nextSync(b, 0x0B)
	}
	if len(b) < size {
		return f, 0
	}
	if !sure && !final {
		if len(b) < size+2 {
			return f, 0
		}
		if !ac3Sync(b[size:]) {
			return f, nextSync(b, 0x0B)
		}
	}
	return frame{data: b[:size], samples: ac3Samples, format: format}, size
}

func ac3Sync(b []byte) bool { return b[0] == 0x0B && b[1] == 0x77 }

// ac3Header reads syncinfo and bsi; the size is zero where there is no frame.
func ac3Header(b []byte) (size int, format audioFormat) {
	r := bitReader{b: b, pos: 32}
	fscod, code := r.bits(2), r.bits(6)
	bsid, bsmod, acmod := r.bits(5), r.bits(3), r.bits(3)
	if !ac3Sync(b) || fscod == 3 || int(code) >= 2*len(ac3Kilobits) || bsid > 10 {
		return 0, format
	}
	if acmod&1 != 0 && acmod != 1 {
		r.bits(2) // cmixlev
	}
	if acmod&4 != 0 {
		r.bits(2) // surmixlev
	}
	if acmod == 2 {
		r.bits(2) // dsurmod
	}
	lfe := r.bits(1)

	rate, kilobits := ac3Rates[fscod], ac3Kilobits[code>>1]
	size = 2 * (kilobits * 1000 * ac3Samples / 16 / rate)
	if fscod == 1 {
		size += 2 * int(code&1)
	}
	var w bitWriter // AC3SpecificBox, annex F.4
	w.bits(fscod, 2)
	w.bits(bsid, 5)
	w.bits(bsmod, 3)
	w.bits(acmod, 3)
	w.bits(lfe, 1)
	w.bits(code>>1, 5)
	w.bits(0, 5)
	if bsid > 8 {
		rate >>= bsid - 8 // Half and quarter rates, as decoders read them.
	}
	return size, audioFormat{rate, ac3Channels[acmod] + int(lfe), w.b}
}
