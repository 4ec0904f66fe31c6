package packager

import "github.com/freshet-live/freshet/ingest"

// nalKind is what the packager needs to know of a NAL unit.
type nalKind uint8

const (
	nalOther   nalKind = iota
	nalSlice           // A coded slice of no special kind.
	nalSync            // A slice of a picture that decoding can start at: IDR, CRA, BLA.
	nalSkipped         // A slice of a RASL picture: no use without what came before its CRA.
	nalVPS
	nalSPS
	nalPPS
	nalIgnored // Access unit delimiters and filler.
)

// kindOf classifies a NAL unit. It takes any bytes.
func kindOf(codec ingest.Codec, nal []byte) nalKind {
	if codec == ingest.CodecH265 {
		return kindHEVC(nal)
	}
	return kindAVC(nal)
}

// kindAVC reads nal_unit_type (ITU-T H.264, table 7-1).
func kindAVC(nal []byte) nalKind {
	if len(nal) < 2 {
		return nalIgnored
	}
	switch nal[0] & 31 {
	case 1, 2:
		return nalSlice
	case 5:
		return nalSync
	case 7:
		return nalSPS
	case 8:
		return nalPPS
	case 9, 12:
		return nalIgnored
	}
	return nalOther
}

// kindHEVC reads nal_unit_type (ITU-T H.265, table 7-1).
func kindHEVC(nal []byte) nalKind {
	if len(nal) < 3 {
		return nalIgnored
	}
	switch t := nal[0] >> 1 & 63; {
	case t == 8 || t == 9:
		return nalSkipped
	case t < 10:
		return nalSlice
	case t >= 16 && t <= 21:
		return nalSync
	case t == 32:
		return nalVPS
	case t == 33:
		return nalSPS
	case t == 34:
		return nalPPS
	case t == 35 || t == 38:
		return nalIgnored
	}
	return nalOther
}
