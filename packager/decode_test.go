package packager_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/packager/msf"
)

// TestDecodesLikeSource has ffmpeg make a transport stream of each codec, sends
// it through the demuxer and the packager, and compares every decoded frame with
// that of the stream itself.
func TestDecodesLikeSource(t *testing.T) {
	video := strings.Fields("-f lavfi -i testsrc2=size=320x240:rate=30")
	ntsc := strings.Fields("-f lavfi -i testsrc2=size=320x240:rate=60000/1001")
	audio := strings.Fields("-f lavfi -i sine=frequency=440:sample_rate=48000")
	cd := strings.Fields("-f lavfi -i sine=frequency=440:sample_rate=44100")
	for _, tc := range []struct {
		name   string
		input  []string
		output string
		codec  string
	}{
		{"h264_b_frames", video, "-c:v libx264 -preset veryfast -bf 3 -g 30 -pix_fmt yuv420p", "avc1.64000D"},
		{"h264_zerolatency", video, "-c:v libx264 -preset veryfast -tune zerolatency -g 30 -pix_fmt yuv420p", "avc1.64000D"},
		{"h264_5994", ntsc, "-c:v libx264 -preset veryfast -bf 2 -g 60 -pix_fmt yuv420p", "avc1.640015"},
		{"h264_interlaced", video, "-c:v libx264 -preset veryfast -bf 2 -flags +ildct+ilme -g 30 -pix_fmt yuv420p", "avc1.640015"},
		{"hevc", video, "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=30:bframes=3:open-gop=0 -pix_fmt yuv420p", "hvc1.1.6.L60.90"},
		{"hevc_open_gop", video, "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=30:bframes=3:open-gop=1 -pix_fmt yuv420p", "hvc1.1.6.L60.90"},
		{"aac", audio, "-c:a aac -b:a 96k -ac 2", "mp4a.40.2"},
		{"aac_44100", cd, "-c:a aac -b:a 96k -ac 2", "mp4a.40.2"},
		{"opus", audio, "-c:a libopus -b:a 96k -ac 2", "opus"},
		{"ac3", audio, "-c:a ac3 -b:a 192k -ac 2", "ac-3"},
		{"eac3", audio, "-c:a eac3 -b:a 192k -ac 2", "ec-3"},
		{"mp3", cd, "-c:a libmp3lame -b:a 128k -ac 2", "mp4a.6B"},
		{"mp3_mpeg2", audio, "-c:a libmp3lame -b:a 64k -ar 24000 -ac 1", "mp4a.69"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			source := filepath.Join(t.TempDir(), "source.ts")
			args := append([]string{"-v", "error", "-y"}, tc.input...)
			args = append(args, strings.Fields(tc.output+" -t 4 -metadata:s language=swe "+source)...)
			ffmpeg(t, args...)
			r := newRig(t)
			r.ts(t, readFile(t, source), 4*time.Second)

			name := r.names()[0]
			path := r.file(t, name)
			if diff := cmp.Diff(frames(t, source), frames(t, path)); diff != "" {
				t.Errorf("decoded frames differ (-source +packaged):\n%s", diff)
			}
			entry, _ := r.read(t).Track(name)
			if entry.Codec != tc.codec {
				t.Errorf("codec %q, want %q", entry.Codec, tc.codec)
			}
			if entry.Role == msf.RoleAudio && entry.Lang != "swe" {
				t.Errorf("language %q", entry.Lang)
			}
			// 60000/1001 is no divisor of the timescale. With open GOPs the second
			// CRA is reordered by one picture more than the first IDR.
			slack := int32(1)
			if tc.name == "hevc_open_gop" {
				slack = 3000
			}
			walk(t, r.tracks[name], slack)
			for i, c := range chunks(t, r.tracks[name]) {
				if c.first != c.Independent && entry.Role == msf.RoleVideo || !c.Independent && entry.Role == msf.RoleAudio {
					t.Errorf("chunk %d: first %v, independent %v", i, c.first, c.Independent)
				}
			}
		})
	}
}

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// frames gives the sizes and checksums of all decoded frames, in order.
func frames(tb testing.TB, path string) []string {
	tb.Helper()
	out := ffmpeg(tb, "-v", "error", "-i", path, "-map", "0", "-fps_mode", "passthrough", "-f", "framemd5", "-")
	var list []string
	for line := range strings.Lines(string(out)) {
		if f := strings.Split(strings.TrimSpace(line), ","); len(f) == 6 {
			list = append(list, strings.TrimSpace(f[4])+" "+strings.TrimSpace(f[5]))
		}
	}
	if len(list) == 0 {
		tb.Fatalf("%s: nothing was decoded", path)
	}
	return list
}
