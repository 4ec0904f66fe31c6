package pattern

import (
	"encoding/binary"
)

// Packet identifiers of what Muxer writes.
const (
	pmtPID   = 0x1000
	videoPID = 0x100
	audioPID = 0x101
)

// The types of streams (ISO/IEC 13818-1, table 2-34).
const (
	TypeH264 = 0x1B
	TypeH265 = 0x24
	TypeAAC  = 0x0F
)

const (
	packetSize = 188
	// ticksPCR are those of PCR in one of PTS.
	ticksPCR = 300
	// turn is where the clock reference wraps.
	turn = 1 << 33 * ticksPCR
)

// Muxer writes a program of one video and one audio stream (ISO/IEC 13818-1). Zero
// leaves a stream out. The clock reference is in the video, or in the audio alone.
type Muxer struct {
	Video, Audio byte

	out     []byte
	counter map[uint16]byte
}

// Tables gives a PAT and a PMT. What a method gives is valid until the next call.
func (m *Muxer) Tables() []byte {
	m.out = m.out[:0]
	m.section(0, 0, []byte{0, 1, 0xE0 | pmtPID>>8, pmtPID & 0xFF})
	pcr := uint16(videoPID)
	if m.Video == 0 {
		pcr = audioPID
	}
	body := binary.BigEndian.AppendUint16(nil, 0xE000|pcr)
	body = append(body, 0xF0, 0)
	for _, s := range []struct {
		kind byte
		pid  uint16
	}{{m.Video, videoPID}, {m.Audio, audioPID}} {
		if s.kind != 0 {
			body = append(body, s.kind, 0xE0|byte(s.pid>>8), byte(s.pid), 0xF0, 0)
		}
	}
	m.section(pmtPID, 2, body)
	return m.out
}

// Picture gives a picture of Annex B bytes; pcr is in ticks of 27 MHz.
func (m *Muxer) Picture(annexB []byte, pts, dts, pcr int64, random bool) []byte {
	m.out = m.out[:0]
	m.pes(videoPID, 0xE0, annexB, pts, dts, field(pcr, random))
	return m.out
}

// Frame gives an audio frame with its header; pcr counts where there is no video.
func (m *Muxer) Frame(adts []byte, pts, pcr int64) []byte {
	m.out = m.out[:0]
	var f []byte
	if m.Video == 0 {
		f = field(pcr, true)
	}
	m.pes(audioPID, 0xC0, adts, pts, pts, f)
	return m.out
}

// field is an adaptation field with a PCR, without its length.
func field(pcr int64, random bool) []byte {
	f := []byte{0x10, 0, 0, 0, 0, 0, 0}
	if random {
		f[0] |= 0x40
	}
	pcr = (pcr%turn + turn) % turn
	base, ext := pcr/ticksPCR, pcr%ticksPCR
	binary.BigEndian.PutUint32(f[1:], uint32(base>>1))
	f[5] = byte(base<<7) | 0x7E | byte(ext>>8)
	f[6] = byte(ext)
	return f
}

// pes writes a PES packet; the adaptation field goes with its first packet.
func (m *Muxer) pes(pid uint16, id byte, payload []byte, pts, dts int64, field []byte) {
	h := []byte{0, 0, 1, id, 0, 0, 0x84, 0x80, 5}
	if pts == dts {
		h = stamp(h, 2, pts)
	} else {
		h[7], h[8] = 0xC0, 10
		h = stamp(stamp(h, 3, pts), 1, dts)
	}
	if n := len(h) - 6 + len(payload); n <= 0xFFFF {
		binary.BigEndian.PutUint16(h[4:], uint16(n)) // Else it is unbounded, as video may be.
	}
	h = append(h, payload...)
	for start := true; len(h) > 0; start = false {
		h = m.packet(pid, start, field, h)
		field = nil
	}
}

func stamp(h []byte, prefix byte, ts int64) []byte {
	return append(h, prefix<<4|byte(ts>>29)&0x0E|1, byte(ts>>22), byte(ts>>14)|1, byte(ts>>7), byte(ts<<1)|1)
}

// packet writes one packet with as much of the payload as fits, and gives the rest.
func (m *Muxer) packet(pid uint16, start bool, field, payload []byte) []byte {
	if m.counter == nil {
		m.counter = map[uint16]byte{}
	}
	head := []byte{0x47, byte(pid >> 8), byte(pid), 0x10 | m.counter[pid]}
	if start {
		head[1] |= 0x40
	}
	m.counter[pid] = (m.counter[pid] + 1) & 15
	room := packetSize - 4
	if field != nil {
		room -= 1 + len(field)
	}
	n := min(len(payload), room)
	pad := room - n
	if field != nil || pad > 0 {
		head[3] |= 0x20
		if field == nil {
			pad-- // The length is a byte of it.
			if pad > 0 {
				field = []byte{0}
				pad--
			}
		}
		head = append(append(head, byte(len(field)+pad)), field...)
		for range pad {
			head = append(head, 0xFF)
		}
	}
	m.out = append(append(m.out, head...), payload[:n]...)
	return payload[n:]
}

// section writes a table that fits a packet.
func (m *Muxer) section(pid uint16, table byte, body []byte) {
	s := append([]byte{0, table, 0xB0, byte(5 + len(body) + 4), 0, 1, 0xC1, 0, 0}, body...)
	s = binary.BigEndian.AppendUint32(s, checksum(s[1:]))
	for len(s) < packetSize-4 {
		s = append(s, 0xFF)
	}
	m.packet(pid, true, nil, s)
}

// checksum is the CRC of annex A.
func checksum(b []byte) uint32 {
	c := ^uint32(0)
	for _, x := range b {
		c ^= uint32(x) << 24
		for range 8 {
			top := c >> 31
			c = c<<1 ^ top*0x04C11DB7
		}
	}
	return c
}
