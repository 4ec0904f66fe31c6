package barcode_test

import (
	"bytes"
	"context"
	"io"
	"os/exec"
	"testing"
	"time"

	"github.com/freshet-live/freshet/e2e/barcode"
)

func TestReadReturnsWhatWasDrawn(t *testing.T) {
	for _, width := range []int{320, 640, 1280} {
		luma := make([]byte, width*width/10)
		for _, want := range []uint32{0, 1, 0x80000000, 0xffffffff, 0x12345678, 3_141_592_653} {
			barcode.Draw(luma, width, want)
			if got, ok := barcode.Read(luma, width); !ok || got != want {
				t.Errorf("width %d: read %#x, %v; drawn %#x", width, got, ok, want)
			}
		}
	}
}

func TestReadRefusesDamage(t *testing.T) {
	const width = 640
	luma := make([]byte, width*width/10)
	if value, ok := barcode.Read(luma, width); ok {
		t.Errorf("a black picture reads as %#x", value)
	}
	barcode.Draw(luma, width, 0x12345678)
	for x := range 32 {
		for y := range 32 {
			luma[y*width+x] ^= 0xff
		}
	}
	if value, ok := barcode.Read(luma, width); ok {
		t.Errorf("one square inverted still reads as %#x", value)
	}
	if _, ok := barcode.Read(luma[:100], width); ok {
		t.Error("a cut plane reads")
	}
}

// The code must come through the encoder that the tests use, at their quality.
func TestCodeSurvivesEncoding(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	const width, height, pictures = 640, 360, 20
	raw := film(t, barcode.Camera{Width: width, Height: height, Rate: 200}, pictures)
	stream := ffmpeg(t, raw, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "640x360", "-i", "-", "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "500k", "-f", "mpegts", "-")
	decoded := ffmpeg(t, stream, "-i", "-", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")

	const bytesPerPicture = width * height * 3 / 2
	if len(decoded) != pictures*bytesPerPicture {
		t.Fatalf("%d bytes decoded, want %d pictures", len(decoded), pictures)
	}
	for n := range pictures {
		want, _ := barcode.Read(raw[n*bytesPerPicture:], width)
		if got, ok := barcode.Read(decoded[n*bytesPerPicture:], width); !ok || got != want {
			t.Errorf("picture %d: read %d, %v; drawn %d", n, got, ok, want)
		}
	}
}

// film returns the first pictures of a camera and checks that their clocks rise.
func film(t *testing.T, camera barcode.Camera, pictures int) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- camera.Run(ctx, w) }()
	size := camera.Width * camera.Height * 3 / 2
	raw := make([]byte, pictures*size)
	if _, err := io.ReadFull(r, raw); err != nil {
		t.Fatal(err)
	}
	cancel()
	r.Close()
	if err := <-done; err != nil {
		t.Fatalf("a camera stopped by its context returned %v", err)
	}
	last := uint32(0)
	for n := range pictures {
		value, ok := barcode.Read(raw[n*size:], camera.Width)
		if !ok || value < last {
			t.Fatalf("picture %d carries %d, %v after %d", n, value, ok, last)
		}
		last = value
	}
	return raw
}

func ffmpeg(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-loglevel", "error"}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, errs.String())
	}
	return out
}
