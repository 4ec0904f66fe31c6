package cmaf

import (
	"fmt"
	"math"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/freshet-live/freshet/ingest"
)

// ParameterSets are the NAL units that go into the header of a video track.
type ParameterSets struct {
	VPS, SPS, PPS [][]byte // VPS of H.265 alone.
}

// picture is what the first SPS says, the same for both codecs.
type picture struct {
	codec         string
	profile       string // CMAF media profile brand, or empty.
	width, height int
	sarWidth      uint32
	sarHeight     uint32
	frameDuration uint32
	interlaced    bool
	colour        *mp4.ColrBox
}

// maxDimension bounds pictures: level 6.2 of H.264 and H.265 allows 16888.
const maxDimension = 16888

// NewVideoHeader makes the header of an H.264 or H.265 track. The errors wrap
// ErrFormat. The parameter sets are copied.
func NewVideoHeader(codec ingest.Codec, sets ParameterSets, language string) (*Header, error) {
	if err := sets.check(codec); err != nil {
		return nil, err
	}
	name, parse, config := "avc1", parseAVC, avcConfig
	if codec == ingest.CodecH265 {
		name, parse, config = "hvc1", parseHEVC, hevcConfig
	}
	p, err := parse(sets.SPS[0])
	if err != nil {
		return nil, fmt.Errorf("%w: SPS: %w", ErrFormat, err)
	}
	if p.width < 1 || p.width > maxDimension || p.height < 1 || p.height > maxDimension {
		return nil, fmt.Errorf("%w: picture of %dx%d", ErrFormat, p.width, p.height)
	}
	box, err := config(sets)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	entry := mp4.CreateVisualSampleEntryBox(name, uint16(p.width), uint16(p.height), box)
	entry.CompressorName = ""
	if p.colour != nil {
		entry.AddChild(p.colour)
	}
	if p.sarWidth != p.sarHeight {
		entry.AddChild(&mp4.PaspBox{HSpacing: p.sarWidth, VSpacing: p.sarHeight})
	}
	width, height := p.display()
	bytes, err := build("video", language, p.profile, VideoTimescale, entry, width, height)
	if err != nil {
		return nil, err
	}
	return &Header{
		Bytes: bytes, Codec: p.codec, Timescale: VideoTimescale,
		Width: p.width, Height: p.height, FrameDuration: p.frameDuration, Interlaced: p.interlaced,
	}, nil
}

// check bounds the sets to what avcC and hvcC can hold.
func (s *ParameterSets) check(codec ingest.Codec) error {
	if !codec.IsVideo() {
		return fmt.Errorf("%w: %v is no video", ErrFormat, codec)
	}
	if len(s.SPS) == 0 || len(s.PPS) == 0 || codec == ingest.CodecH265 && len(s.VPS) == 0 {
		return fmt.Errorf("%w: parameter sets missing", ErrFormat)
	}
	if len(s.SPS) > 31 || len(s.PPS) > 255 || len(s.VPS) > 16 {
		return fmt.Errorf("%w: too many parameter sets", ErrFormat)
	}
	for _, sets := range [...][][]byte{s.VPS, s.SPS, s.PPS} {
		for _, nal := range sets {
			if len(nal) > math.MaxUint16 {
				return fmt.Errorf("%w: parameter set of %d bytes", ErrFormat, len(nal))
			}
		}
	}
	return nil
}

// display is the size of the picture with square samples, in 16.16 fixed point,
// as tkhd has it.
func (p *picture) display() (width, height uint32) {
	w := uint64(p.width) << 16
	if p.sarWidth > 0 && p.sarHeight > 0 {
		w = w * uint64(p.sarWidth) / uint64(p.sarHeight)
	}
	return uint32(min(w, math.MaxUint32)), uint32(p.height) << 16
}

// aspectRatios are the sample aspect ratios by aspect_ratio_idc (ITU-T H.273,
// table 7; the same in H.264 and H.265, annex E).
var aspectRatios = [...][2]uint32{
	{1, 1},
	{1, 1},
	{12, 11},
	{10, 11},
	{16, 11},
	{40, 33},
	{24, 11},
	{20, 11},
	{32, 11},
	{80, 33},
	{18, 11},
	{15, 11},
	{64, 33},
	{160, 99},
	{4, 3},
	{3, 2},
	{2, 1},
}

const extendedSAR = 255

func (p *picture) setAspect(idc uint8, width, height uint16) {
	p.sarWidth, p.sarHeight = 1, 1
	switch {
	case int(idc) < len(aspectRatios):
		p.sarWidth, p.sarHeight = aspectRatios[idc][0], aspectRatios[idc][1]
	case idc == extendedSAR && width > 0 && height > 0:
		p.sarWidth, p.sarHeight = uint32(width), uint32(height)
	}
}

func (p *picture) setColour(primaries, transfer, matrix uint8, full bool) {
	p.colour = &mp4.ColrBox{
		ColorType:               mp4.ColorTypeOnScreenColors,
		ColorPrimaries:          uint16(primaries),
		TransferCharacteristics: uint16(transfer),
		MatrixCoefficients:      uint16(matrix),
		FullRangeFlag:           full,
	}
}

// setTiming takes the ticks of one frame over ticks per second, if they make a
// frame rate between 1 and 300.
func (p *picture) setTiming(ticks, perSecond uint64) {
	if perSecond == 0 {
		return
	}
	d := (ticks*VideoTimescale + perSecond/2) / perSecond
	if d >= VideoTimescale/300 && d <= VideoTimescale {
		p.frameDuration = uint32(d)
	}
}
