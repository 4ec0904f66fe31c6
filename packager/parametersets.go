package packager

import (
	"bytes"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/packager/cmaf"
)

// parameterSets collects those of a stream by their kind and ID, the newest of
// each.
type parameterSets struct {
	codec ingest.Codec
	vps   []parameterSet
	sps   []parameterSet
	pps   []parameterSet
	// changed since taken was last called.
	changed bool
}

type parameterSet struct {
	id  uint32
	nal []byte
}

// Bounds of what is kept: hvcC and avcC hold no longer ones, and real streams
// have far less.
const (
	maxParameterSet  = 1 << 15
	maxParameterSets = 64
)

// put takes a parameter set and tells whether it is a new one. The bytes are
// copied, for they outlive the access unit.
func (p *parameterSets) put(kind nalKind, nal []byte) bool {
	list := p.list(kind)
	if len(nal) > maxParameterSet {
		return false
	}
	for i := range *list {
		if bytes.Equal((*list)[i].nal, nal) {
			return false
		}
	}
	id := p.id(kind, nal)
	for i := range *list {
		if (*list)[i].id != id {
			continue
		}
		(*list)[i].nal = bytes.Clone(nal)
		if kind == nalSPS {
			p.pps = nil // They were made for the old one, and follow.
		}
		p.changed = true
		return true
	}
	if len(*list) == maxParameterSets {
		return false
	}
	*list = append(*list, parameterSet{id, bytes.Clone(nal)})
	p.changed = true
	return true
}

func (p *parameterSets) list(kind nalKind) *[]parameterSet {
	switch kind {
	case nalVPS:
		return &p.vps
	case nalSPS:
		return &p.sps
	default:
		return &p.pps
	}
}

// id is the ID in a parameter set. One that cannot be read counts as 0: no
// header will come of it.
func (p *parameterSets) id(kind nalKind, nal []byte) uint32 {
	hevc := p.codec == ingest.CodecH265
	switch {
	case kind == nalVPS:
		return uint32(nal[2] >> 4)
	case kind == nalSPS && hevc:
		var sps h265.SPS
		if sps.Unmarshal(nal) != nil {
			return 0
		}
		return uint32(sps.ID)
	case kind == nalSPS:
		return golomb(nal[min(4, len(nal)):]) // After profile, constraints and level.
	case hevc:
		return golomb(nal[2:])
	default:
		return golomb(nal[1:])
	}
}

// golomb reads an Exp-Golomb code below 2^16 from the start of b (ITU-T H.264,
// 9.1). IDs are at most 255, so that no emulation prevention comes in between.
func golomb(b []byte) uint32 {
	var bits uint64
	for i := range 5 {
		bits <<= 8
		if i < len(b) {
			bits |= uint64(b[i])
		}
	}
	zeros := 0
	for zeros < 16 && bits>>(39-zeros)&1 == 0 {
		zeros++
	}
	return uint32(bits>>(39-2*zeros))&(1<<(zeros+1)-1) - 1
}

// complete tells whether a header can be made.
func (p *parameterSets) complete() bool {
	return len(p.sps) > 0 && len(p.pps) > 0 && (p.codec != ingest.CodecH265 || len(p.vps) > 0)
}

// header gives the sets for a header, in the order of their IDs.
func (p *parameterSets) header() cmaf.ParameterSets {
	return cmaf.ParameterSets{VPS: units(p.vps), SPS: units(p.sps), PPS: units(p.pps)}
}

func units(list []parameterSet) [][]byte {
	slices.SortStableFunc(list, func(a, b parameterSet) int { return int(a.id) - int(b.id) })
	out := make([][]byte, len(list))
	for i := range list {
		out[i] = list[i].nal
	}
	return out
}
