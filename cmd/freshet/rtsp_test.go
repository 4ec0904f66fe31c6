package main

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/configs"
)

// TestHLSFromRTSP publishes by ffmpeg and looks at what viewers and operators see.
func TestHLSFromRTSP(t *testing.T) {
	t.Parallel()
	cfg := loopback()
	cfg.RTSP.Address, cfg.RTSP.RTPAddress = "127.0.0.1:0", ""
	g := startGateway(t, cfg)
	publishRTSP(t, "rtsp://"+g.rtsp.Addr().String()+"/live/cam1")
	if body := get(t, g.url("/live/cam1/index.m3u8")); !strings.Contains(body, "#EXT-X-STREAM-INF") {
		t.Errorf("multivariant playlist: %s", body)
	}
	for _, track := range []string{"video", "audio"} {
		if body := get(t, g.url("/live/cam1/"+track+"/index.m3u8")); !strings.Contains(body, "#EXT-X-PART:") {
			t.Errorf("media playlist: %s", body)
		}
	}
	if _, body := try(t, "http://"+g.ops.Addr().String()+"/v1/ingest"); !strings.Contains(body, `"protocol":"rtsp"`) ||
		!strings.Contains(body, `"accessUnits"`) {
		t.Errorf("/v1/ingest: %s", body)
	}
	if _, body := try(t, "http://"+g.ops.Addr().String()+"/metrics"); !strings.Contains(body, `freshet_rtsp_sessions{side="push"} 1`) {
		t.Error("no metric of the session")
	}
}

// publishRTSP plays the demo's clip until the test ends.
func publishRTSP(t *testing.T, url string) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("no ffmpeg")
	}
	cmd := exec.Command("ffmpeg", "-loglevel", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", "demo/clip.ts",
		"-c:v", "copy", "-c:a", "aac", "-f", "rtsp", "-rtsp_transport", "tcp", url)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// TestOneOwner: SRT holds a name, so RTSP is refused it and says why.
func TestOneOwner(t *testing.T) {
	t.Parallel()
	cfg := loopback()
	cfg.RTSP.Address, cfg.RTSP.RTPAddress = "127.0.0.1:0", ""
	g := startGateway(t, cfg)
	g.push(t)
	get(t, g.url("/live/demo/index.m3u8"))
	out, err := exec.Command("ffmpeg", "-loglevel", "error", "-nostdin", "-re", "-i", "demo/clip.ts",
		"-c:v", "copy", "-c:a", "aac", "-f", "rtsp", "-rtsp_transport", "tcp", "rtsp://"+g.rtsp.Addr().String()+"/live/demo").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "400 Bad Request") {
		t.Errorf("ffmpeg ended with %v: %s", err, out)
	}
}

// TestPullOfNobody pulls from a gateway, which serves no players over RTSP: that is
// no reason to end, and the password stays out of the log.
func TestPullOfNobody(t *testing.T) {
	t.Parallel()
	other := loopback()
	other.RTSP.Address, other.RTSP.RTPAddress = "127.0.0.1:0", ""
	camera := startGateway(t, other)
	cfg := loopback()
	cfg.SRT.Address = ""
	cfg.RTSP.Pull = []configs.RTSPPull{{
		Name: "live/door", URL: configs.Secret("rtsp://admin:hush-hush@" + camera.rtsp.Addr().String() + "/live/door"),
	}}
	g := startGateway(t, cfg)
	deadline := time.Now().Add(10 * time.Second)
	for {
		_, body := try(t, "http://"+g.ops.Addr().String()+"/metrics")
		if strings.Contains(body, "freshet_rtsp_pulls_failed_total 1") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no attempt is counted")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
