package cmaf

import (
	"fmt"
	"math"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/freshet-live/freshet/ingest"
)

// Object type indications of MPEG audio (ISO/IEC 14496-1, table 5).
const (
	objectMPEG2Audio = 0x69 // 16, 22.05 and 24 kHz.
	objectMPEG1Audio = 0x6B
)

// NewAudioHeader makes the header of an audio track. The errors wrap ErrFormat.
func NewAudioHeader(codec ingest.Codec, f *ingest.AudioFormat, language string) (*Header, error) {
	if f == nil || f.SampleRate < 1 || f.SampleRate > 384_000 || f.Channels < 1 || f.Channels > math.MaxUint8 {
		return nil, fmt.Errorf("%w: audio format %+v", ErrFormat, f)
	}
	e, err := audioEntry(codec, f)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	rate := f.SampleRate
	if rate > math.MaxUint16 {
		rate = 0 // The field has 16 bits; the codec's own box tells.
	}
	entry := mp4.CreateAudioSampleEntryBox(e.name, uint16(f.Channels), 16, uint16(rate), nil)
	entry.Children = append(entry.Children, e.config) // AddChild wants a decoded box.
	bytes, err := build("audio", language, e.profile, uint32(f.SampleRate), entry, 0, 0)
	if err != nil {
		return nil, err
	}
	return &Header{
		Bytes: bytes, Codec: e.codec, Timescale: uint32(f.SampleRate),
		SampleRate: f.SampleRate, Channels: f.Channels,
	}, nil
}

type sampleEntry struct {
	name, codec, profile string
	config               mp4.Box
}

func audioEntry(codec ingest.Codec, f *ingest.AudioFormat) (sampleEntry, error) {
	switch codec {
	case ingest.CodecAAC:
		return aacEntry(f)
	case ingest.CodecMP3:
		object := byte(objectMPEG1Audio)
		if f.SampleRate < 32_000 {
			object = objectMPEG2Audio
		}
		return sampleEntry{"mp4a", fmt.Sprintf("mp4a.%X", object), "", esds(object, nil)}, nil
	case ingest.CodecOpus:
		return rawEntry("Opus", "opus", "dOps", f.Config)
	case ingest.CodecAC3:
		return rawEntry("ac-3", "ac-3", "dac3", f.Config)
	case ingest.CodecEAC3:
		return rawEntry("ec-3", "ec-3", "dec3", f.Config)
	default:
		return sampleEntry{}, fmt.Errorf("%v is no audio", codec)
	}
}

// aacEntry names the object type, so that HE-AAC is signalled explicitly where
// the contribution says so.
func aacEntry(f *ingest.AudioFormat) (sampleEntry, error) {
	var asc mpeg4audio.AudioSpecificConfig
	if err := asc.Unmarshal(f.Config); err != nil {
		return sampleEntry{}, fmt.Errorf("AudioSpecificConfig: %w", err)
	}
	object := asc.Type
	if asc.ExtensionType != 0 {
		object = asc.ExtensionType
	}
	e := sampleEntry{name: "mp4a", codec: fmt.Sprintf("mp4a.40.%d", object)}
	if f.Channels <= 2 && f.SampleRate <= 48_000 {
		e.profile = "caac"
	}
	e.config = esds(mp4.ObjectTypeAAC, f.Config)
	return e, nil
}

// esds makes the box with ES_ID 0, as CMAF asks.
func esds(object byte, config []byte) *mp4.EsdsBox {
	box := mp4.CreateEsdsBox(config)
	box.EsID = 0
	box.DecConfigDescriptor.ObjectType = object
	if config == nil {
		box.DecConfigDescriptor.DecSpecificInfo = nil
	}
	return box
}

func rawEntry(name, codec, box string, config []byte) (sampleEntry, error) {
	if len(config) == 0 || len(config) > math.MaxUint8 {
		return sampleEntry{}, fmt.Errorf("%s box of %d bytes", box, len(config))
	}
	return sampleEntry{name, codec, "", mp4.CreateUnknownBox(box, uint64(8+len(config)), config)}, nil
}
