package mpegts

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
)

// latm finds AAC frames in LOAS (ISO/IEC 14496-3, 1.7.2, AudioSyncStream).
type latm struct {
	mux    *mpeg4audio.StreamMuxConfig
	format audioFormat
	size   int // Samples in a frame.
}

func (p *latm) parse(b []byte, sure, final bool) (f frame, n int) {
	if len(b) < 3 {
		return f, 0
	}
	if !loasHeader(b) {
		return f, nextSync(b, 0x56)
	}
	n = 3 + (int(b[1]&0x1F)<<8 | int(b[2]))
	if len(b) < n {
		return f, 0
	}
	if !sure && !final {
		if len(b) < n+2 {
			return f, 0
		}
		if !loasHeader(b[n:]) {
			return f, nextSync(b, 0x56)
		}
	}
	payloads := p.element(b[3:n])
	if len(payloads) == 0 {
		return f, n
	}
	return frame{data: payloads[0], more: payloads[1:], samples: p.size, format: p.format}, n
}

func loasHeader(b []byte) bool { return b[0] == 0x56 && b[1]&0xE0 == 0xE0 }

// element reads an AudioMuxElement. What stands behind the payloads is of no
// interest, nor the error it makes.
func (p *latm) element(b []byte) [][]byte {
	e := mpeg4audio.AudioMuxElement{MuxConfigPresent: true, StreamMuxConfig: p.mux}
	err := e.Unmarshal(b)
	if e.StreamMuxConfig != p.mux && !p.describe(e.StreamMuxConfig) {
		return nil
	}
	var list [][]byte
	for _, sub := range e.Payloads {
		if len(sub) == 0 || len(sub[0]) == 0 || len(sub[0][0]) == 0 {
			if err != nil {
				return nil
			}
			continue
		}
		list = append(list, sub[0][0])
	}
	return list
}

// describe takes a new StreamMuxConfig. Of several programs and layers the first
// is taken.
func (p *latm) describe(mux *mpeg4audio.StreamMuxConfig) bool {
	if !complete(mux) {
		return false
	}
	asc := mux.Programs[0].Layers[0].AudioSpecificConfig
	if asc == nil || asc.SampleRate <= 0 {
		return false
	}
	config, err := asc.Marshal()
	if err != nil {
		return false
	}
	channels := int(asc.ChannelConfig)
	switch {
	case channels == 7:
		channels = 8
	case channels == 0 || channels > 7:
		return false
	}
	p.mux, p.size = mux, aacFrameSamples
	if asc.FrameLengthFlag {
		p.size = 960
	}
	p.format = audioFormat{asc.SampleRate, channels, config}
	return true
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
