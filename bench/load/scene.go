package load

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
	"github.com/freshet-live/freshet/relay"
)

// Broadcast is the name of what Scene pushes.
const Broadcast relay.Namespace = "live/bench"

// Scene is a gateway with one encoder: 720p30 H.264 and AAC with groups of a
// second.
type Scene struct {
	Gateway *rig.Gateway
	dir     string
	push    *rig.Process
}

// NewScene builds and starts the gateway; nothing is pushed yet.
func NewScene(ctx context.Context) (*Scene, error) {
	dir, err := os.MkdirTemp("", "freshet-bench-")
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	binary, err := rig.Build(ctx, dir)
	if err != nil {
		return nil, err
	}
	gateway, err := rig.StartGateway(ctx, rig.GatewayConfig{Binary: binary, Dir: dir})
	if err != nil {
		return nil, err
	}
	return &Scene{Gateway: gateway, dir: dir}, nil
}

// Push starts the encoder and waits until the broadcast is there. The clip is
// encoded beforehand and loops, so that encoding takes no part of the machine.
// bitrate is that of the whole stream in kbit/s.
func (s *Scene) Push(ctx context.Context, bitrate int) error {
	clip := filepath.Join(s.dir, "clip.ts")
	const audio, overhead = 128, 172
	video := fmt.Sprintf(" -b:v %[1]dk -minrate %[1]dk -maxrate %[1]dk -bufsize %[1]dk", bitrate-audio-overhead)
	args := "-hide_banner -loglevel error -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440:sample_rate=48000 -t 10" +
		" -c:v libx264 -preset ultrafast -bf 2 -g 30 -sc_threshold 0 -pix_fmt yuv420p" +
		video + " -x264-params nal-hrd=cbr -c:a aac -b:a 128k -y"
	encode := exec.CommandContext(ctx, "ffmpeg", append(strings.Fields(args), clip)...) //nolint:gosec // measuring starts programs of its own choice
	if out, err := encode.CombinedOutput(); err != nil {
		return fmt.Errorf("make the clip: %w\n%s", err, out)
	}
	target := rig.Target{Gateway: s.Gateway, StreamID: "publish:" + string(Broadcast)}
	push, err := rig.Replay(ctx, s.dir, target, clip, -1)
	if err != nil {
		return err
	}
	s.push = push
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		list, err := rig.Get(ctx, s.Gateway.HTTP("/v1/broadcasts"))
		if err == nil && strings.Contains(list, string(Broadcast)) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the broadcast does not start: %w\n%s", ctx.Err(), push.Output())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Alive tells whether the encoder and the gateway still run.
func (s *Scene) Alive() error {
	select {
	case <-s.push.Done():
		return fmt.Errorf("the encoder ended: %w\n%s", s.push.Err(), s.push.Output())
	case <-s.Gateway.Done():
		return fmt.Errorf("the gateway ended: %w\n%s", s.Gateway.Err(), s.Gateway.Output())
	default:
		return nil
	}
}

// Close stops all and removes what was written.
func (s *Scene) Close() error {
	if s.push != nil {
		_ = s.push.Kill() // ended or not, it is gone
	}
	err := s.Gateway.Stop(15 * time.Second)
	if removed := os.RemoveAll(s.dir); err == nil {
		err = removed
	}
	return err
}
