package mpegts

// packet is a transport packet (ISO/IEC 13818-1, 2.4.3.2). It points into the
// bytes it was parsed from.
type packet struct {
	pid           uint16
	start         bool // payload_unit_start_indicator
	damaged       bool // transport_error_indicator
	scrambled     bool
	discontinuity bool
	stuffed       bool // The adaptation field holds stuffing: the payload could be longer.
	hasPayload    bool
	hasPCR        bool
	cc            uint8
	pcr           int64 // 27 MHz
	payload       []byte
}

// parsePacket reads the 188 bytes of b. It is false when the adaptation field
// does not fit.
func parsePacket(b []byte, p *packet) bool {
	*p = packet{
		pid:        uint16(b[1]&0x1F)<<8 | uint16(b[2]),
		start:      b[1]&0x40 != 0,
		damaged:    b[1]&0x80 != 0,
		scrambled:  b[3]&0xC0 != 0,
		hasPayload: b[3]&0x10 != 0,
		cc:         b[3] & 0x0F,
	}
	rest := b[4:packetSize]
	if b[3]&0x20 != 0 {
		n := int(rest[0])
		if n >= len(rest) {
			return false
		}
		p.adaptation(rest[1 : 1+n])
		rest = rest[1+n:]
	}
	if p.hasPayload {
		p.payload = rest
	}
	return true
}

// adaptation reads an adaptation field behind its length (2.4.3.4).
func (p *packet) adaptation(a []byte) {
	if len(a) == 0 {
		p.stuffed = true // The length byte alone stuffs one byte.
		return
	}
	flags := a[0]
	p.discontinuity = flags&0x80 != 0
	used := 1
	if flags&0x10 != 0 {
		if len(a) >= 7 {
			p.hasPCR, p.pcr = true, parsePCR(a[1:7])
		}
		used += 6
	}
	if flags&0x08 != 0 { // OPCR
		used += 6
	}
	if flags&0x04 != 0 { // splice_countdown
		used++
	}
	for _, bit := range [...]byte{0x02, 0x01} { // private data, extension
		if flags&bit != 0 && used < len(a) {
			used += 1 + int(a[used])
		}
	}
	p.stuffed = used < len(a)
}

func parsePCR(b []byte) int64 {
	base := int64(b[0])<<25 | int64(b[1])<<17 | int64(b[2])<<9 | int64(b[3])<<1 | int64(b[4])>>7
	return base*300 + int64(b[4]&1)<<8 + int64(b[5])
}
