package mpegts

import (
	"testing"

	"github.com/freshet-live/freshet/ingest"
)

// The parsers that a CRC or a PES header hides from the fuzzing of whole streams.

type discard struct{}

func (discard) SetProgram(ingest.Program) error { return nil }
func (discard) Push(ingest.AccessUnit) error    { return nil }

func FuzzFrames(f *testing.F) {
	f.Add([]byte{0xFF, 0xF1, 0x4C, 0x80, 0x02, 0x1F, 0xFC, 1, 2, 3, 4, 5, 6, 7, 8, 9}, uint8(0))
	f.Add([]byte{0xFF, 0xF1, 0x4C, 0x00, 0x02, 0x1F, 0xFC, 0xA0, 0x9A, 4, 5, 6, 7, 8, 9, 0}, uint8(0))
	f.Add([]byte{0x56, 0xE0, 0x08, 0x20, 0x00, 0x11, 0x90, 0x04, 0x01, 0x02, 0x03}, uint8(1))
	// A StreamMuxConfig that is cut off, and an element that relies on it.
	f.Add([]byte{
		0x56, 0xE0, 5, 0x30, 0x30, 0x13, 0x30, 0x30,
		0x56, 0xE0, 10, 0xb7, 0x30, 0x52, 0x30, 0x6f, 0x38, 0x30, 0x6f, 0x30, 0x00,
	}, uint8(133))
	f.Add([]byte{0x0B, 0x77, 0, 0, 0, 0x40, 0x2F, 0x84}, uint8(2))
	f.Add([]byte{0x0B, 0x77, 0, 3, 0x34, 0x80, 0, 0}, uint8(3))
	f.Add([]byte{0x7F, 0xFC, 3, 0, 1, 0, 1, 1, 9, 0xFC, 1, 2}, uint8(4))
	f.Add([]byte{0xFF, 0xFB, 0x90, 0x64, 0, 0, 0, 0}, uint8(5))
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		parsers := []frameParser{&adts{}, &latm{}, ac3{}, &eac3{}, &opus{channels: which}, &mpegAudio{found: func(int) {}}}
		p := parsers[int(which)%len(parsers)]
		for len(b) > 0 {
			fr, n := p.parse(b, which&0x80 != 0, which&0x40 != 0)
			if n < 0 || n > len(b) || len(fr.data) > n {
				t.Fatalf("%T: %d of %d bytes, frame of %d", p, n, len(b), len(fr.data))
			}
			if fr.data != nil && (fr.samples <= 0 || fr.format.rate <= 0 || fr.format.channels <= 0) {
				t.Fatalf("%T: frame %+v", p, fr)
			}
			if n == 0 {
				return
			}
			b = b[n:]
		}
	})
}

func FuzzTables(f *testing.F) {
	f.Add([]byte{0xFF, 0xFF, 0xF0, 0, 0x1B, 0xE1, 0, 0xF0, 6, 0x0A, 4, 'e', 'n', 'g', 0})
	f.Add([]byte{0xFF, 0xFF, 0xF0, 6, 5, 4, 'H', 'D', 'M', 'V', 0x15, 0xE1, 0, 0xF0, 9, 0x26, 7, 0, 0, 0xFF, 'I', 'D', '3', ' '})
	f.Fuzz(func(t *testing.T, b []byte) {
		parsePAT(b)
		list, _ := parsePMT(b)
		for _, e := range list {
			k := e.kind
			if (k.name == "") == (k.codec == ingest.CodecUnknown && !k.mpegAudio) {
				t.Errorf("stream type %#x is neither carried nor named: %+v", e.streamType, k)
			}
		}
		var s sections
		s.packet(b, true, func([]byte) {})
		s.packet(b, false, func([]byte) {})
		if len(s.buf) > maxSection+len(b) {
			t.Errorf("%d bytes kept", len(s.buf))
		}
	})
}

func FuzzPES(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0xE0, 0, 0, 0x80, 0x80, 5, 0x21, 0, 1, 0, 1, 0, 0, 1, 9, 0, 0, 1, 0x67, 66, 0, 0, 1, 0x65, 0x88}, uint8(7), false)
	f.Add([]byte{0, 0, 1, 0xE0, 0, 9, 0x80, 0xC0, 10, 0x31, 0, 1, 0, 1, 0x11, 0, 1, 0, 1, 0, 0, 1, 0x40, 1, 0, 0, 1, 0x26, 1, 0xAF}, uint8(50), true)
	f.Fuzz(func(_ *testing.T, b []byte, chunk uint8, hevc bool) {
		codec := ingest.CodecH264
		if hevc {
			codec = ingest.CodecH265
		}
		d := New(Config{Sink: discard{}})
		d.psi.current = &program{}
		s := newStream(d, pmtEntry{pid: 0x100, kind: kind{codec: codec}})
		for i := 0; len(b) > 0; i++ {
			n := min(int(chunk%184)+1, len(b))
			s.packet(&packet{start: i%5 == 0, stuffed: i%5 == 4, payload: b[:n]})
			b = b[n:]
		}
		s.flush()
	})
}
