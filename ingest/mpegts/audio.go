package mpegts

import (
	"bytes"

	"github.com/freshet-live/freshet/ingest"
)

// maxAudioBuffer bounds what waits for the rest of a frame: the longest frame
// there is, LATM's 8 KiB or E-AC-3's substreams, with room.
const maxAudioBuffer = 64 << 10

// frame is one audio frame as a parser finds it. data and format are valid until
// the parser is called again.
type frame struct {
	data    []byte   // Without transport header; nil for bytes to skip.
	more    [][]byte // Frames that came wrapped together with it.
	samples int
	format  audioFormat
}

type audioFormat struct {
	rate, channels int
	config         []byte
}

// frameParser finds the frames of one audio coding.
type frameParser interface {
	// parse looks at b, which begins where the frame before ended. It returns
	// how many bytes it is done with, zero when it needs more. Until sure, a
	// frame is taken only when another one follows it. final says that nothing
	// follows.
	parse(b []byte, sure, final bool) (f frame, n int)
}

// audio makes access units of audio frames.
type audio struct {
	s      *stream
	parser frameParser
	buf    []byte // What is not parsed yet. Reused.
	base   int64  // Position of buf[0] in the stream.
	marks  marks
	sure   bool // The bytes at hand follow a frame.
	junk   bool // Since the last frame bytes were skipped.

	format  *ingest.AudioFormat
	unit    [1][]byte // Of the access unit being handed out.
	missing bool

	// Frames are dated from the last timestamp by counting samples.
	anchor, samples int64
	last            int64 // The last frame's PTS.
	running         bool
}

func newAudio(s *stream) *audio {
	return &audio{s: s, parser: newParser(s)}
}

func newParser(s *stream) frameParser {
	k := s.entry.kind
	switch {
	case k.mpegAudio:
		return &mpegAudio{found: s.probed}
	case k.latm:
		return &latm{}
	case k.codec == ingest.CodecAC3:
		return ac3{}
	case k.codec == ingest.CodecEAC3:
		return &eac3{}
	case k.codec == ingest.CodecOpus:
		return &opus{channels: k.opusChannels}
	default:
		return &adts{}
	}
}

// probed is told by the frames of MPEG audio what they are.
func (s *stream) probed(layer int) {
	if s.codec != ingest.CodecUnknown || s.unsupported != "" {
		return
	}
	switch layer {
	case 1:
		s.unsupported = "MP1 audio"
	case 2:
		s.unsupported = "MP2 audio"
	default:
		s.codec = ingest.CodecMP3
	}
	s.d.resolved()
}

func (a *audio) begin(ts times, _ int) {
	a.marks.add(a.base+int64(len(a.buf)), ts)
}

func (a *audio) data(p []byte) bool {
	if len(a.buf)+len(p) > maxAudioBuffer {
		a.s.d.tally.error(ErrorOversize)
		return false
	}
	a.buf = append(a.buf, p...)
	a.parse(false)
	return true
}

func (a *audio) parse(final bool) {
	done := 0
	for done < len(a.buf) && a.s.unsupported == "" {
		at := a.base + int64(done)
		f, n := a.parser.parse(a.buf[done:], a.sure || a.marks.at(at), final)
		if n == 0 {
			break
		}
		if f.data != nil {
			a.push(f, a.marks.take(at))
			for _, more := range f.more {
				f.data = more
				a.push(f, times{})
			}
		} else if !a.junk {
			a.junk, a.missing = true, a.running
			a.s.d.tally.error(ErrorFrame)
		}
		a.sure = f.data != nil
		a.junk = a.junk && !a.sure
		done += n
	}
	a.base += int64(done)
	a.buf = append(a.buf[:0], a.buf[done:]...)
}

// push hands out a frame; ts are the times of the PES if it is the first in one.
func (a *audio) push(f frame, ts times) {
	pts, ok := a.date(ts, f)
	if !ok {
		return
	}
	a.samples += int64(f.samples)
	if a.format == nil || a.format.SampleRate != f.format.rate || a.format.Channels != f.format.channels ||
		!bytes.Equal(a.format.Config, f.format.config) {
		a.format = &ingest.AudioFormat{
			SampleRate: f.format.rate, Channels: f.format.channels, Config: bytes.Clone(f.format.config),
		}
	}
	a.unit[0] = f.data
	a.s.d.push(ingest.AccessUnit{
		Stream: int(a.s.entry.pid), PTS: pts, DTS: pts, Units: a.unit[:],
		Random: true, Lost: a.missing, Samples: f.samples, Format: a.format,
	}, a.s.codec)
	a.missing = false
}

// date gives a frame's PTS: its PES's, else what the samples since then make. A
// timestamp that is not behind the frame before, by two frames at most, is a fault
// and not taken; by more it is a jump.
func (a *audio) date(ts times, f frame) (int64, bool) {
	rate := int64(f.format.rate)
	if a.format != nil && int64(a.format.SampleRate) != rate {
		a.anchor, a.samples = a.anchor+a.samples*ingest.Clock/int64(a.format.SampleRate), 0
	}
	pts := a.anchor + (a.samples*ingest.Clock+rate/2)/rate
	switch {
	case !ts.hasPTS && !a.running:
		a.s.d.tally.error(ErrorTimestamp)
		a.missing = true
		return 0, false
	case ts.hasPTS && a.running && ts.pts <= a.last && pts-ts.pts <= 2*int64(f.samples)*ingest.Clock/rate+1:
		a.s.d.tally.error(ErrorTimestamp)
	case ts.hasPTS:
		pts, a.anchor, a.samples = ts.pts, ts.pts, 0
	}
	a.last, a.running = pts, true
	return pts, true
}

func (a *audio) end() {}

func (a *audio) lost() {
	a.base += int64(len(a.buf))
	a.buf, a.marks = a.buf[:0], a.marks[:0]
	a.sure, a.junk, a.missing = false, false, true
}

func (a *audio) flush() {
	a.parse(true)
	missing := a.missing
	a.lost()
	a.missing = missing
}
