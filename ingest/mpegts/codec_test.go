package mpegts_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/ingest"
)

// ffmpeg runs it and returns what it prints, or skips where it is missing.
func ffmpeg(tb testing.TB, args ...string) string {
	tb.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		tb.Skip("ffmpeg is not here")
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(tb.Context(), "ffmpeg", append([]string{"-v", "error", "-nostdin"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("ffmpeg %v: %v: %s", args, err, &stderr)
	}
	return string(out)
}

// TestAudioCodecs compares frames and formats with ffmpeg's, and with the codec
// boxes that its MP4 muxer writes.
func TestAudioCodecs(t *testing.T) {
	for _, tt := range []struct {
		name    string
		args    string
		codec   ingest.Codec
		want    ingest.AudioFormat
		samples int
		config  string // Box in MP4 that ends with the config.
	}{
		{"ADTS", "-c:a aac", ingest.CodecAAC, ingest.AudioFormat{SampleRate: 48000, Channels: 2, Config: []byte{0x11, 0x90}}, 1024, ""},
		{"ADTS 5.1 at 44.1 kHz", "-c:a aac -ac 6 -ar 44100", ingest.CodecAAC, ingest.AudioFormat{SampleRate: 44100, Channels: 6, Config: []byte{0x12, 0x30}}, 1024, ""},
		{"LATM", "-c:a aac -mpegts_flags latm", ingest.CodecAAC, ingest.AudioFormat{SampleRate: 48000, Channels: 2, Config: []byte{0x11, 0x90}}, 1024, ""},
		{"MP3", "-c:a libmp3lame", ingest.CodecMP3, ingest.AudioFormat{SampleRate: 48000, Channels: 2}, 1152, ""},
		{"MP3 half rate", "-c:a libmp3lame -ar 22050 -ac 1", ingest.CodecMP3, ingest.AudioFormat{SampleRate: 22050, Channels: 1}, 576, ""},
		{"AC-3 5.1", "-c:a ac3 -ac 6 -b:a 384k", ingest.CodecAC3, ingest.AudioFormat{SampleRate: 48000, Channels: 6}, 1536, "dac3"},
		{"AC-3 44.1 kHz", "-c:a ac3 -ar 44100", ingest.CodecAC3, ingest.AudioFormat{SampleRate: 44100, Channels: 2}, 1536, "dac3"},
		{"E-AC-3", "-c:a eac3 -b:a 192k", ingest.CodecEAC3, ingest.AudioFormat{SampleRate: 48000, Channels: 2}, 1536, "dec3"},
		{"Opus", "-c:a libopus", ingest.CodecOpus, ingest.AudioFormat{SampleRate: 48000, Channels: 2, Config: []byte{0, 2, 0, 0, 0, 0, 0xBB, 0x80, 0, 0, 0}}, 960, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file, mp4 := filepath.Join(dir, "a.ts"), filepath.Join(dir, "a.mp4")
			args := append([]string{"-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "1", "-ac", "2"}, strings.Fields(tt.args)...)
			ffmpeg(t, append(args, "-f", "mpegts", file)...)
			ts, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			rec, stats := demux(t, ts, 1316)
			s := rec.program(t).Streams
			if len(s) != 1 || s[0].Codec != tt.codec || len(stats.Errors) > 0 {
				t.Fatalf("streams %v, errors %v", s, stats.Errors)
			}
			got := rec.of(s[0].ID)
			compare(t, s[0], got, probe(t, file)[s[0].ID], sampleWant{})
			if tt.config != "" {
				ffmpeg(t, "-i", file, "-c", "copy", mp4)
				tt.want.Config = box(t, mp4, tt.config)
			}
			if diff := cmp.Diff(&tt.want, got[0].Format); diff != "" {
				t.Error(diff)
			}
			for i, au := range got[:len(got)-1] { // Opus is trimmed at its end.
				if au.Samples != tt.samples || au.Format != got[0].Format || !au.Random || len(au.Units) != 1 {
					t.Fatalf("frame %d: %d samples, %d units", i, au.Samples, len(au.Units))
				}
			}
		})
	}
}

// box is the payload of the first box with that name in a file.
func box(tb testing.TB, file, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	i := bytes.Index(b, []byte(name))
	if i < 4 {
		tb.Fatalf("no box %s", name)
	}
	return b[i+4 : i-4+int(b[i-1])]
}

func TestMP2IsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.ts")
	ffmpeg(t, "-f", "lavfi", "-i", "sine", "-t", "1", "-c:a", "mp2", "-f", "mpegts", file)
	ts, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rec, _ := demux(t, ts, 1316)
	want := ingest.Program{Unsupported: []ingest.Unsupported{{ID: 0x100, Name: "MP2 audio"}}}
	if diff := cmp.Diff(want, rec.program(t)); diff != "" {
		t.Error(diff)
	}
}

// TestBitExact decodes what comes out, as Annex B, and what went in.
func TestBitExact(t *testing.T) {
	for _, tt := range []struct{ name, format string }{
		{"bframes_pts0_negdts_pcrwrap.ts", "h264"},
		{"overflow_nalus_608.ts", "h264"},
		{"h264_576p_ac3_dvb_multislice.ts", "h264"},
		{"h264_eac3_51.ts", "h264"},
		{"obs_hevc_aac.ts", "hevc"},
		{"hevc_main10_bpyramid.ts", "hevc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec, _ := demux(t, sample(t, tt.name), 1316)
			var es []byte
			for _, s := range rec.program(t).Streams {
				if s.Codec.IsVideo() {
					for _, au := range rec.of(s.ID) {
						es = append(es, annexB(au.Units...)...)
					}
				}
			}
			file := filepath.Join(t.TempDir(), "es")
			if err := os.WriteFile(file, es, 0o600); err != nil {
				t.Fatal(err)
			}
			in := ffmpeg(t, "-i", filepath.Join(samplesDir, tt.name), "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-")
			out := ffmpeg(t, "-f", tt.format, "-i", file, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-")
			if diff := cmp.Diff(hashes(in), hashes(out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// hashes are the last column of a framemd5.
func hashes(s string) []string {
	var list []string
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(line, "#") {
			list = append(list, strings.TrimSpace(line[strings.LastIndex(line, ",")+1:]))
		}
	}
	return list
}

// TestRollover plays three segments of a live stream through the wrap of its
// clock.
func TestRollover(t *testing.T) {
	ts := make([]byte, 0, 500_000)
	for _, n := range []string{"rollover_seg27.ts", "rollover_seg28_ptswrap.ts", "rollover_seg29.ts"} {
		ts = append(ts, sample(t, n)...)
	}
	rec, _ := demux(t, ts, 1316)
	var last int64
	for _, s := range rec.program(t).Streams {
		units := rec.of(s.ID)
		for i := 1; i < len(units); i++ {
			if d := units[i].DTS - units[i-1].DTS; d <= 0 || d > 9000 {
				t.Errorf("%s: step of %d at unit %d", s.Codec, d, i)
			}
		}
		end := units[len(units)-1].DTS
		if last != 0 && (end-last > 45000 || last-end > 45000) {
			t.Errorf("the streams end at %d and %d", last, end)
		}
		if last = end; end < 1<<33 {
			t.Errorf("%s ends at %d, before the wrap", s.Codec, end)
		}
	}
}
