package pattern_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/pattern"
)

// record is a stream's beginning, each frame sent when it is due.
func record(tb testing.TB, cfg pattern.Config, length time.Duration) []byte {
	tb.Helper()
	s, err := pattern.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	for s.Due() < length {
		out.Write(s.Take(s.Due()))
	}
	return out.Bytes()
}

// ffmpeg decodes all of it without a complaint, and finds what was asked for.
func TestStreamPlays(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg")
	}
	for name, cfg := range map[string]pattern.Config{
		"default":     {},
		"small":       {Rate: 500e3, Width: 320, Height: 180, FPS: 25, GOP: 25},
		"even":        {Rate: 12e6, Width: 1920, Height: 1080, FPS: 59.94, KeyRatio: 1},
		"no audio":    {Rate: 3e6, AudioRate: -1, GOP: 1},
		"full of PCM": {Rate: 60e6, Width: 320, Height: 240, FPS: 30},
		"much audio":  {Rate: 2e6, Width: 640, Height: 360, AudioRate: 448e3},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "out.ts")
			if err := os.WriteFile(file, record(t, cfg, 4*time.Second), 0o600); err != nil {
				t.Fatal(err)
			}
			said, err := exec.Command(ffmpeg, "-v", "warning", "-xerror", "-err_detect", "explode", "-i", file, "-f", "null", "-").CombinedOutput()
			if err != nil || len(said) > 0 {
				t.Errorf("ffmpeg: %v\n%.2000s", err, said)
			}
			probed(t, file, cfg)
		})
	}
}

// probed compares what ffprobe counts.
func probed(t *testing.T, file string, cfg pattern.Config) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		Streams []struct {
			Kind          string `json:"codec_type"`
			Width, Height int
			Frames        string `json:"nb_read_frames"`
			Rate          string `json:"avg_frame_rate"`
		}
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	fps, width := cfg.FPS, cfg.Width
	if fps == 0 {
		fps = 30
	}
	if width == 0 {
		width = 1280
	}
	kinds := ""
	for _, s := range found.Streams {
		kinds += s.Kind + " "
		n, err := strconv.Atoi(s.Frames)
		if err != nil {
			t.Fatal(err)
		}
		if s.Kind == "video" && (s.Width != width || float64(n) < 4*fps-0.5 || float64(n) > 4*fps+1) {
			t.Errorf("%d pictures at %s, %d wide", n, s.Rate, s.Width)
		}
		if s.Kind == "audio" && (n < 187 || n > 189) {
			t.Errorf("%d audio frames", n)
		}
	}
	if want := map[bool]string{true: "video audio ", false: "video "}[cfg.AudioRate >= 0]; kinds != want {
		t.Errorf("streams %s, want %s", kinds, want)
	}
}

// The rate is near below what was asked for, so that null packets make it exact.
func TestStreamKeepsItsRate(t *testing.T) {
	for _, rate := range []float64{1e6, 6e6, 25e6} {
		got := float64(len(record(t, pattern.Config{Rate: rate}, 20*time.Second))) * 8 / 20
		t.Logf("%.0f of %.0f bit/s", got, rate)
		if got > rate*0.995 || got < rate*0.90 {
			t.Errorf("%.0f of %.0f bit/s", got, rate)
		}
	}
}

// One seed, one stream.
func TestStreamFollowsItsSeed(t *testing.T) {
	a, b := record(t, pattern.Config{Seed: 7}, time.Second), record(t, pattern.Config{Seed: 7}, time.Second)
	if !bytes.Equal(a, b) {
		t.Error("two runs differ")
	}
	if bytes.Equal(a, record(t, pattern.Config{Seed: 8}, time.Second)) {
		t.Error("another seed makes the same")
	}
}

func TestStreamRefuses(t *testing.T) {
	for want, cfg := range map[string]pattern.Config{
		"size: 15x720":            {Width: 15, Height: 720},
		"fps: 5 is not":           {FPS: 5},
		"gop: -1":                 {GOP: -1},
		"key ratio: 0.5":          {KeyRatio: 0.5},
		"audio rate: 1000":        {AudioRate: 1000},
		"rate: 100 kbit/s is too": {Rate: 100e3},
		"rate: 2e+09":             {Rate: 2e9},
	} {
		if _, err := pattern.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	s, err := pattern.New(pattern.Config{})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n += len(s.Take(s.Due()))
	}
	b.SetBytes(int64(n / b.N))
}
