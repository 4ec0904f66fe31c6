package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
)

// clip is a transport stream that ffmpeg makes: codecs as its command line
// names them. warmUp is how many audio frames a decoder that joins in the
// middle needs until it agrees with one that started earlier.
type clip struct {
	name   string
	codecs string
	warmUp int
}

// Perceptual noise substitution makes a decoder throw dice, whose fall depends
// on where it began.
const aac = "-c:a aac -aac_pns 0 -b:a 96k"

const h264 = "-c:v libx264 -preset ultrafast -bf 3 -b_strategy 0 -g 30 -sc_threshold 0 "

var clips = []clip{
	{"h264 with B-frames, aac", h264 + aac, 2},
	{"h264, opus", h264 + "-c:a libopus -b:a 96k", 8},
	{"h264, ac-3", h264 + "-c:a ac3 -b:a 192k", 2},
	{"hevc, aac", "-c:v libx265 -preset ultrafast -x265-params keyint=30:bframes=3:log-level=error " + aac, 2},
}

const clipSeconds = 7

// What comes out is what went in, to the bit: every picture and every audio
// frame, decoded by ffmpeg from what MoQ and LL-HLS deliver, has the hash that
// it has in the transport stream that was pushed.
func TestServedMediaEqualsWhatWasPushed(t *testing.T) {
	rig.Need(t, "ffmpeg")
	gateway := startGateway(t, rig.GatewayConfig{Hold: 20 * time.Second})
	for n, clip := range clips {
		t.Run(clip.name, func(t *testing.T) {
			t.Parallel()
			dir := artifactDir(t)
			pushed := filepath.Join(dir, "pushed.ts")
			clip.make(t, pushed)
			path := fmt.Sprintf("live/clip%d", n)
			recording := pushAndRecord(t, gateway, dir, path, pushed)
			for _, track := range recording.Catalog().Tracks {
				file, err := recording.File(track)
				if err != nil {
					t.Error(err)
					continue
				}
				clip.compare(t, dir, pushed, "moq", track.Role, file)
			}
			playlists, err := rig.Playlists(t.Context(), gateway.HTTP("/"+path+"/index.m3u8"))
			if err != nil {
				t.Fatal(err)
			}
			for track, playlist := range playlists {
				file, err := rig.DownloadHLS(t.Context(), playlist)
				if err != nil {
					t.Error(err)
					continue
				}
				clip.compare(t, dir, pushed, "hls", track, file)
			}
		})
	}
}

func (c clip) make(t *testing.T, file string) {
	t.Helper()
	args := "-hide_banner -loglevel error -f lavfi -i testsrc2=size=320x180:rate=30 -f lavfi -i anoisesrc=seed=1:amplitude=0.3:sample_rate=48000 -t %d -pix_fmt yuv420p %s -y %s"
	fields := strings.Fields(fmt.Sprintf(args, clipSeconds, c.codecs, "FILE"))
	fields[len(fields)-1] = file
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", fields...).CombinedOutput(); err != nil {
		t.Fatalf("make the clip: %v\n%s", err, out)
	}
}

// pushAndRecord pushes a file once, in real time, and returns what a MoQ
// subscriber got when all has come.
func pushAndRecord(t *testing.T, gateway *rig.Gateway, dir, path, file string) *rig.Recording {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, err := gateway.DialMoQ(t.Context(), moqt.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	push, err := rig.Replay(ctx, dir, rig.Target{Gateway: gateway, StreamID: "publish:" + path}, file, 0)
	if err != nil {
		t.Fatal(err)
	}
	recording, err := rig.Record(ctx, client, relay.Namespace(path))
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-push.Done():
	case <-ctx.Done():
		t.Fatal("ffmpeg pushes on after the clip's end")
	}
	if push.Err() != nil {
		t.Fatalf("ffmpeg: %v\n%s", push.Err(), push.Output())
	}
	// SRT delivers the last packets its latency later.
	time.Sleep(time.Second)
	return recording
}

// compare checks that the frames of a served file are a run of those pushed.
func (c clip) compare(t *testing.T, dir, pushed, how, track string, file []byte) {
	t.Helper()
	kind, warmUp, least := "v", 0, (clipSeconds-2)*30
	if strings.HasPrefix(track, "audio") {
		kind, warmUp, least = "a", c.warmUp, (clipSeconds-2)*30 // AC-3 has the fewest frames, 31 a second
	}
	served := filepath.Join(dir, how+"-"+track+".mp4")
	if err := os.WriteFile(served, file, 0o600); err != nil {
		t.Fatal(err)
	}
	want, got := hashes(t, pushed, kind), hashes(t, served, kind)
	if len(got) < least {
		t.Errorf("%s serves %d %s frames of %d", how, len(got), track, len(want))
		return
	}
	// Where the end cuts a run of B-frames off, the picture after them comes
	// early: the last few pictures prove nothing.
	got = got[warmUp : len(got)-3]
	start := slices.Index(want, got[0])
	if start < 0 {
		t.Errorf("%s: the first %s frame served is none of those pushed", how, track)
		return
	}
	for n := range got {
		if start+n >= len(want) || got[n] != want[start+n] {
			t.Errorf("%s: %s frame %d of %d differs from what was pushed", how, track, n, len(got))
			return
		}
	}
	t.Logf("%s: %d %s frames equal, from frame %d of the %d pushed", how, len(got), track, start, len(want))
}

// hashes are the framemd5 hashes of one kind of a file's frames, in order.
func hashes(t *testing.T, file, kind string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-hide_banner", "-loglevel", "error", "-i", file,
		"-map", "0:"+kind+":0", "-fps_mode", "passthrough", "-f", "framemd5", "-")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("framemd5 of %s: %v\n%s", file, err, errs.String())
	}
	var found []string
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if fields := strings.Split(lines.Text(), ","); !strings.HasPrefix(fields[0], "#") {
			found = append(found, strings.TrimSpace(fields[len(fields)-1]))
		}
	}
	return found
}
