package mpegts

// NAL unit types of ITU-T H.265 table 7-1.
const (
	h265BLA       = 16
	h265LastIRAP  = 23
	h265LastVCL   = 31
	h265SPS       = 33
	h265AUD       = 35
	h265Filler    = 38
	h265PrefixSEI = 39
)

// h265 reads what separates access units of H.265. Slice headers are not read
// far enough to need parameter sets.
type h265 struct{ seen bool }

func h265Type(b []byte) byte { return b[0] >> 1 & 0x3F }

func (*h265) role(b []byte, whole bool) (nalRole, field, bool) {
	if len(b) < 3 {
		return roleOther, field{}, whole
	}
	if b[0]&1 != 0 || b[1]&0xF8 != 0 {
		return roleOther, field{}, true // Another layer than the base.
	}
	switch t := h265Type(b); {
	case t <= h265LastVCL && b[2]&0x80 != 0: // first_slice_segment_in_pic_flag
		return roleFirst, field{}, true
	case t <= h265LastVCL:
		return roleSlice, field{}, true
	case t <= h265AUD, t == h265PrefixSEI, t >= 41 && t <= 44, t >= 48 && t <= 55:
		return roleBorder, field{}, true
	default:
		return roleOther, field{}, true
	}
}

func (h *h265) complete(b []byte) { h.seen = h.seen || h265Type(b) == h265SPS }

func (h *h265) ready() bool { return h.seen }

func (*h265) ticks() int64 { return 0 }

func (*h265) keep(b []byte) bool { t := h265Type(b); return t != h265AUD && t != h265Filler }

// random: IDR, CRA and BLA (intra random access points, 3.68); a recovery point
// SEI is the weak kind.
func (*h265) random(units [][]byte) (strict, weak bool) {
	for _, u := range units {
		switch t := h265Type(u); {
		case t >= h265BLA && t <= h265LastIRAP:
			return true, true
		case t == h265PrefixSEI && len(u) > 2:
			weak = weak || hasRecoveryPoint(u[2:])
		}
	}
	return false, weak
}
