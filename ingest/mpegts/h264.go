package mpegts

import (
	"bytes"
	"math"

	mch264 "github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/freshet-live/freshet/ingest"
)

// NAL unit types of ITU-T H.264 table 7-1.
const (
	h264Slice  = 1
	h264IDR    = 5
	h264SEI    = 6
	h264SPS    = 7
	h264PPS    = 8
	h264AUD    = 9
	h264Filler = 12
	h264Prefix = 14
)

// sliceHeadSize is how much of a slice holds the header fields read here,
// emulation prevention included.
const sliceHeadSize = 24

// h264 reads what separates access units of H.264. It keeps the parameter sets
// that slice headers depend on.
type h264 struct {
	sps     [32]h264Params
	pps     [256]uint8 // The SPS each refers to.
	lastSPS []byte     // To skip repetitions; nil before the first.
	fields  bool       // Some SPS allows fields.
	step    int64
}

// h264Params are the fields of an SPS that a slice header depends on.
type h264Params struct {
	fields       bool // frame_mbs_only_flag is 0.
	colourPlanes bool
	frameNumBits int
}

func (h *h264) role(b []byte, whole bool) (nalRole, field, bool) {
	if len(b) == 0 {
		return roleOther, field{}, whole
	}
	switch t := b[0] & 0x1F; t {
	case h264AUD, h264SPS, h264PPS, h264SEI, 15, 16, 17, 18:
		return roleBorder, field{}, true
	case h264Prefix:
		return roleMaybe, field{}, true
	case h264Slice, 2, h264IDR:
		return h.slice(b, whole)
	default:
		return roleOther, field{}, true
	}
}

// slice reads a slice header (7.3.3) up to bottom_field_flag.
func (h *h264) slice(b []byte, whole bool) (nalRole, field, bool) {
	if len(b) < 2 {
		return roleOther, field{}, whole
	}
	role := roleSlice
	if b[1]&0x80 != 0 { // first_mb_in_slice is 0.
		role = roleFirst
	}
	if role == roleSlice {
		return role, field{}, true
	}
	if !h.fields {
		return role, field{}, true
	}
	if len(b) < sliceHeadSize && !whole {
		return roleOther, field{}, false
	}
	var buf [sliceHeadSize]byte
	r := header(b, &buf)
	r.golomb() // first_mb_in_slice
	r.golomb() // slice_type
	sps := h.sps[h.pps[r.golomb()&0xFF]&31]
	if !sps.fields {
		return role, field{}, true
	}
	if sps.colourPlanes {
		r.bits(2)
	}
	f := field{frameNum: r.bits(sps.frameNumBits)}
	if f.single = r.flag(); f.single {
		f.bottom = r.flag()
	}
	return role, f, true
}

func (h *h264) complete(b []byte) {
	switch b[0] & 0x1F {
	case h264SPS:
		if !bytes.Equal(b, h.lastSPS) {
			h.lastSPS = append(h.lastSPS[:0], b...)
			h.setSPS(b)
		}
	case h264PPS:
		var buf [sliceHeadSize]byte
		r := header(b, &buf)
		pps, sps := r.golomb(), r.golomb()
		if !r.over && pps < 256 && sps < 32 {
			h.pps[pps] = uint8(sps)
		}
	}
}

func (h *h264) setSPS(b []byte) {
	var s mch264.SPS
	if s.Unmarshal(b) != nil || s.ID > 31 || s.Log2MaxFrameNumMinus4 > 12 {
		return
	}
	h.sps[s.ID] = h264Params{!s.FrameMbsOnlyFlag, s.SeparateColourPlaneFlag, int(s.Log2MaxFrameNumMinus4) + 4}
	h.fields = h.fields || !s.FrameMbsOnlyFlag
	h.step = 0
	if s.VUI != nil && s.VUI.TimingInfo != nil {
		if t := ingest.Clock / s.FPS(); t >= 1 && t < ingest.Clock {
			h.step = int64(math.Round(t))
		}
	}
}

func (h *h264) ready() bool { return h.lastSPS != nil }

func (h *h264) ticks() int64 { return h.step }

func (h *h264) keep(b []byte) bool { t := b[0] & 0x1F; return t != h264AUD && t != h264Filler }

// random: an IDR picture, or a recovery point (D.1.8) that begins with an I slice;
// of two fields the second may be P. Intra refresh, which has recovery points in P
// pictures, and I pictures that are not marked are the weak kind.
func (h *h264) random(units [][]byte) (strict, weak bool) {
	recovery, intra, first, slices := false, true, false, 0
	for _, u := range units {
		switch u[0] & 0x1F {
		case h264IDR:
			return true, true
		case h264SEI:
			recovery = recovery || hasRecoveryPoint(u[1:])
		case h264Slice, 2:
			i := intraSlice(u)
			first, intra = first || slices == 0 && i, intra && i
			slices++
		}
	}
	return recovery && first, recovery || intra
}

// intraSlice reads slice_type (table 7-6).
func intraSlice(b []byte) bool {
	var buf [sliceHeadSize]byte
	r := header(b, &buf)
	r.golomb()
	t := r.golomb() % 5
	return !r.over && (t == 2 || t == 4)
}

// hasRecoveryPoint walks the messages of an SEI behind its NAL unit header
// (H.264 7.3.2.3, H.265 7.3.2.4); the recovery point is type 6 in both.
func hasRecoveryPoint(b []byte) bool {
	for len(b) >= 2 && b[0] != 0x80 {
		kind, rest := seiValue(b)
		size, rest := seiValue(rest)
		if kind == 6 {
			return true
		}
		// Emulation prevention makes a message longer than its size says; the
		// recovery point stands before the long ones in practice.
		if size > len(rest) {
			return false
		}
		b = rest[size:]
	}
	return false
}

func seiValue(b []byte) (int, []byte) {
	v := 0
	for len(b) > 0 {
		c := b[0]
		b = b[1:]
		if v += int(c); c != 0xFF {
			break
		}
	}
	return v, b
}

// header is the begin of a NAL unit without its first byte and without emulation
// prevention bytes, for reading fields near the front.
func header(b []byte, buf *[sliceHeadSize]byte) bitReader {
	n, zeros := 0, 0
	for _, c := range b[1:min(len(b), sliceHeadSize)] {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		if zeros++; c != 0 {
			zeros = 0
		}
		buf[n] = c
		n++
	}
	return bitReader{b: buf[:n]}
}
