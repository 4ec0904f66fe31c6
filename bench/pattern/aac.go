package pattern

const (
	// sampleRate and frameSamples are those of the audio.
	sampleRate, frameSamples = 48000, 1024
	// minAAC is a frame without a fill element.
	minAAC = 4
	// maxFill is the most of a fill element (ISO/IEC 14496-3, 4.4.2.7).
	maxFill = 269
)

// silence is a raw_data_block of one channel, about size bytes long.
func silence(size int) []byte {
	var w bitWriter
	w.u(3, 0)  // ID_SCE
	w.u(4, 0)  // element_instance_tag
	w.u(8, 0)  // global_gain
	w.u(11, 0) // ics_info: a long window, max_sfb 0
	w.u(3, 0)  // No pulses, noise shaping, gain control.
	for rest := size - minAAC; rest > 2; {
		n := min(rest-2, maxFill)
		w.u(3, 6) // ID_FIL
		w.u(4, uint64(min(n, 15)))
		if n >= 15 {
			w.u(8, uint64(n-14))
		}
		for range n { // extension_type EXT_FILL, then bits without a meaning
			w.u(8, 0)
		}
		rest -= n + 2
	}
	w.u(3, 7) // ID_END
	w.align()
	return w.out
}

// ADTS puts the header before an AAC-LC frame (ISO/IEC 13818-7, 6.2). rateIndex and
// channels are those of the AudioSpecificConfig.
func ADTS(frame []byte, rateIndex, channels int) []byte {
	var w bitWriter
	w.u(12, 0xFFF)
	w.u(4, 1) // MPEG-4, no CRC
	w.u(2, 1) // AAC LC
	w.u(4, uint64(rateIndex))
	w.u(1, 0)
	w.u(3, uint64(channels))
	w.u(4, 0)
	w.u(13, uint64(len(frame)+7))
	w.u(11, 0x7FF) // No constant rate.
	w.u(2, 0)
	return append(w.out, frame...)
}
