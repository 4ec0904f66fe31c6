package mpegts

// mpegAudio finds frames of MPEG audio (ISO/IEC 11172-3, 2.4.1.3; 13818-3). Only
// layer III is carried; the first frame tells the layer.
type mpegAudio struct {
	found func(layer int)
	known bool
}

var (
	mp3Kilobits = [2][16]int{
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0}, // MPEG-1
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},     // MPEG-2
	}
	mp2Kilobits = [2][16]int{
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0},
	}
	mp1Kilobits = [2][16]int{
		{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0},
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0},
	}
	mp3Rates = [4]int{44100, 48000, 32000, 0}
)

type mpegAudioHeader struct {
	layer, size, samples, rate, channels int
}

func (p *mpegAudio) parse(b []byte, sure, final bool) (f frame, n int) {
	if len(b) < 4 {
		return f, 0
	}
	h, ok := parseMPEGAudio(b)
	if !ok || p.known && h.layer != 3 {
		return f, nextSync(b, 0xFF)
	}
	if len(b) < h.size {
		return f, 0
	}
	if !p.known || !sure && !final {
		if len(b) < h.size+4 {
			return f, 0
		}
		if next, ok := parseMPEGAudio(b[h.size:]); !ok || next.layer != h.layer {
			return f, nextSync(b, 0xFF)
		}
	}
	if !p.known {
		p.known = true
		p.found(h.layer)
	}
	return frame{
		data: b[:h.size], samples: h.samples,
		format: audioFormat{rate: h.rate, channels: h.channels},
	}, h.size
}

func parseMPEGAudio(b []byte) (h mpegAudioHeader, ok bool) {
	version, layer := b[1]>>3&3, 4-int(b[1]>>1&3) // 3 is MPEG-1, 2 MPEG-2, 0 MPEG-2.5
	if b[0] != 0xFF || b[1]&0xE0 != 0xE0 || version == 1 || layer == 4 {
		return h, false
	}
	low := 0
	if version != 3 {
		low = 1
	}
	rate := mp3Rates[b[2]>>2&3]
	switch version {
	case 2:
		rate /= 2
	case 0:
		rate /= 4
	}
	tables := [...]*[2][16]int{1: &mp1Kilobits, 2: &mp2Kilobits, 3: &mp3Kilobits}
	bits, padding := 1000*tables[layer][low][b[2]>>4], int(b[2]>>1&1)
	if rate == 0 || bits == 0 {
		return h, false // Reserved, or free format.
	}
	h = mpegAudioHeader{layer: layer, samples: 1152, rate: rate, channels: 2}
	if b[3]>>6 == 3 {
		h.channels = 1
	}
	switch {
	case layer == 1:
		h.samples = 384
		h.size = (12*bits/rate + padding) * 4
	case layer == 3 && low == 1:
		h.samples = 576
		h.size = 72*bits/rate + padding
	default:
		h.size = 144*bits/rate + padding
	}
	return h, true
}
