package packager_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
)

const samplesDir = "../../shared/samples"

// TestSamples sends real streams with their faults through the packager.
func TestSamples(t *testing.T) {
	entries, err := filepath.Glob(filepath.Join(samplesDir, "*.ts"))
	if err != nil || len(entries) == 0 {
		t.Skip("samples are not here")
	}
	want := map[string]string{
		"pmt_declares_audio_none_present.ts":           "video",
		"opus_only.ts":                                 "audio",
		"id3_heaacv2_audio_only.ts":                    "audio",
		"tnt_h264_1080i_eac3x3_dvbsub.ts":              "audio audio-2 audio-3 video",
		"kyrion_1080i_h264_2xmp2_scte35_dirtystart.ts": "video",
		"h264_opus_live.ts":                            "audio video",
		"gst_480i_h264hi444_aac_scte35.ts":             "audio video",
	}
	for _, path := range entries {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.ts(t, readFile(t, path), 5*time.Second)
			if w, ok := want[name]; ok && strings.Join(r.names(), " ") != w {
				t.Errorf("tracks %v, want %s", r.names(), w)
			}
			if name == "hdmv_0x86_is_dtshd.ts" {
				return // MPEG-2 video and DTS alone.
			}
			for _, n := range r.names() {
				walk(t, r.tracks[n], 45000)
				ffmpeg(t, "-v", "error", "-xerror", "-i", r.file(t, n), "-c", "copy", "-f", "null", "-")
			}
		})
	}
}

// TestRollover joins the three segments around the 33-bit wrap.
func TestRollover(t *testing.T) {
	var data []byte
	for _, n := range []string{"27", "28_ptswrap", "29"} {
		b, err := os.ReadFile(filepath.Join(samplesDir, "rollover_seg"+n+".ts"))
		if err != nil {
			t.Skip("samples are not here")
		}
		data = append(data, b...)
	}
	r := newRig(t)
	r.ts(t, data, 10*time.Second)
	if got := r.names(); !slices.Equal(got, []string{"audio", "video"}) {
		t.Fatalf("tracks %v", got)
	}
	for _, n := range r.names() {
		walk(t, r.tracks[n], 1)
		all := chunks(t, r.tracks[n])
		last := all[len(all)-1]
		entry, _ := r.read(t).Track(n)
		span := float64(last.DecodeTime-all[0].DecodeTime) / float64(entry.Timescale)
		if span < 5.9 || span > 6.0 {
			t.Errorf("%s spans %.3f s of media", n, span)
		}
	}
}

var _ ingest.Sink = (*rig)(nil)
