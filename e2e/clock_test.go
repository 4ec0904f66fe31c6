package e2e_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

// The measuring itself is measured: a file whose pictures carry the time of
// their making is played some time later, and every picture must be read and
// must be as old as the file, give or take the playback's own offset.
func TestClockInThePicturesIsRead(t *testing.T) {
	rig.Need(t, "ffmpeg", "node", "chromium", "firefox-esr")
	dir := artifactDir(t)
	begun := time.Now()
	makeClockFile(t, filepath.Join(dir, "clock.mp4"), 5*time.Second)
	page := `<!doctype html><video src="clock.mp4" muted autoplay playsinline></video>`
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()

	for _, browser := range []string{"chromium", "firefox"} {
		t.Run(browser, func(t *testing.T) {
			seen := look(t, rig.Watch{Browser: browser, URL: server.URL, Seconds: 1.5})
			age := float64(time.Since(begun).Milliseconds())
			low, high := rig.Percentile(seen.Latency, 0.05), rig.Percentile(seen.Latency, 0.95)
			t.Logf("%d pictures, %d unreadable, age %.0f to %.0f ms", len(seen.Latency), seen.Unreadable, low, high)
			if seen.Unreadable > 0 || len(seen.Latency) < 20 {
				t.Errorf("%d pictures read, %d unreadable", len(seen.Latency), seen.Unreadable)
			}
			if low < 4000 || high > age || high-low > 500 {
				t.Errorf("pictures made %.0f ms ago look %.0f to %.0f ms old", age, low, high)
			}
		})
	}
}

func makeClockFile(t *testing.T, file string, length time.Duration) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	args := "-loglevel error -f rawvideo -pix_fmt yuv420p -s 640x360 -r 30 -i pipe:0 -c:v libx264 -preset ultrafast -y"
	cmd := exec.CommandContext(t.Context(), "ffmpeg", append(strings.Fields(args), file)...)
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	if err := (rig.Camera{Width: 640, Height: 360, Rate: 30}).Run(ctx, w); err != nil {
		t.Fatal(err)
	}
	w.Close()
	r.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// look watches a page to the end; it must play.
func look(t *testing.T, watch rig.Watch) *rig.Seen {
	t.Helper()
	viewer := startViewer(t, watch)
	seen, err := viewer.Result()
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// startViewer opens a page that is closed with the test.
func startViewer(t *testing.T, watch rig.Watch) *rig.Viewer {
	t.Helper()
	watch.Scripts, watch.Log = scripts, t.Output()
	if watch.Screenshot == "" {
		watch.Screenshot = filepath.Join(artifactDir(t), "page.png")
	}
	viewer, err := watch.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return viewer
}
