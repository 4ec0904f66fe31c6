package rtsp

import (
	"bytes"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

// noRandomLimit is after how many pictures without a random access point a
// picture of I slices alone is taken for one.
const noRandomLimit = 300

// dtsExtractor finds out how far decoding is ahead of presentation, which RTP
// does not say (RFC 6184, section 5.1: timestamps are presentation times).
type dtsExtractor interface {
	Extract(units [][]byte, pts int64) (int64, error)
}

// nalKind is what a NAL unit is to an access unit.
type nalKind uint8

const (
	nalOther nalKind = iota
	nalSkip          // Delimiters and filler.
	nalSlice
	nalSet // And above: parameter sets, nalSet+0 is the first kind.
)

// video makes access units of pictures.
type video struct {
	kind         ingest.Codec
	decoder      func() (depacketize, error)
	judge        func(nal []byte) nalKind
	newExtractor func() dtsExtractor
	extractor    dtsExtractor

	// sets are the newest parameter sets of each kind, in decoding order; from
	// the SDP until they come in band.
	sets    [3][][]byte
	units   [][]byte // Of the access unit being handed out. Reused.
	running bool     // A random access point has come.
	dry     int      // Pictures since the last one.
	last    int64    // The DTS before.
	dated   bool     // last counts.
}

func newH264(f *format.H264) *video {
	v := &video{kind: ingest.CodecH264, judge: judgeH264, newExtractor: func() dtsExtractor {
		e := &h264.DTSExtractor{}
		e.Initialize()
		return e
	}}
	v.extractor = v.newExtractor()
	v.decoder = func() (depacketize, error) {
		d, err := f.CreateDecoder()
		if err != nil {
			return nil, err
		}
		return d.Decode, nil
	}
	v.declare(f.SPS, f.PPS)
	return v
}

func newH265(f *format.H265) *video {
	v := &video{kind: ingest.CodecH265, judge: judgeH265, newExtractor: func() dtsExtractor {
		e := &h265.DTSExtractor{}
		e.Initialize()
		return e
	}}
	v.extractor = v.newExtractor()
	v.decoder = func() (depacketize, error) {
		d, err := f.CreateDecoder()
		if err != nil {
			return nil, err
		}
		return d.Decode, nil
	}
	v.declare(f.VPS, f.SPS, f.PPS)
	return v
}

// declare takes the parameter sets of the SDP.
func (v *video) declare(sets ...[]byte) {
	for _, nal := range sets {
		if len(nal) > 2 && v.judge(nal) >= nalSet {
			v.keep([][]byte{nal})
		}
	}
}

// judgeH264 knows the NAL unit types of ITU-T H.264 table 7-1.
func judgeH264(nal []byte) nalKind {
	switch t := h264.NALUType(nal[0] & 0x1F); {
	case t >= h264.NALUTypeNonIDR && t <= h264.NALUTypeIDR:
		return nalSlice
	case t == h264.NALUTypeSPS:
		return nalSet
	case t == h264.NALUTypePPS:
		return nalSet + 1
	case t == h264.NALUTypeAccessUnitDelimiter, t == h264.NALUTypeFillerData:
		return nalSkip
	}
	return nalOther
}

// judgeH265 knows the NAL unit types of ITU-T H.265 table 7-1.
func judgeH265(nal []byte) nalKind {
	switch t := h265.NALUType(nal[0] >> 1 & 0x3F); {
	case t < h265.NALUType_VPS_NUT:
		return nalSlice
	case t <= h265.NALUType_PPS_NUT:
		return nalSet + nalKind(t-h265.NALUType_VPS_NUT)
	case t == h265.NALUType_AUD_NUT, t == h265.NALUType_FD_NUT:
		return nalSkip
	}
	return nalOther
}

func (v *video) codec() ingest.Codec { return v.kind }

func (v *video) depacketizer() (depacketize, error) { return v.decoder() }

func (v *video) assemble(units [][]byte, at moment, lost bool, push func(ingest.AccessUnit) error) error {
	units = v.sift(units)
	if units == nil {
		return nil
	}
	random := v.random(units)
	if !v.running && !random {
		return nil
	}
	if random {
		if units = v.complete(units); units == nil {
			return nil
		}
	}
	v.running = true
	pts := at.pts()
	return push(ingest.AccessUnit{PTS: pts, DTS: v.dts(units, pts), Units: units, Random: random, Lost: lost})
}

// sift takes out what is empty or no part of a picture. It gives nil when no
// slice is left: some cameras send parameter sets by themselves.
func (v *video) sift(units [][]byte) [][]byte {
	kept, slices := v.units[:0], false
	for _, nal := range units {
		if len(nal) < 3 { // A header and a bit of payload.
			continue
		}
		kind := v.judge(nal)
		if kind != nalSkip {
			kept = append(kept, nal)
		}
		slices = slices || kind == nalSlice
	}
	v.units = kept
	v.keep(kept)
	if !slices {
		return nil
	}
	return kept
}

// keep remembers the parameter sets among units: those of a kind replace what
// was there, together.
func (v *video) keep(units [][]byte) {
	var fresh [3][][]byte
	for _, nal := range units {
		kind := v.judge(nal)
		if kind >= nalSet && len(nal) <= maxSet && len(fresh[kind-nalSet]) < maxSets {
			fresh[kind-nalSet] = append(fresh[kind-nalSet], nal)
		}
	}
	for i, list := range fresh {
		if list != nil && !equal(list, v.sets[i]) {
			v.sets[i] = cloneAll(list)
		}
	}
}

// The most parameter sets of a kind that are kept, and the longest.
const (
	maxSets = 16
	maxSet  = 1 << 15
)

func equal(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// cloneAll copies NAL units out of the packets that they came in.
func cloneAll(list [][]byte) [][]byte {
	out := make([][]byte, len(list))
	for i, b := range list {
		out[i] = bytes.Clone(b)
	}
	return out
}

// complete puts the parameter sets that a random access point lacks in front of
// it. It gives nil while they are not known: nobody could decode it.
func (v *video) complete(units [][]byte) [][]byte {
	var missing [][]byte
	for i, list := range v.sets {
		if !v.has(units, nalSet+nalKind(i)) {
			missing = append(missing, list...)
		}
	}
	if len(missing) > 0 {
		units = append(missing, units...)
	}
	sps := nalSet
	if v.kind == ingest.CodecH265 {
		sps++
	}
	if !v.has(units, sps) || !v.has(units, sps+1) {
		return nil
	}
	return units
}

func (v *video) has(units [][]byte, kind nalKind) bool {
	for _, nal := range units {
		if v.judge(nal) == kind {
			return true
		}
	}
	return false
}

// random tells whether decoding can begin with these units.
func (v *video) random(units [][]byte) bool {
	strict, weak := mpegts.RandomAccess(v.kind, units)
	v.dry++
	if strict {
		v.dry = 0
	}
	return strict || weak && v.dry > noRandomLimit
}

// dts finds a picture's decode time. Where the extractor cannot tell, as in
// streams that never have an IDR picture, decoding follows presentation as well
// as it can.
func (v *video) dts(units [][]byte, pts int64) int64 {
	dts, err := v.extractor.Extract(units, pts)
	if err != nil {
		v.extractor = v.newExtractor() // It holds on to what confused it.
		dts = pts
	}
	if behind := v.last - dts; v.dated && behind >= 0 && behind < ingest.Clock {
		dts = v.last + 1
	}
	v.last, v.dated = dts, true
	return dts
}
