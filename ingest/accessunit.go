package ingest

import "time"

// Clock is the rate of PTS and DTS in ticks per second (ISO/IEC 13818-1).
const Clock = 90_000

// Codec is what an elementary stream is coded in.
type Codec uint8

// The codecs that Freshet carries.
const (
	CodecUnknown Codec = iota
	CodecH264
	CodecH265
	CodecAAC
	CodecOpus
	CodecAC3
	CodecEAC3
	CodecMP3
)

var codecNames = [...]string{"unknown", "H.264", "H.265", "AAC", "Opus", "AC-3", "E-AC-3", "MP3"}

func (c Codec) String() string {
	if int(c) < len(codecNames) {
		return codecNames[c]
	}
	return codecNames[CodecUnknown]
}

// IsVideo tells video from audio.
func (c Codec) IsVideo() bool { return c == CodecH264 || c == CodecH265 }

// Stream is one elementary stream of a Program.
type Stream struct {
	// ID tells the streams of a Program apart: the PID in a transport stream.
	ID    int
	Codec Codec
	// Language is the ISO 639-2 code; empty when not declared.
	Language string
}

// Unsupported is an elementary stream that is left out, with its name for the
// log: "MPEG-2 video", "DVB subtitles".
type Unsupported struct {
	ID   int
	Name string
}

// Program is the set of streams that share a clock. It is replaced whole when
// the encoder changes it.
type Program struct {
	Streams     []Stream
	Unsupported []Unsupported
}

// AudioFormat is what a header needs to know of an audio stream. Formats are
// shared between access units and never written again: a changed format is a new
// pointer to other values.
type AudioFormat struct {
	// SampleRate is in Hz, Channels counts them.
	SampleRate int
	Channels   int
	// Config is codec specific: the AudioSpecificConfig of AAC (ISO/IEC
	// 14496-3), the dac3 or dec3 box payload of AC-3 and E-AC-3 (ETSI TS 102
	// 366), the dOps box payload of Opus, nil for MP3.
	Config []byte
}

// AccessUnit is one coded picture or one audio frame, complete.
type AccessUnit struct {
	// Stream is the ID of its Stream.
	Stream int
	// PTS and DTS are in ticks of Clock, unwrapped to 64 bits: they pass 2^33
	// without a step. Jumps that the encoder makes are still in them.
	PTS, DTS int64
	// Units are the NAL units of a picture in order, without start codes and
	// without access unit delimiters and filler; for audio exactly one bare
	// frame (no ADTS or LATM header). They are lent: Push copies what it keeps,
	// for the next access unit is put together in the same memory.
	Units [][]byte
	// Random is set where decoding can start: IDR, CRA or a recovery point, and
	// every audio frame.
	Random bool
	// Lost says that something of this stream before this unit is missing.
	Lost bool
	// Samples is the number of audio samples per channel; zero for video.
	Samples int
	// Format describes audio; nil for video.
	Format *AudioFormat
	// Complete is when the last byte was known to be here.
	Complete time.Time
}

// Sink takes what an encoder sends. A Sink is used by one goroutine at a time.
type Sink interface {
	// SetProgram announces the streams, before the first access unit and
	// whenever they change.
	SetProgram(Program) error
	// Push hands an access unit over. An error ends the session; what a sink
	// can survive it counts and logs itself.
	Push(AccessUnit) error
}
