package mpegts

import (
	"encoding/binary"

	mcopus "github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"
)

// maxOpusPacket is 120 ms of 2.5 ms frames of eight channels, with room.
const maxOpusPacket = 60 << 10

const opusRate = 48000

// opus finds Opus packets behind their control headers (ETSI TS 103 491, and
// "Transport of Opus in MPEG-TS").
type opus struct {
	channels uint8 // channel_config_code
	format   audioFormat
}

// opusControl is a control header.
type opusControl struct {
	head, size int
	endTrim    int // Samples at the packet's end that are not to be heard.
}

func (p *opus) parse(b []byte, _, _ bool) (f frame, n int) {
	if p.format.config == nil {
		p.format = opusFormat(p.channels)
	}
	if len(b) < 3 {
		return f, 0
	}
	if b[0] != 0x7F || b[1]&0xE0 != 0xE0 {
		return f, nextSync(b, 0x7F)
	}
	c, ok := parseOpusControl(b)
	if !ok {
		return f, 0
	}
	if c.size == 0 || c.size > maxOpusPacket {
		return f, nextSync(b, 0x7F)
	}
	n = c.head + c.size
	if len(b) < n {
		return f, 0
	}
	data := b[c.head:n]
	samples := int(mcopus.PacketDuration2(data))
	if samples <= 0 || samples > opusRate*120/1000 {
		return f, n
	}
	if c.endTrim < samples {
		samples -= c.endTrim
	}
	return frame{data: data, samples: samples, format: p.format}, n
}

// parseOpusControl is not ok when b is too short.
func parseOpusControl(b []byte) (c opusControl, ok bool) {
	flags, i := b[1], 2
	for {
		if i >= len(b) || c.size > maxOpusPacket {
			return c, i < len(b)
		}
		c.size += int(b[i])
		i++
		if b[i-1] != 0xFF {
			break
		}
	}
	if flags&0x10 != 0 { // start_trim: decoders are primed by more than that when joining.
		i += 2
	}
	if flags&0x08 != 0 {
		if i+2 > len(b) {
			return c, false
		}
		c.endTrim = int(binary.BigEndian.Uint16(b[i:]) & 0x1FFF)
		i += 2
	}
	if flags&0x04 != 0 { // control extension
		if i >= len(b) {
			return c, false
		}
		i += 1 + int(b[i])
	}
	c.head = i
	return c, i <= len(b)
}

// opusLayouts are the Vorbis channel orders (RFC 7845, 5.1.1.2) that a
// channel_config_code of 1 to 8 stands for.
var opusLayouts = [9]struct {
	streams, coupled byte
	mapping          []byte
}{
	1: {1, 0, []byte{0}}, 2: {1, 1, []byte{0, 1}}, 3: {2, 1, []byte{0, 2, 1}},
	4: {2, 2, []byte{0, 1, 2, 3}}, 5: {3, 2, []byte{0, 4, 1, 2, 3}}, 6: {4, 2, []byte{0, 4, 1, 2, 3, 5}},
	7: {5, 2, []byte{0, 4, 1, 2, 3, 5, 6}}, 8: {5, 3, []byte{0, 6, 1, 2, 3, 4, 5, 7}},
}

// opusFormat makes the OpusSpecificBox ("Encapsulation of Opus in ISO Base Media
// File Format", 4.3.2). PreSkip is zero: a live stream is joined after it.
func opusFormat(code uint8) audioFormat {
	channels := int(code)
	if code == 0 || code > 8 {
		channels = 2
	}
	head := []byte{0, byte(channels), 0, 0}
	head = binary.BigEndian.AppendUint32(head, opusRate)
	head = append(head, 0, 0) // OutputGain
	switch {
	case code == 0: // Dual mono
		head = append(head, 255, 2, 0, 0, 1)
	case channels <= 2:
		head = append(head, 0)
	default:
		l := opusLayouts[channels]
		head = append(append(head, 1, l.streams, l.coupled), l.mapping...)
	}
	return audioFormat{opusRate, channels, head}
}
