package cmaf

import (
	"fmt"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// parseAVC reads an SPS of H.264 (ITU-T H.264, 7.3.2.1.1).
func parseAVC(nal []byte) (picture, error) {
	var sps h264.SPS
	if err := sps.Unmarshal(nal); err != nil {
		return picture{}, err
	}
	p := picture{
		// The bytes after the NAL unit header are profile, constraints, level.
		codec:      fmt.Sprintf("avc1.%02X%02X%02X", nal[1], nal[2], nal[3]),
		width:      sps.Width(),
		height:     sps.Height(),
		interlaced: !sps.FrameMbsOnlyFlag,
	}
	p.setAspect(0, 0, 0)
	if v := sps.VUI; v != nil {
		if v.AspectRatioInfoPresentFlag {
			p.setAspect(v.AspectRatioIdc, v.SarWidth, v.SarHeight)
		}
		if v.ColourDescriptionPresentFlag {
			p.setColour(v.ColourPrimaries, v.TransferCharacteristics, v.MatrixCoefficients, v.VideoFullRangeFlag)
		}
		if t := v.TimingInfo; t != nil {
			// A tick is a field (E.2.1).
			p.setTiming(2*uint64(t.NumUnitsInTick), uint64(t.TimeScale))
		}
	}
	p.profile = avcProfile(&sps, &p)
	return p, nil
}

func avcConfig(sets ParameterSets) (mp4.Box, error) {
	var sps h264.SPS
	nal := sets.SPS[0]
	if err := sps.Unmarshal(nal); err != nil {
		return nil, err
	}
	return &mp4.AvcCBox{DecConfRec: avc.DecConfRec{
		AVCProfileIndication: nal[1],
		ProfileCompatibility: nal[2],
		AVCLevelIndication:   nal[3],
		SPSnalus:             sets.SPS,
		PPSnalus:             sets.PPS,
		ChromaFormat:         byte(sps.ChromaFormatIdc & 3),
		BitDepthLumaMinus1:   byte(sps.BitDepthLumaMinus8 & 7), // The box holds bit depth minus 8.
		BitDepthChromaMinus1: byte(sps.BitDepthChromaMinus8 & 7),
	}}, nil
}

// avcProfile is the CMAF media profile brand of an H.264 track (ISO/IEC
// 23000-19, annex A), empty when one of its rules is not seen to hold: a wrong
// brand is an error, none is not.
func avcProfile(sps *h264.SPS, p *picture) string {
	switch sps.ProfileIdc {
	case 66, 77, 100: // Baseline only in its constrained form.
		if sps.ProfileIdc == 66 && !sps.ConstraintSet1Flag {
			return ""
		}
	default:
		return ""
	}
	if p.interlaced || sps.ChromaFormatIdc != 1 || p.colour == nil || p.frameDuration < VideoTimescale/60 {
		return ""
	}
	standard := p.colour.ColorPrimaries == 5 || p.colour.ColorPrimaries == 6
	switch {
	case (p.isBT709() || standard) && sps.LevelIdc <= 31 && p.fits(864, 576):
		return "cfsd"
	case p.isBT709() && sps.LevelIdc <= 40 && p.fits(1920, 1080):
		return "cfhd"
	case p.isBT709() && sps.LevelIdc <= 42 && p.fits(1920, 1080):
		return "chdf"
	}
	return ""
}

func (p *picture) fits(width, height int) bool { return p.width <= width && p.height <= height }

// isBT709 tells whether the colour is that of HDTV (ITU-T H.273), and so
// standard dynamic range.
func (p *picture) isBT709() bool {
	c := p.colour
	return c != nil && c.ColorPrimaries == 1 && c.TransferCharacteristics == 1 && c.MatrixCoefficients == 1
}
