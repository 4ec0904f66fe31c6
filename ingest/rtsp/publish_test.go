package rtsp_test

import (
	"math"
	"strings"
	"testing"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/rtsp"
)

var (
	x264 = []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25", "-x264-params", "b-adapt=0:scenecut=0"}
	x265 = []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:bframes=2:keyint=25", "-tag:v", "hvc1"}
	aac  = []string{"-c:a", "aac", "-ac", "2"}
	opus = []string{"-c:a", "libopus", "-ac", "2"}
)

func join(lists ...[]string) []string {
	var out []string
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// TestPublish compares what ffmpeg publishes with what it reads from the file, byte
// for byte and time for time.
func TestPublish(t *testing.T) {
	for name, c := range map[string]struct {
		codecs    []string
		transport string
		extra     []string
		video     ingest.Codec
		audio     ingest.Codec
	}{
		"H.264 and AAC over TCP":  {join(x264, aac), "tcp", nil, ingest.CodecH264, ingest.CodecAAC},
		"H.264 and AAC over UDP":  {join(x264, aac), "udp", nil, ingest.CodecH264, ingest.CodecAAC},
		"H.265 and Opus over TCP": {join(x265, opus), "tcp", nil, ingest.CodecH265, ingest.CodecOpus},
		"H.265 and Opus over UDP": {join(x265, opus), "udp", nil, ingest.CodecH265, ingest.CodecOpus},
		"AAC in LATM":             {join(x264, aac), "tcp", []string{"-rtpflags", "latm"}, ingest.CodecH264, ingest.CodecAAC},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t, rtsp.Config{Address: "127.0.0.1:0", RTPAddress: evenPort(t)}, nil)
			file := source(t, c.codecs...)
			args := join([]string{"-re", "-i", file, "-c", "copy", "-f", "rtsp", "-rtsp_transport", c.transport}, c.extra)
			wait := ffmpeg(t, append(args, g.url("live/cam1"))...)
			s := g.sink("live/cam1")
			s.wait(t, "packets", func(s *sink) bool { return len(s.units) > 100 })
			if got := g.stats(t, "live/cam1"); got.Transport != c.transport || got.Packets == 0 || got.Lost != 0 || got.Damaged != 0 ||
				len(got.Streams) != 2 || !got.Streams[0].SenderClock || !got.Streams[1].SenderClock {
				t.Errorf("statistics: %+v", got)
			}
			if out := wait(); out != "" {
				t.Logf("ffmpeg: %s", out)
			}
			s.wait(t, "the end", func(s *sink) bool { return s.ended == 1 })
			video, audio := s.of(true), s.of(false)
			pictures := probe(t, file, true)
			zero := float64(video[settled].pts) - pictures[settled].pts*ingest.Clock
			compare(t, video, pictures, zero)
			compare(t, audio, probe(t, file, false), zero)
			for i, u := range video {
				if i > 0 && u.dts <= video[i-1].dts || u.dts > u.pts {
					t.Errorf("picture %d: DTS %d after %d, PTS %d", i, u.dts, video[i-1].dts, u.pts)
				}
				if u.random && u.sets < 2 || i == 0 && !u.random || u.codec != c.video {
					t.Errorf("picture %d: %+v", i, u)
				}
			}
			if u := audio[0]; u.codec != c.audio || u.rate != 48000 || u.channels != 2 {
				t.Errorf("audio: %+v", u)
			}
			if log := g.log.String(); !strings.Contains(log, "reason=closed_by_encoder") {
				t.Error("the end is not logged")
			}
		})
	}
}

// settled is how many units may come before the first sender reports, which
// have a port of their own over UDP.
const settled = 20

// compare finds the packets of a file in what came. zero is the file's in PTS.
func compare(t *testing.T, got []unit, want []packet, zero float64) {
	t.Helper()
	// ffmpeg keeps the last frames of AAC to itself, and its TEARDOWN overtakes
	// what it has just sent over UDP.
	if missing := len(want) - len(got); missing < 0 || missing > 16 {
		t.Errorf("%d access units, the file has %d packets", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i].hash != want[i].Hash {
			t.Errorf("access unit %d has other bytes: %+v", i, got[i])
		}
		if off := (float64(got[i].pts)-zero)/ingest.Clock - want[i].pts; i >= settled && math.Abs(off) > .001 {
			t.Errorf("access unit %d is off by %.4f s", i, off)
		}
	}
}
