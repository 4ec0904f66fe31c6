package cmaf

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"

	"github.com/Eyevinn/mp4ff/hevc"
	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// profileTierLevel is the general part of profile_tier_level (ITU-T H.265,
// 7.3.3), as hvcC and the codec string repeat it.
type profileTierLevel struct {
	space, tier, idc byte
	compatibility    uint32
	constraints      [6]byte
	level            byte
}

// parsePTL finds it in an SPS: after the NAL unit header and one byte.
func parsePTL(nal []byte) (profileTierLevel, error) {
	rbsp := h264.EmulationPreventionRemove(nal)
	if len(rbsp) < 15 {
		return profileTierLevel{}, fmt.Errorf("SPS of %d bytes", len(nal))
	}
	b := rbsp[3:]
	p := profileTierLevel{
		space: b[0] >> 6, tier: b[0] >> 5 & 1, idc: b[0] & 31,
		compatibility: binary.BigEndian.Uint32(b[1:]),
		level:         b[11],
	}
	copy(p.constraints[:], b[5:11])
	return p, nil
}

// codec is the RFC 6381 string (ISO/IEC 14496-15, annex E.3).
func (p *profileTierLevel) codec() string {
	var s strings.Builder
	s.WriteString("hvc1.")
	if p.space > 0 {
		s.WriteByte('A' + p.space - 1)
	}
	tier := 'L'
	if p.tier == 1 {
		tier = 'H'
	}
	fmt.Fprintf(&s, "%d.%X.%c%d", p.idc, bits.Reverse32(p.compatibility), tier, p.level)
	last := len(p.constraints)
	for last > 0 && p.constraints[last-1] == 0 {
		last--
	}
	for _, c := range p.constraints[:last] {
		fmt.Fprintf(&s, ".%X", c)
	}
	return s.String()
}

// parseHEVC reads an SPS of H.265 (ITU-T H.265, 7.3.2.2).
func parseHEVC(nal []byte) (picture, error) {
	var sps h265.SPS
	if err := sps.Unmarshal(nal); err != nil {
		return picture{}, err
	}
	ptl, err := parsePTL(nal)
	if err != nil {
		return picture{}, err
	}
	p := picture{codec: ptl.codec(), width: sps.Width(), height: sps.Height()}
	p.setAspect(0, 0, 0)
	p.setColour(2, 2, 2, false) // Unspecified, but said: 23000-19, B.2.4.
	if v := sps.VUI; v != nil {
		p.interlaced = v.FieldSeqFlag
		if v.AspectRatioInfoPresentFlag {
			p.setAspect(v.AspectRatioIdc, v.SarWidth, v.SarHeight)
		}
		if v.ColourDescriptionPresentFlag {
			p.setColour(v.ColourPrimaries, v.TransferCharacteristics, v.MatrixCoefficients, v.VideoFullRangeFlag)
		}
		if t := v.TimingInfo; t != nil {
			p.setTiming(uint64(t.NumUnitsInTick), uint64(t.TimeScale))
		}
	}
	p.profile = hevcProfile(&sps, &ptl, &p)
	return p, nil
}

func hevcConfig(sets ParameterSets) (mp4.Box, error) {
	var sps h265.SPS
	if err := sps.Unmarshal(sets.SPS[0]); err != nil {
		return nil, err
	}
	ptl, err := parsePTL(sets.SPS[0])
	if err != nil {
		return nil, err
	}
	nested := byte(0)
	if sps.TemporalIDNestingFlag {
		nested = 1
	}
	var constraints uint64
	for _, c := range ptl.constraints {
		constraints = constraints<<8 | uint64(c)
	}
	return &mp4.HvcCBox{DecConfRec: hevc.DecConfRec{
		ConfigurationVersion:             1,
		GeneralProfileSpace:              ptl.space,
		GeneralTierFlag:                  ptl.tier == 1,
		GeneralProfileIDC:                ptl.idc,
		GeneralProfileCompatibilityFlags: ptl.compatibility,
		GeneralConstraintIndicatorFlags:  constraints,
		GeneralLevelIDC:                  ptl.level,
		ChromaFormatIDC:                  byte(sps.ChromaFormatIdc & 3),
		BitDepthLumaMinus8:               byte(sps.BitDepthLumaMinus8 & 7),
		BitDepthChromaMinus8:             byte(sps.BitDepthChromaMinus8 & 7),
		NumTemporalLayers:                sps.MaxSubLayersMinus1 + 1,
		TemporalIDNested:                 nested,
		LengthSizeMinusOne:               3,
		NaluArrays: []hevc.NaluArray{
			hevc.NewNaluArray(true, hevc.NALU_VPS, sets.VPS),
			hevc.NewNaluArray(true, hevc.NALU_SPS, sets.SPS),
			hevc.NewNaluArray(true, hevc.NALU_PPS, sets.PPS),
		},
	}}, nil
}

// hevcProfile is the CMAF media profile brand of an H.265 track (ISO/IEC
// 23000-19, annex B), of standard dynamic range only: those of HDR ask for more
// than an SPS shows. Levels are thirty times their number.
func hevcProfile(sps *h265.SPS, ptl *profileTierLevel, p *picture) string {
	if ptl.tier != 0 || p.interlaced || sps.ChromaFormatIdc != 1 || !p.isBT709() ||
		!sps.ProfileTierLevel.GeneralProgressiveSourceFlag || p.frameDuration < VideoTimescale/60 {
		return ""
	}
	switch {
	case ptl.idc == 1 && ptl.level <= 123 && p.fits(1920, 1080):
		return "chhd"
	case ptl.idc == 2 && ptl.level <= 123 && p.fits(1920, 1080):
		return "chh1"
	case ptl.idc == 1 && ptl.level <= 150 && p.fits(3840, 2160):
		return "cud8"
	case ptl.idc == 2 && ptl.level <= 153 && p.fits(3840, 2160):
		return "cud1"
	}
	return ""
}
