package mpegts_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

// clip is 50 pictures of 40 ms with PCR, and n audio frames of 1024 samples, six
// in a PES.
func clip(start int64, n int) []byte {
	m := newMuxer()
	m.tables()
	audio := 0
	for i := range 50 {
		pts := start + int64(i)*3600
		m.pcr(videoPID, pts-9000)
		m.pes(videoPID, pts, pts, false, picture(i, 700))
		for ; audio < n && int64(audio)*1920 <= int64(i)*3600; audio += 6 {
			var b []byte
			for k := audio; k < min(audio+6, n); k++ {
				b = append(b, adtsFrame(byte(k), 90)...)
			}
			m.pes(audioPID, start+int64(audio)*1920, start+int64(audio)*1920, true, b)
		}
	}
	return m.out
}

// play sends rounds of a clip to a demuxer and checks the pacing.
func play(tb testing.TB, ts []byte, rounds int) (*recorder, mpegts.Stats, *mpegts.Looper) {
	tb.Helper()
	l, err := mpegts.NewLooper(ts)
	if err != nil {
		tb.Fatal(err)
	}
	rec := &recorder{}
	d := mpegts.New(mpegts.Config{Sink: rec})
	var last time.Duration
	for {
		b, at := l.Next()
		if at >= time.Duration(rounds)*l.Period() {
			break
		}
		if at < last || len(b) == 0 || len(b) > 1316 || len(b)%188 != 0 {
			tb.Fatalf("%d bytes at %v after %v", len(b), at, last)
		}
		last = at
		if err := d.Write(b, epoch.Add(at)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := d.Flush(epoch.Add(last)); err != nil {
		tb.Fatal(err)
	}
	return rec, d.Stats(), l
}

// steady checks that the units of a stream follow each other without a seam.
// slack is how far a step may be from what the unit before lasts.
func steady(tb testing.TB, units []ingest.AccessUnit, step, slack int64) {
	tb.Helper()
	if len(units) == 0 {
		tb.Fatal("no units")
	}
	for i := 1; i < len(units); i++ {
		if d := units[i].DTS - units[i-1].DTS - step; d < -slack || d > slack {
			tb.Fatalf("unit %d: step of %d, want %d +- %d", i, units[i].DTS-units[i-1].DTS, step, slack)
		}
		if units[i].Lost {
			tb.Fatalf("unit %d is Lost", i)
		}
	}
}

func TestLooper(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start int64
		audio int // Frames; 93.75 would fit.
	}{
		{"audio fits", 90000, 94},
		{"audio a little shorter", 90000, 93},
		{"audio longer", 90000, 130},
		{"wrap of the clock", 1<<33 - 10*180000, 94},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const rounds = 20
			rec, stats, l := play(t, clip(tt.start, tt.audio), rounds)
			if l.Period() != 2*time.Second {
				t.Fatalf("period %v, want 2 s", l.Period())
			}
			if len(stats.Errors) > 0 {
				t.Errorf("errors: %v", stats.Errors)
			}
			video, audio := rec.of(videoPID), rec.of(audioPID)
			if n := len(video); n != 50*rounds {
				t.Errorf("%d pictures, want %d", n, 50*rounds)
			}
			steady(t, video, 3600, 0)
			steady(t, audio, 1920, 1920)
			if v, a := video[len(video)-1].PTS, audio[len(audio)-1].PTS; a-v > 9000 || v-a > 9000 {
				t.Errorf("video ends at %d, audio at %d", v, a)
			}
		})
	}
}

func TestLooperRefuses(t *testing.T) {
	m := newMuxer()
	m.tables()
	tablesAlone := m.out
	for name, ts := range map[string][]byte{
		"nothing":         nil,
		"garbage":         []byte("not a transport stream"),
		"no frames":       tablesAlone,
		"no PCR":          clean(10).out,
		"audio too short": clip(0, 40),
	} {
		if _, err := mpegts.NewLooper(ts); !errors.Is(err, mpegts.ErrClip) {
			t.Errorf("%s: got %v, want ErrClip", name, err)
		}
	}
}

// TestLooperFFmpeg loops what ffmpeg makes: B-frames, priming before the first
// audio frame, many frames in a PES.
func TestLooperFFmpeg(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not here")
	}
	file := filepath.Join(t.TempDir(), "clip.ts")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error",
		"-f", "lavfi", "-i", "testsrc=size=160x90:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=48000",
		"-t", "2", "-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-pix_fmt", "yuv420p", "-c:a", "aac",
		"-f", "mpegts", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ts, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rec, stats, _ := play(t, ts, 10)
	if len(stats.Errors) > 0 {
		t.Errorf("errors: %v", stats.Errors)
	}
	for _, s := range rec.program(t).Streams {
		if s.Codec.IsVideo() {
			steady(t, rec.of(s.ID), 3600, 0)
		} else {
			steady(t, rec.of(s.ID), 1920, 1920)
		}
	}
}
