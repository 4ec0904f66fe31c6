package llhls_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/httpd/llhls"
)

// tool runs ffmpeg or ffprobe.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, stderr.Bytes())
	}
	return string(out)
}

// chunks splits a fragmented file into its header and its chunks.
func chunks(t *testing.T, file string) (header []byte, list [][]byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var open []byte
	for len(b) >= 8 {
		size := int(binary.BigEndian.Uint32(b))
		kind := string(b[4:8])
		open = append(open, b[:size]...)
		b = b[size:]
		switch kind {
		case "moov":
			header, open = open, nil
		case "mdat":
			list, open = append(list, open), nil
		}
	}
	return header, list
}

// publish puts a file's chunks into a track, a group for each key frame.
func publish(t *testing.T, b *relay.Broadcast, name string, list [][]byte, perGroup int) {
	t.Helper()
	track, err := b.NewTrack(name, relay.TrackConfig{Window: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	var group *relay.Group
	id := uint64(0)
	for i, c := range list {
		info, err := cmaf.ParseChunk(c)
		if err != nil {
			t.Fatal(err)
		}
		if perGroup == 0 && info.Independent || perGroup > 0 && i%perGroup == 0 {
			id++
			if group, err = track.NewGroup(id); err != nil {
				t.Fatal(err)
			}
		}
		if err := group.Append(relay.Object{Payload: c, Complete: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
}

// encode makes real media, with B-frames, and gives the two files.
func encode(t *testing.T) (video, audio string) {
	t.Helper()
	dir := t.TempDir()
	video, audio = filepath.Join(dir, "v.mp4"), filepath.Join(dir, "a.mp4")
	flags := []string{"-movflags", "+cmaf+empty_moov+frag_every_frame+default_base_moof"}
	tool(t, "ffmpeg", append(append([]string{
		"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=12",
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0",
		"-pix_fmt", "yuv420p", "-colorspace", "bt709", "-color_trc", "bt709", "-color_primaries", "bt709",
	}, flags...), video)...)
	tool(t, "ffmpeg", append(append([]string{
		"-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:duration=12:sample_rate=48000", "-c:a", "aac", "-ac", "2",
	}, flags...), audio)...)
	return video, audio
}

// serveFiles gives the URL of an ended broadcast of two files.
func serveFiles(t *testing.T, video, audio string) string {
	t.Helper()
	r := relay.New(relay.Config{})
	b, err := r.Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	videoHeader, videoChunks := chunks(t, video)
	audioHeader, audioChunks := chunks(t, audio)
	catalog, err := (&msf.Catalog{
		Version: msf.Version,
		Tracks: []msf.Track{
			{Name: "video", Packaging: msf.PackagingCMAF, Role: msf.RoleVideo, InitRef: "v", Timescale: 12800, Codec: "avc1.42C00D", Width: 320, Height: 180},
			{Name: "audio", Packaging: msf.PackagingCMAF, Role: msf.RoleAudio, InitRef: "a", Timescale: 48000, Codec: "mp4a.40.2"},
		},
		InitDataList: []msf.InitData{{ID: "v", Type: msf.InitInline, Data: videoHeader}, {ID: "a", Type: msf.InitInline, Data: audioHeader}},
	}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	publish(t, b, "video", videoChunks, 0)
	publish(t, b, "audio", audioChunks, 94)
	track, err := b.NewTrack(msf.TrackName, relay.TrackConfig{})
	if err != nil {
		t.Fatal(err)
	}
	group, err := track.NewGroup(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := group.Append(relay.Object{Payload: catalog}); err != nil {
		t.Fatal(err)
	}
	server, err := hls.New(hls.Config{Relay: r})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := llhls.New(llhls.Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	web := httptest.NewServer(handler)
	t.Cleanup(func() { web.Close(); cancel(); <-done })
	waitEnded(t, server, b)
	return web.URL + "/live/cam1/index.m3u8"
}

// waitEnded closes the broadcast once it is seen, and waits for its last version.
func waitEnded(t *testing.T, server *hls.Server, b *relay.Broadcast) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	var p *hls.Presentation
	for ok := false; !ok; {
		select {
		case <-time.After(time.Millisecond):
			p, ok = server.Presentation("live/cam1")
		case <-deadline:
			t.Fatal("no presentation")
		}
	}
	select {
	case <-p.Ready():
	case <-deadline:
		t.Fatal("not ready")
	}
	b.Close(nil)
	for _, r := range p.Renditions() {
		for !r.Playlist().Ended {
			select {
			case <-r.Playlist().Changed():
			case <-deadline:
				t.Fatal("not ended")
			}
		}
	}
}

// frames is the hash of every decoded frame. Times are left out: ffmpeg guesses
// a frame rate for playlists and rounds to it; the check compares tfdt.
func frames(t *testing.T, input, stream string) []string {
	t.Helper()
	out := tool(t, "ffmpeg", "-v", "error", "-i", input, "-map", "0:"+stream+":0", "-f", "framemd5", "-")
	var list []string
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "#") {
			fields := strings.Fields(line)
			list = append(list, fields[len(fields)-1])
		}
	}
	return list
}

// ffmpeg decodes from the playlist the very frames that it encoded.
func TestForeignPlayer(t *testing.T) {
	t.Parallel()
	video, audio := encode(t)
	address := serveFiles(t, video, audio)
	for stream, file := range map[string]string{"v": video, "a": audio} {
		want, got := frames(t, file, stream), frames(t, address, stream)
		if len(want) < 200 {
			t.Fatalf("only %d frames in %s", len(want), file)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -file +playlist\n%.2000s", stream, diff)
		}
	}
	out := tool(t, "ffprobe", "-v", "error", "-show_entries", "program_tags=variant_bitrate:stream=codec_name", "-of", "csv", address)
	for _, want := range []string{"h264", "aac"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "VIDEO-RANGE=SDR") {
		t.Errorf("no range in\n%s", text.String())
	}
}
