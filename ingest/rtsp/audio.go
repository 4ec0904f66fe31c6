package rtsp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"
	"github.com/pion/rtp"

	"github.com/freshet-live/freshet/ingest"
)

const (
	// maxAudioFrame is longer than any frame of AAC or Opus.
	maxAudioFrame = 64 << 10
	opusRate      = 48_000
	// maxOpusSamples is 120 ms, the longest packet (RFC 6716, section 3.2.1).
	maxOpusSamples = opusRate * 120 / 1000
)

// audio makes access units of frames that come whole.
type audio struct {
	kind    ingest.Codec
	decoder func() (depacketize, error)
	format  *ingest.AudioFormat
	// samples is how long a frame is; zero drops it.
	samples func(frame []byte) int
	unit    [1][]byte // Of the access unit being handed out.
	dropped bool      // A frame before the next one was.
}

func newAAC(f *format.MPEG4Audio) (*audio, error) {
	described, samples, err := describeAAC(f.Config)
	if err != nil {
		return nil, err
	}
	return &audio{
		kind: ingest.CodecAAC, format: described,
		samples: func([]byte) int { return samples },
		decoder: func() (depacketize, error) {
			d, err := f.CreateDecoder()
			if err != nil {
				return nil, err
			}
			return d.Decode, nil
		},
	}, nil
}

// describeAAC makes a format of an AudioSpecificConfig (ISO/IEC 14496-3,
// 1.6.2.1), and says how many samples a frame has.
func describeAAC(c *mpeg4audio.AudioSpecificConfig) (*ingest.AudioFormat, int, error) {
	if c == nil || c.SampleRate <= 0 {
		return nil, 0, fmt.Errorf("%w: no sample rate", errUnsupported)
	}
	channels := int(c.ChannelConfig)
	switch {
	case channels == 0 || channels > 7:
		return nil, 0, fmt.Errorf("%w: no channel layout", errUnsupported)
	case channels == 7:
		channels = 8
	}
	config, err := c.Marshal()
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", errUnsupported, err)
	}
	samples := 1024
	if c.FrameLengthFlag {
		samples = 960
	}
	return &ingest.AudioFormat{SampleRate: c.SampleRate, Channels: channels, Config: config}, samples, nil
}

func newOpus(f *format.Opus) (*audio, error) {
	if f.ChannelCount < 1 || f.ChannelCount > 2 {
		return nil, fmt.Errorf("%w: %d channels", errUnsupported, f.ChannelCount)
	}
	return &audio{
		kind: ingest.CodecOpus, format: describeOpus(f.ChannelCount),
		samples: func(frame []byte) int {
			n := opus.PacketDuration2(frame)
			if n > maxOpusSamples {
				return 0
			}
			return int(n)
		},
		decoder: func() (depacketize, error) {
			d, err := f.CreateDecoder()
			if err != nil {
				return nil, err
			}
			return func(p *rtp.Packet) ([][]byte, error) {
				frame, err := d.Decode(p)
				return [][]byte{frame}, err
			}, nil
		},
	}, nil
}

// describeOpus makes the OpusSpecificBox ("Encapsulation of Opus in ISO Base Media
// File Format", 4.3.2). PreSkip is zero: a live stream is joined after it.
func describeOpus(channels int) *ingest.AudioFormat {
	head := []byte{0, byte(channels), 0, 0}
	head = binary.BigEndian.AppendUint32(head, opusRate)
	head = append(head, 0, 0, 0) // OutputGain, ChannelMappingFamily
	return &ingest.AudioFormat{SampleRate: opusRate, Channels: channels, Config: head}
}

func (a *audio) codec() ingest.Codec { return a.kind }

func (a *audio) depacketizer() (depacketize, error) { return a.decoder() }

func (a *audio) assemble(frames [][]byte, at moment, lost bool, push func(ingest.AccessUnit) error) error {
	pts, since := at.pts(), int64(0)
	a.dropped = a.dropped || lost
	for _, frame := range frames {
		samples := 0
		if len(frame) > 0 && len(frame) <= maxAudioFrame {
			samples = a.samples(frame)
		}
		if samples <= 0 {
			a.dropped = true
			continue
		}
		a.unit[0] = frame
		when := pts + since*ingest.Clock/int64(a.format.SampleRate)
		since += int64(samples)
		err := push(ingest.AccessUnit{
			PTS: when, DTS: when, Units: a.unit[:], Random: true, Lost: a.dropped, Samples: samples, Format: a.format,
		})
		if err != nil {
			return err
		}
		a.dropped = false
	}
	return nil
}

// latm is AAC in LATM (RFC 6416, section 6): audio behind AudioMuxElements.
type latm struct {
	audio

	mux     *mpeg4audio.StreamMuxConfig
	present bool // In band; else mux is the SDP's.
	size    int  // Samples in a frame.
}

func newLATM(f *format.MPEG4AudioLATM) (*latm, error) {
	l := &latm{present: f.CPresent}
	l.kind = ingest.CodecAAC
	l.samples = func([]byte) int { return l.size }
	if !l.present && !l.describe(f.StreamMuxConfig) {
		return nil, errUnsupported
	}
	l.decoder = func() (depacketize, error) {
		d, err := f.CreateDecoder()
		if err != nil {
			return nil, err
		}
		return func(p *rtp.Packet) ([][]byte, error) {
			element, err := d.Decode(p)
			if err != nil {
				return nil, err
			}
			return l.element(element)
		}, nil
	}
	return l, nil
}

// describe takes a new StreamMuxConfig. Of several programs and layers the first
// is taken.
func (l *latm) describe(mux *mpeg4audio.StreamMuxConfig) bool {
	if !complete(mux) {
		return false
	}
	described, size, err := describeAAC(mux.Programs[0].Layers[0].AudioSpecificConfig)
	if err != nil {
		return false
	}
	if l.format == nil || !same(l.format, described) {
		l.format = described
	}
	l.mux, l.size = mux, size
	return true
}

func same(a, b *ingest.AudioFormat) bool {
	return a.SampleRate == b.SampleRate && a.Channels == b.Channels && string(a.Config) == string(b.Config)
}

var errNoFrame = errors.New("no frame in the AudioMuxElement")

// element gives the frames of an AudioMuxElement (ISO/IEC 14496-3, 1.7.3). What
// stands behind the payloads is of no interest, nor the error it makes.
func (l *latm) element(b []byte) ([][]byte, error) {
	e := mpeg4audio.AudioMuxElement{MuxConfigPresent: l.present, StreamMuxConfig: l.mux}
	err := e.Unmarshal(b)
	if e.StreamMuxConfig != l.mux && !l.describe(e.StreamMuxConfig) {
		return nil, errors.Join(errNoFrame, err)
	}
	var list [][]byte
	for _, sub := range e.Payloads {
		if len(sub) > 0 && len(sub[0]) > 0 && len(sub[0][0]) > 0 {
			list = append(list, sub[0][0])
		}
	}
	if list == nil {
		return nil, errors.Join(errNoFrame, err)
	}
	return list, nil
}

// complete tells whether a StreamMuxConfig was read to its end: of one that was cut
// off programs and layers are missing, and mediacommon would follow a nil.
func complete(mux *mpeg4audio.StreamMuxConfig) bool {
	if mux == nil || len(mux.Programs) == 0 {
		return false
	}
	for _, program := range mux.Programs {
		if program == nil || len(program.Layers) == 0 || slices.Contains(program.Layers, nil) {
			return false
		}
	}
	return true
}
