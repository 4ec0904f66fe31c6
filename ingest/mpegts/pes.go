package mpegts

import (
	"encoding/binary"

	"github.com/freshet-live/freshet/ingest"
)

// decoder makes access units of the bytes of one elementary stream.
type decoder interface {
	// begin says that a PES begins with the next byte. size is the number of
	// its bytes, zero when not known.
	begin(ts times, size int)
	// data takes the next bytes and does not retain them. It is false when
	// what is at hand had to be given up.
	data(p []byte) bool
	// end says that the PES's last byte is known to be here.
	end()
	// lost says that bytes are missing; begin comes next.
	lost()
	// flush says that nothing follows.
	flush()
}

type pesState uint8

const (
	pesSkip   pesState = iota // Until the next PES begins.
	pesHeader                 // The header is incomplete.
	pesData
)

// stream is an elementary stream: it takes its PES apart (ISO/IEC 13818-1,
// 2.4.3.6) and feeds a decoder.
type stream struct {
	d           *Demuxer
	entry       pmtEntry
	codec       ingest.Codec // Unknown while probing.
	unsupported string       // What probing found instead.
	dec         decoder
	end         endOfPES

	state   pesState
	header  []byte // Reused.
	bounded bool   // PES_packet_length is given;
	left    int    // so many bytes of it are to come.
}

func newStream(d *Demuxer, e pmtEntry) *stream {
	s := &stream{d: d, entry: e, codec: e.kind.codec}
	if s.codec.IsVideo() {
		s.dec = newVideo(s)
	} else {
		s.dec = newAudio(s)
	}
	return s
}

// same tells whether e is still this stream.
func (s *stream) same(e pmtEntry) bool { return e.pid == s.entry.pid && e.kind == s.entry.kind }

func (s *stream) packet(p *packet) {
	if s.unsupported != "" {
		return
	}
	payload := p.payload
	switch {
	case p.start:
		s.start()
	case s.state == pesSkip:
		return
	case s.end.passed():
		s.d.tally.error(ErrorEarlyEnd)
		s.damage()
		return
	}
	if s.state == pesHeader {
		if payload = s.readHeader(payload); s.state != pesData {
			return
		}
	}
	s.feed(payload, p.stuffed)
}

// start begins a PES; the one before has ended.
func (s *stream) start() {
	if s.state == pesData && s.bounded && s.left > 0 {
		s.d.tally.error(ErrorPES)
	}
	s.end.start()
	s.state, s.header = pesHeader, s.header[:0]
}

// feed gives payload to the decoder and watches for the PES's end.
func (s *stream) feed(payload []byte, stuffed bool) {
	complete := false
	if s.bounded {
		if len(payload) > s.left && s.left >= 0 {
			s.d.tally.error(ErrorPES) // Longer than it said; read on, it was the length that was wrong.
		}
		s.left -= len(payload)
		complete = s.left == 0
	}
	if len(payload) > 0 && !s.dec.data(payload) {
		s.damage()
		return
	}
	if s.end.packet(stuffed || complete) {
		s.dec.end()
	}
}

// readHeader collects a PES header, which may span packets, and returns the
// payload behind it.
func (s *stream) readHeader(payload []byte) []byte {
	need := 9
	for {
		if len(s.header) >= 9 {
			need = 9 + int(s.header[8])
		}
		n := min(need-len(s.header), len(payload))
		s.header = append(s.header, payload[:n]...)
		payload = payload[n:]
		if len(s.header) < need {
			return nil
		}
		if need > 9 || s.header[8] == 0 {
			break
		}
	}
	h := s.header
	if h[0] != 0 || h[1] != 0 || h[2] != 1 || h[6]&0xC0 != 0x80 {
		s.d.tally.error(ErrorPES)
		s.damage()
		return nil
	}
	length := int(binary.BigEndian.Uint16(h[4:]))
	s.bounded, s.left = length > 0, 0
	if s.bounded {
		if s.left = length - (len(h) - 6); s.left < 0 {
			s.d.tally.error(ErrorPES)
			s.bounded = false
		}
	}
	s.state = pesData
	s.dec.begin(s.timestamps(h), max(s.left, 0))
	return payload
}

// timestamps reads PTS and DTS. Marker bits are not looked at: some encoders
// have them wrong.
func (s *stream) timestamps(h []byte) times {
	var ts times
	flags, optional := h[7], h[9:]
	if flags&0x80 == 0 || len(optional) < 5 {
		return ts
	}
	c := &s.d.clock
	if flags&0x40 != 0 && len(optional) >= 10 {
		ts.dts, ts.hasDTS = c.unwrap(timestamp(optional[5:])), true
	}
	ts.pts, ts.hasPTS = c.unwrap(timestamp(optional)), true
	return ts
}

func timestamp(b []byte) int64 {
	return int64(b[0]>>1&7)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1)
}

// damage drops what is being put together and waits for the next PES.
func (s *stream) damage() {
	s.state = pesSkip
	s.end.damage()
	s.dec.lost()
}

func (s *stream) flush() {
	if s.unsupported == "" {
		s.dec.flush()
	}
}
