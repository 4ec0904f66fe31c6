package mpegts

import (
	"bytes"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
)

// aacRates is samplingFrequencyIndex (ISO/IEC 14496-3, table 1.18).
var aacRates = [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

const aacFrameSamples = 1024

// adts finds AAC frames in ADTS (ISO/IEC 14496-3, 1.A.3.2).
type adts struct {
	head   [3]byte // The fixed header that format was made of.
	format audioFormat
}

func (p *adts) parse(b []byte, sure, final bool) (f frame, n int) {
	if len(b) < 7 {
		return f, 0
	}
	if !adtsHeader(b) {
		return f, nextSync(b, 0xFF)
	}
	head, size := 7, int(b[3]&3)<<11|int(b[4])<<3|int(b[5])>>5
	if b[1]&1 == 0 { // protection_absent
		head = 9
	}
	if size <= head {
		return f, nextSync(b, 0xFF)
	}
	if len(b) < size {
		return f, 0
	}
	if !sure && !final {
		if len(b) < size+7 {
			return f, 0
		}
		if !adtsHeader(b[size:]) {
			return f, nextSync(b, 0xFF)
		}
	}
	data := b[head:size]
	if b[6]&3 != 0 || !p.describe(b, data) {
		return f, size // Several blocks in a frame, or no layout: not carried.
	}
	return frame{data: data, samples: aacFrameSamples, format: p.format}, size
}

func adtsHeader(b []byte) bool {
	return b[0] == 0xFF && b[1]&0xF6 == 0xF0 && int(b[2]>>2&0xF) < len(aacRates)
}

// nextSync says how far the next byte that could begin a frame is.
func nextSync(b []byte, first byte) int {
	if i := bytes.IndexByte(b[1:], first); i >= 0 {
		return 1 + i
	}
	return len(b)
}

// describe makes the AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) when the
// fixed header is another than before.
func (p *adts) describe(b, data []byte) bool {
	head := [3]byte{b[1], b[2], b[3] & 0xC0}
	channels := int(b[2]&1)<<2 | int(b[3])>>6
	hasPCE := channels == 0 && data[0]>>5 == 5
	if head == p.head && p.format.config != nil && !hasPCE {
		return true
	}
	object, index := uint32(b[2]>>6)+1, uint32(b[2]>>2&0xF)
	var w bitWriter
	w.bits(object, 5)
	w.bits(index, 4)
	count := channels
	switch {
	case hasPCE:
		w.bits(0, 4+3)
		if count = copyPCE(&bitReader{b: data, pos: 3}, &w); count == 0 {
			return false
		}
	case channels == 0:
		// Without a layout the elements of the frame are counted.
		n, err := mpeg4audio.CountChannelsFromRawDataBlock(data)
		if err != nil || n < 1 || n > 8 || n == 7 {
			return false
		}
		count = n
		w.bits(uint32(min(n, 7)), 4)
		w.bits(0, 3)
	default:
		if channels == 7 {
			count = 8
		}
		w.bits(uint32(channels), 4)
		w.bits(0, 3)
	}
	p.head, p.format = head, audioFormat{aacRates[index], count, w.b}
	return true
}

// copyPCE copies a program_config_element (ISO/IEC 14496-3, table 4.2) without
// its comment and counts the channels; zero when it is cut off.
func copyPCE(r *bitReader, w *bitWriter) int {
	move := func(n int) int {
		v := r.bits(n)
		w.bits(v, n)
		return int(v)
	}
	move(4 + 2 + 4) // element_instance_tag, object_type, sampling_frequency_index
	speakers := move(4)
	speakers += move(4)
	speakers += move(4)
	lfe, assoc, coupling := move(2), move(3), move(4)
	for _, n := range [...]int{4, 4, 3} { // mono, stereo, matrix mixdown
		if move(1) == 1 {
			move(n)
		}
	}
	channels := lfe
	for range speakers {
		channels += 1 + move(1)
		move(4)
	}
	for range lfe + assoc {
		move(4)
	}
	for range coupling {
		move(5)
	}
	w.align()
	w.bits(0, 8) // comment_field_bytes
	if r.over {
		return 0
	}
	return channels
}
