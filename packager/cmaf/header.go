package cmaf

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/Eyevinn/mp4ff/mp4"
)

// ErrFormat is wrapped by the errors about parameter sets and audio formats
// that no header can be made of.
var ErrFormat = errors.New("format without header")

// VideoTimescale is the timescale of video: that of the contribution, so that
// no time is rounded.
const VideoTimescale = 90_000

// Header is a CMAF header, with what a catalog says of the track.
type Header struct {
	// Bytes are ftyp and moov. They are shared and never written again.
	Bytes []byte
	// Codec is the RFC 6381 string.
	Codec     string
	Timescale uint32

	// Of video. FrameDuration is in the timescale, 0 when the stream does not
	// say. Interlaced says that pictures may be fields.
	Width, Height int
	FrameDuration uint32
	Interlaced    bool

	// Of audio.
	SampleRate, Channels int
}

// Framerate is in frames per second, 0 when the stream does not say.
func (h *Header) Framerate() float64 {
	if h.FrameDuration == 0 {
		return 0
	}
	return float64(h.Timescale) / float64(h.FrameDuration)
}

// build wraps the sample entry in ftyp and moov. profile is the CMAF media
// profile brand, empty when none is met for certain.
func build(kind, language, profile string, timescale uint32, entry mp4.Box, width, height uint32) ([]byte, error) {
	brands := []string{"cmf2", "iso6", "cmfc"}
	if profile != "" {
		brands = append(brands, profile)
	}
	init := mp4.NewMP4Init()
	init.AddChild(mp4.NewFtyp("cmf2", 0, brands))
	moov := mp4.NewMoovBox()
	init.AddChild(moov)
	mvhd := mp4.CreateMvhd()
	mvhd.NextTrackID = TrackID + 1
	moov.AddChild(mvhd)
	trak := mp4.CreateEmptyTrak(TrackID, timescale, kind, languageCode(language))
	trak.Tkhd.Width, trak.Tkhd.Height = mp4.Fixed32(width), mp4.Fixed32(height)
	trak.Mdia.Hdlr.Name = "Freshet"
	trak.Mdia.Minf.Stbl.Stsd.AddChild(entry)
	moov.AddChild(trak)
	mvex := mp4.NewMvexBox()
	mvex.AddChild(mp4.CreateTrex(TrackID))
	moov.AddChild(mvex)

	var buf bytes.Buffer
	if err := init.Encode(&buf); err != nil {
		return nil, fmt.Errorf("encode header: %w", err)
	}
	return buf.Bytes(), nil
}

// languageCode is the ISO 639-2 code, or "und" for what is none.
func languageCode(s string) string {
	if len(s) != 3 {
		return "und"
	}
	for _, c := range []byte(s) {
		if c < 'a' || c > 'z' {
			return "und"
		}
	}
	return s
}
