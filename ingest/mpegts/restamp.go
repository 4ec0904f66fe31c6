package mpegts

// PCR reads the clock reference of a packet, in ticks of 27 MHz; false where it has
// none.
func PCR(b []byte) (int64, bool) {
	var p packet
	if !parsePacket(b, &p) || !p.hasPCR {
		return 0, false
	}
	return p.pcr, true
}

// SetPCR replaces the clock reference of a packet that has one.
func SetPCR(b []byte, pcr int64) {
	if _, ok := PCR(b); ok {
		putPCR(b[6:], pcr)
	}
}

// Shift moves all clocks of a packet, PCR, PTS and DTS, by ticks of ingest.Clock.
func Shift(b []byte, ticks int64) {
	var p packet
	if !parsePacket(b, &p) {
		return
	}
	if p.hasPCR {
		putPCR(b[6:], p.pcr+ticks*300)
	}
	if p.start {
		shiftPES(p.payload, ticks)
	}
}

// shiftPES moves PTS and DTS of the PES header at h, if there is one.
func shiftPES(h []byte, ticks int64) {
	if len(h) < 14 || h[0] != 0 || h[1] != 0 || h[2] != 1 || h[6]&0xC0 != 0x80 {
		return
	}
	if h[7]&0x80 != 0 && h[8] >= 5 {
		putTimestamp(h[9:], timestamp(h[9:])+ticks)
	}
	if h[7]&0x40 != 0 && h[8] >= 10 && len(h) >= 19 {
		putTimestamp(h[14:], timestamp(h[14:])+ticks)
	}
}

// putTimestamp writes a PTS or DTS; the four bits in front of it stay.
func putTimestamp(b []byte, ts int64) {
	b[0] = b[0]&0xF0 | byte(ts>>29)&0x0E | 1
	b[1] = byte(ts >> 22)
	b[2] = byte(ts>>14)&0xFE | 1
	b[3] = byte(ts >> 7)
	b[4] = byte(ts<<1) | 1
}

// putPCR writes a clock reference; before zero it wraps, as behind the end.
func putPCR(b []byte, pcr int64) {
	const turn = clockWrap * 300
	pcr = (pcr%turn + turn) % turn
	base, ext := pcr/300, pcr%300
	b[0], b[1], b[2], b[3] = byte(base>>25), byte(base>>17), byte(base>>9), byte(base>>1)
	b[4] = byte(base<<7) | 0x7E | byte(ext>>8)
	b[5] = byte(ext)
}
