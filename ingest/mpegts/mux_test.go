package mpegts_test

import (
	"bytes"
	"encoding/binary"
)

const (
	pmtPID   = 0x1000
	videoPID = 0x100
	audioPID = 0x101
)

// muxer writes transport streams for tests: it does what it is told, wrong things
// included.
type muxer struct {
	out []byte
	cc  map[uint16]byte
}

func newMuxer() *muxer { return &muxer{cc: map[uint16]byte{}} }

// es is a stream's line in a PMT.
type es struct {
	pid        uint16
	streamType byte
	desc       []byte
}

// packet appends one packet with as much of payload as fits and returns the rest.
// A short payload is stuffed.
func (m *muxer) packet(pid uint16, start bool, payload []byte) []byte {
	n := min(len(payload), 184)
	head := []byte{0x47, byte(pid >> 8), byte(pid), 0x10 | m.cc[pid]}
	if start {
		head[1] |= 0x40
	}
	m.cc[pid] = (m.cc[pid] + 1) & 15
	if pad := 184 - n; pad > 0 {
		head[3] |= 0x20
		head = append(head, byte(pad-1))
		if pad > 1 {
			head = append(head, 0)
			head = append(head, bytes.Repeat([]byte{0xFF}, pad-2)...)
		}
	}
	m.out = append(append(m.out, head...), payload[:n]...)
	return payload[n:]
}

// pcr appends a packet with a clock reference alone.
func (m *muxer) pcr(pid uint16, base int64) {
	b := bytes.Repeat([]byte{0xFF}, 188)
	copy(b, []byte{
		0x47, byte(pid >> 8), byte(pid), 0x20 | (m.cc[pid]-1)&15, 183, 0x10,
		byte(base >> 25), byte(base >> 17), byte(base >> 9), byte(base >> 1), byte(base<<7) | 0x7E, 0,
	})
	m.out = append(m.out, b...)
}

// section appends a section with its CRC, over as many packets as it needs.
func (m *muxer) section(pid uint16, table byte, id uint16, version byte, body []byte) {
	s := []byte{table, 0xB0, 0, byte(id >> 8), byte(id), 0xC1 | version<<1, 0, 0}
	s = append(s, body...)
	binary.BigEndian.PutUint16(s[1:], 0xB000|uint16(len(s)-3+4))
	s = binary.BigEndian.AppendUint32(s, checksum(s))
	for start, rest := true, append([]byte{0}, s...); len(rest) > 0; start = false {
		n := min(len(rest), 184)
		pad := bytes.Repeat([]byte{0xFF}, 184-n)
		m.packet(pid, start, append(bytes.Clone(rest[:n]), pad...))
		rest = rest[n:]
	}
}

// checksum is CRC-32/MPEG-2, bit by bit.
func checksum(b []byte) uint32 {
	c := ^uint32(0)
	for _, x := range b {
		c ^= uint32(x) << 24
		for range 8 {
			top := c >> 31
			c <<= 1
			c ^= top * 0x04C11DB7
		}
	}
	return c
}

// pat takes program numbers and PMT PIDs in turn.
func (m *muxer) pat(version byte, programs ...uint16) {
	var body []byte
	for i := 0; i < len(programs); i += 2 {
		body = binary.BigEndian.AppendUint16(body, programs[i])
		body = binary.BigEndian.AppendUint16(body, 0xE000|programs[i+1])
	}
	m.section(0, 0, 1, version, body)
}

func (m *muxer) pmt(pid, number uint16, version byte, desc []byte, streams ...es) {
	body := binary.BigEndian.AppendUint16(nil, 0xE000|0x1FFF)
	body = binary.BigEndian.AppendUint16(body, 0xF000|uint16(len(desc)))
	body = append(body, desc...)
	for _, s := range streams {
		body = append(body, s.streamType)
		body = binary.BigEndian.AppendUint16(body, 0xE000|s.pid)
		body = binary.BigEndian.AppendUint16(body, 0xF000|uint16(len(s.desc)))
		body = append(body, s.desc...)
	}
	m.section(pid, 2, number, version, body)
}

// tables appends a PAT and a PMT with H.264 and AAC.
func (m *muxer) tables() {
	m.pat(0, 1, pmtPID)
	m.pmt(pmtPID, 1, 0, nil, es{videoPID, 0x1B, nil}, es{audioPID, 0x0F, nil})
}

// pes wraps payload; without a DTS that is the PTS, without a PTS that is negative.
func pesPacket(pts, dts int64, bounded bool, payload []byte) []byte {
	h := []byte{0, 0, 1, 0xE0, 0, 0, 0x80, 0, 0}
	switch {
	case pts < 0:
	case pts == dts:
		h[7], h[8] = 0x80, 5
		h = append(h, stamp(2, pts)...)
	default:
		h[7], h[8] = 0xC0, 10
		h = append(append(h, stamp(3, pts)...), stamp(1, dts)...)
	}
	h = append(h, payload...)
	if bounded {
		binary.BigEndian.PutUint16(h[4:], uint16(len(h)-6))
	}
	return h
}

func stamp(prefix byte, ts int64) []byte {
	return []byte{
		prefix<<4 | byte(ts>>29)&0x0E | 1, byte(ts >> 22), byte(ts>>14) | 1, byte(ts >> 7), byte(ts<<1) | 1,
	}
}

// pes appends a PES whose last packet is stuffed where it is not full.
func (m *muxer) pes(pid uint16, pts, dts int64, bounded bool, payload []byte) {
	rest := pesPacket(pts, dts, bounded, payload)
	for start := true; len(rest) > 0; start = false {
		rest = m.packet(pid, start, rest)
	}
}

var (
	testSPS = []byte{0x67, 0x42, 0xC0, 0x1E, 0xD9, 0x00, 0xA0, 0x47, 0xFE, 0xC8}
	testPPS = []byte{0x68, 0xCE, 0x38, 0x80}
	testAUD = []byte{0x09, 0xF0}
)

// slice makes a NAL unit that begins a picture, n bytes long, with contents that
// depend on seed.
func slice(idr bool, seed byte, n int) []byte {
	b := []byte{0x41, 0x9A}
	if idr {
		b = []byte{0x65, 0x88}
	}
	for i := len(b); i < n; i++ {
		b = append(b, 1+(seed+byte(i*7))%250)
	}
	return b
}

// annexB joins NAL units with four byte start codes.
func annexB(units ...[]byte) []byte {
	var b []byte
	for _, u := range units {
		b = append(append(b, 0, 0, 0, 1), u...)
	}
	return b
}

// picture is an access unit with delimiter; the first of ten is IDR.
func picture(i, n int) []byte {
	if i%10 == 0 {
		return annexB(testAUD, testSPS, testPPS, slice(true, byte(i), n))
	}
	return annexB(testAUD, slice(false, byte(i), n))
}

// adtsFrame is an AAC-LC frame, 48 kHz stereo, with n bytes of nonsense.
func adtsFrame(seed byte, n int) []byte {
	size := 7 + n
	b := make([]byte, 0, size)
	b = append(b, 0xFF, 0xF1, 0x4C, 0x80|byte(size>>11), byte(size>>3), byte(size<<5)|0x1F, 0xFC)
	for i := range n {
		b = append(b, 1+(seed+byte(i*5))%200)
	}
	return b
}
