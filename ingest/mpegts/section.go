package mpegts

// maxSection is the longest section there is (ISO/IEC 13818-1, 2.4.4.11).
const maxSection = 3 + 4093

// sections joins the sections of one PID. Its buffer is bounded by maxSection.
type sections struct {
	buf    []byte
	active bool // A section's begin was seen and nothing is missing since.
}

func (s *sections) reset() { s.buf, s.active = s.buf[:0], false }

// packet takes a packet's payload and hands every whole section to emit, which
// does not keep it.
func (s *sections) packet(payload []byte, start bool, emit func([]byte)) {
	if !start {
		if s.active {
			s.feed(payload, emit)
		}
		return
	}
	if len(payload) == 0 || 1+int(payload[0]) > len(payload) {
		s.reset()
		return
	}
	pointer := 1 + int(payload[0])
	if s.active {
		s.feed(payload[1:pointer], emit)
	}
	s.reset()
	s.active = true
	s.feed(payload[pointer:], emit)
}

func (s *sections) feed(b []byte, emit func([]byte)) {
	s.buf = append(s.buf, b...)
	for {
		if len(s.buf) > 0 && s.buf[0] == 0xFF { // Stuffing up to the packet's end.
			s.reset()
			return
		}
		if len(s.buf) < 3 {
			return
		}
		n := 3 + (int(s.buf[1]&0x0F)<<8 | int(s.buf[2]))
		if n > maxSection {
			s.reset()
			return
		}
		if len(s.buf) < n {
			return
		}
		emit(s.buf[:n])
		s.buf = append(s.buf[:0], s.buf[n:]...)
	}
}

var crcTable = func() (t [256]uint32) {
	for i := range t {
		c := uint32(i) << 24
		for range 8 {
			if c&0x80000000 != 0 {
				c = c<<1 ^ 0x04C11DB7
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
}()

// crc32 is that of annex A: over a whole section the result is zero.
func crc32(b []byte) uint32 {
	c := ^uint32(0)
	for _, x := range b {
		c = c<<8 ^ crcTable[byte(c>>24)^x]
	}
	return c
}
