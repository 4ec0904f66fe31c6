package pattern

import (
	"encoding/binary"
	"math/rand/v2"
)

// video codes pictures.
type video struct {
	cfg           Config
	columns, rows int // Macroblocks.
	noise         *rand.PCG
	frameNum      uint64 // Since the last key picture.
	keys          uint64
}

func newVideo(cfg Config) *video {
	return &video{
		cfg: cfg, columns: (cfg.Width + 15) / 16, rows: (cfg.Height + 15) / 16,
		noise: rand.NewPCG(cfg.Seed, 0x766964656f),
	}
}

const (
	// pcmSize is a macroblock of noise: 384 samples of 4:2:0 behind its type, which
	// alignment makes two bytes.
	pcmSize = 384 + 2
	// flatBits are those of a macroblock without noise in a key picture, about.
	flatBits = 8
)

// picture codes one of about size bytes, as near as macroblocks allow, and no
// smaller than it can be.
func (v *video) picture(key bool, size int) []byte {
	all := v.columns * v.rows
	least := 16
	if key {
		least += all * flatBits / 8
	}
	noisy := min(max(0, (size-least+pcmSize/2)/pcmSize), all)
	var w bitWriter
	w.out = make([]byte, 0, least+noisy*pcmSize+64)
	start := 0
	if noisy < all {
		start = int(v.noise.Uint64() % uint64(all-noisy+1))
	}
	if key {
		v.keyHeader(&w)
		v.keyBlocks(&w, start, noisy)
	} else {
		v.header(&w)
		v.blocks(&w, start, noisy)
	}
	w.trail()
	if key {
		return nal(0x65, w.out)
	}
	return nal(0x61, w.out)
}

// keyHeader is the slice header of an IDR picture (H.264, 7.3.3).
func (v *video) keyHeader(w *bitWriter) {
	v.frameNum = 0
	v.keys++
	w.ue(0) // first_mb_in_slice
	w.ue(7) // slice_type I
	w.ue(0)
	w.u(4, 0)        // frame_num
	w.ue(v.keys % 2) // idr_pic_id
	w.u(2, 0)        // dec_ref_pic_marking
	w.ue(0)          // slice_qp_delta
	w.ue(1)          // disable_deblocking_filter_idc
}

func (v *video) header(w *bitWriter) {
	v.frameNum++
	w.ue(0)
	w.ue(5) // slice_type P
	w.ue(0)
	w.u(4, v.frameNum%16)
	w.u(3, 0) // No override, no modification of the list, no adaptive marking.
	w.ue(0)
	w.ue(1)
}

// keyBlocks are noise from start on, and else Intra_16x16 predicted from its
// neighbours, without residual.
func (v *video) keyBlocks(w *bitWriter, start, noisy int) {
	isNoise := func(at int) bool { return at >= start && at < start+noisy }
	for at := range v.columns * v.rows {
		if isNoise(at) {
			w.ue(25) // I_PCM
			v.pcm(w)
			continue
		}
		w.ue(3) // I_16x16_2_0_0: DC prediction, nothing coded.
		w.ue(0) // intra_chroma_pred_mode
		w.ue(0) // mb_qp_delta
		// coeff_token of no coefficients (table 9-5): those of neighbours count, and
		// I_PCM counts 16.
		if at%v.columns > 0 && isNoise(at-1) || at >= v.columns && isNoise(at-v.columns) {
			w.u(6, 3)
		} else {
			w.u(1, 1)
		}
	}
}

// blocks are noise from start on, and else those of the picture before.
func (v *video) blocks(w *bitWriter, start, noisy int) {
	skip := start
	for range noisy {
		w.ue(uint64(skip)) // mb_skip_run
		w.ue(5 + 25)       // I_PCM in a P slice
		v.pcm(w)
		skip = 0
	}
	if rest := v.columns*v.rows - start - noisy; rest > 0 {
		w.ue(uint64(skip + rest))
	}
}

// pcm is noise around grey, so that it never needs emulation prevention.
func (v *video) pcm(w *bitWriter) {
	w.align()
	for range 384 / 8 {
		w.out = binary.LittleEndian.AppendUint64(w.out, v.noise.Uint64()&0x7F7F7F7F7F7F7F7F+0x4040404040404040)
	}
}

// level is the lowest of four that holds (H.264, table A-1).
func (v *video) level() uint64 {
	blocks := v.columns * v.rows
	second := float64(blocks) * v.cfg.FPS
	switch {
	case blocks <= 1620 && second <= 40500 && v.cfg.Rate <= 10e6:
		return 30
	case blocks <= 8192 && second <= 245760 && v.cfg.Rate <= 20e6:
		return 40
	case blocks <= 36864 && second <= 983040 && v.cfg.Rate <= 240e6:
		return 51
	}
	return 62
}

// sets are the parameter sets.
func (v *video) sets() (sps, pps []byte) {
	var w bitWriter
	w.u(8, 66)   // profile_idc: baseline,
	w.u(8, 0xC0) // constrained.
	w.u(8, v.level())
	w.ue(0)
	w.ue(0) // log2_max_frame_num_minus4
	w.ue(2) // pic_order_cnt_type: as decoded.
	w.ue(1) // max_num_ref_frames
	w.u(1, 0)
	w.ue(uint64(v.columns - 1))
	w.ue(uint64(v.rows - 1))
	w.u(2, 3) // frame_mbs_only_flag, direct_8x8_inference_flag
	v.crop(&w)
	v.vui(&w)
	w.trail()
	var p bitWriter
	p.ue(0)
	p.ue(0)
	p.u(2, 0) // CAVLC
	p.ue(0)   // num_slice_groups_minus1
	p.ue(0)
	p.ue(0)
	p.u(3, 0) // No weighted prediction.
	p.ue(0)   // pic_init_qp_minus26
	p.ue(0)
	p.ue(0)
	p.u(3, 4) // deblocking_filter_control_present_flag alone
	p.trail()
	return nal(0x67, w.out), nal(0x68, p.out)
}

func (v *video) crop(w *bitWriter) {
	right, bottom := v.columns*16-v.cfg.Width, v.rows*16-v.cfg.Height
	if right == 0 && bottom == 0 {
		w.u(1, 0)
		return
	}
	w.u(1, 1)
	w.ue(0)
	w.ue(uint64(right / 2))
	w.ue(0)
	w.ue(uint64(bottom / 2))
}

// vui tells the frame rate, and that nothing is reordered (H.264, annex E).
func (v *video) vui(w *bitWriter) {
	w.u(1, 1)
	w.u(4, 0)
	w.u(1, 1) // timing_info_present_flag
	w.u(32, 1000)
	w.u(32, uint64(v.cfg.FPS*2000+0.5))
	w.u(1, 1) // fixed_frame_rate_flag
	w.u(3, 0)
	w.u(1, 1) // bitstream_restriction_flag
	w.u(1, 1)
	w.ue(0)
	w.ue(0)
	w.ue(10)
	w.ue(10)
	w.ue(0) // max_num_reorder_frames
	w.ue(1) // max_dec_frame_buffering
}
