package load

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Clip says what is pushed: ten seconds of 720p30 H.264 and AAC with groups of a
// second.
type Clip struct {
	// Kbits is the rate of the whole stream in kbit/s.
	Kbits int
	// Even bounds all pictures by their share of the rate, as encoders for low
	// latency do, which comes to about half of it. Otherwise a key picture may be
	// several times as large.
	Even bool
	// Filler makes up for what pictures leave of the rate, as encoders for constant
	// channels do. The gateway receives it and leaves it out.
	Filler bool
}

// Make encodes the clip beforehand, so that encoding takes no part of the machine
// later, and returns its path in dir.
func (c Clip) Make(ctx context.Context, dir string) (string, error) {
	const audio, overhead, rate = 128, 172, 30
	video := c.Kbits - audio - overhead
	source, buffer := "testsrc2=size=1280x720:rate=30", video
	if c.Even {
		// Noise is as much to code in every picture, and the decoder's buffer holds one.
		source, buffer = source+",noise=alls=60:allf=t+u", video/rate
	}
	path := filepath.Join(dir, "clip.ts")
	hrd := "vbr"
	if c.Filler {
		hrd = "cbr"
	}
	args := fmt.Sprintf("-hide_banner -loglevel error -f lavfi -i %s -f lavfi -i sine=frequency=440:sample_rate=48000 -t 10"+
		" -c:v libx264 -preset ultrafast -bf 2 -g 30 -sc_threshold 0 -pix_fmt yuv420p"+
		" -b:v %[2]dk -minrate %[2]dk -maxrate %[2]dk -bufsize %[3]dk -x264-params nal-hrd=%[6]s -c:a aac -b:a %[4]dk -y %[5]s",
		source, video, buffer, audio, path, hrd)
	encode := exec.CommandContext(ctx, "ffmpeg", strings.Fields(args)...) //nolint:gosec // measuring starts programs of its own choice
	if out, err := encode.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make the clip: %w\n%s", err, out)
	}
	return path, nil
}
