package mpegts

// eac3 finds the access units of E-AC-3 (ETSI TS 102 366, annex E): as many
// frames of independent substream 0 as have six blocks, each with the frames of
// its dependent substreams and of further independent ones.
type eac3 struct {
	// frames is how many the last access unit had. So many make the next one
	// complete, without waiting for the one after it. Zero means not known.
	frames int
	format audioFormat
	key    [8]eac3Frame // What format was made of.
}

// eac3Frame is what a frame's header says (E.1.2).
type eac3Frame struct {
	dependent      bool
	id             uint8
	size           int
	rate, blocks   int
	fscod, acmod   uint8
	lfe, bsid      uint8
	channelMap     uint16 // Of a dependent substream.
	hasMap, broken bool
}

func (f *eac3Frame) first() bool { return !f.dependent && f.id == 0 }

// maxEAC3Frames bounds an access unit: six of one block, each with dependents.
const maxEAC3Frames = 8

func (p *eac3) parse(b []byte, _, final bool) (f frame, n int) {
	var unit [maxEAC3Frames]eac3Frame
	count, blocks, off := 0, 0, 0
	for {
		if blocks >= ac3Blocks && (count == p.frames || count == len(unit) || final && off == len(b)) {
			return p.unit(unit[:count], b[:off]), off
		}
		rest := b[off:]
		if len(rest) < 8 {
			return f, 0
		}
		h := eac3Header(rest)
		switch {
		case h.broken && count == 0:
			return f, nextSync(b, 0x0B)
		case count == 0 && len(rest) < h.size:
			return f, 0
		case count == 0 && !h.first():
			p.frames = 0 // Belongs to what was taken for complete.
			return f, h.size
		case count > 0 && blocks >= ac3Blocks && (h.broken || h.first()):
			p.frames = count
			return p.unit(unit[:count], b[:off]), off
		case h.broken || count == len(unit):
			return f, off
		case len(rest) < h.size:
			return f, 0
		}
		if h.first() {
			blocks += h.blocks
		}
		unit[count] = h
		count++
		off += h.size
	}
}

func eac3Header(b []byte) (f eac3Frame) {
	kind, code := b[2]>>6, b[4]>>4&3
	f.id = b[2] >> 3 & 7
	f.size = 2 * ((int(b[2]&7)<<8 | int(b[3])) + 1)
	f.fscod, f.acmod, f.lfe, f.bsid = b[4]>>6, b[4]>>1&7, b[4]&1, b[5]>>3
	f.dependent = kind == 1
	f.rate, f.blocks = ac3Rates[f.fscod], ac3Blocks
	if f.fscod == 3 {
		f.rate = ac3Rates[code] / 2
	} else {
		f.blocks = [4]int{1, 2, 3, 6}[code]
	}
	f.broken = !ac3Sync(b) || kind == 3 || f.rate == 0 || f.size < 8 || f.bsid < 11 || f.bsid > 16
	if f.dependent {
		f.readMap(&bitReader{b: b, pos: 45})
	}
	return f
}

// readMap reads chanmap, which stands behind dialnorm and compr.
func (f *eac3Frame) readMap(r *bitReader) {
	programs := 1
	if f.acmod == 0 {
		programs = 2
	}
	for range programs {
		r.bits(5)
		if r.flag() {
			r.bits(8)
		}
	}
	if f.hasMap = r.flag() && !r.over; f.hasMap {
		f.channelMap = uint16(r.bits(16))
	}
}

func (p *eac3) unit(frames []eac3Frame, b []byte) frame {
	var key [8]eac3Frame
	copy(key[:], frames)
	if key != p.key || p.format.config == nil {
		p.key, p.format = key, eac3Format(frames, len(b))
	}
	return frame{data: b, samples: ac3Samples, format: p.format}
}

// eac3Format makes the EC3SpecificBox (annex F.6).
func eac3Format(frames []eac3Frame, size int) audioFormat {
	independent, dependents := frames[0], 0
	var layout uint32
	for _, f := range frames[1:] {
		if f.first() {
			break // The next frame of the same substream.
		}
		if f.dependent {
			dependents++
			layout |= chanLoc(f)
		}
	}
	channels := ac3Channels[independent.acmod] + int(independent.lfe)
	for i := range 9 {
		if layout>>i&1 == 1 {
			channels += 1 + pairs[i]
		}
	}
	var w bitWriter
	w.bits(uint32(size*8*independent.rate/ac3Samples/1000), 13)
	w.bits(0, 3) // num_ind_sub - 1
	w.bits(uint32(independent.fscod), 2)
	w.bits(uint32(independent.bsid), 5)
	w.bits(0, 1+1+3) // reserved, asvc, bsmod
	w.bits(uint32(independent.acmod), 3)
	w.bits(uint32(independent.lfe), 1)
	w.bits(0, 3)
	w.bits(uint32(dependents), 4)
	if dependents > 0 {
		w.bits(layout, 9)
	} else {
		w.bits(0, 1)
	}
	return audioFormat{independent.rate, channels, w.b}
}

// pairs are the locations of chan_loc that are two channels.
var pairs = [9]int{0: 1, 1: 1, 4: 1, 5: 1, 6: 1}

// chanLoc maps chanmap (table E.1.4, first bit left) to chan_loc (table F.6.1):
// Lc/Rc, Lrs/Rrs, Cs, Ts, Lsd/Rsd, Lw/Rw, Lvh/Rvh, Cvh, LFE2.
func chanLoc(f eac3Frame) uint32 {
	if !f.hasMap {
		return 0
	}
	var loc uint32
	for i, bit := range [9]int{5, 6, 7, 8, 9, 10, 11, 12, 14} {
		loc |= uint32(f.channelMap>>(15-bit)&1) << i
	}
	return loc
}
