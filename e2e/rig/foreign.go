package rig

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// BuildPublisher compiles the MoQ publisher that is made of other people's code, a
// module of its own below e2e, into dir.
func BuildPublisher(ctx context.Context, module, dir string) (string, error) {
	binary := filepath.Join(dir, "publisher")
	cmd := exec.CommandContext(ctx, "go", "build", "-C", module, "-o", binary, "./publisher") //nolint:gosec // our own source
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the foreign publisher: %w\n%s", err, out)
	}
	return binary, nil
}

// StartForeignPublisher films, has ffmpeg encode and fragment, and publishes the
// fragments over MoQ by a foreign client.
func StartForeignPublisher(ctx context.Context, dir, binary string, gateway *Gateway, namespace string, camera Camera) (*Encoder, error) {
	video, audio := filepath.Join(dir, "video.fifo"), filepath.Join(dir, "audio.fifo")
	if err := errors.Join(syscall.Mkfifo(video, 0o600), syscall.Mkfifo(audio, 0o600)); err != nil {
		return nil, fmt.Errorf("make pipes: %w", err)
	}
	const fragments = " -f mp4 -use_editlist 0 -movflags +cmaf+empty_moov+default_base_moof+frag_every_frame+skip_trailer -flush_packets 1 -y %s"
	args := fmt.Sprintf("-hide_banner -loglevel warning -fflags nobuffer -f rawvideo -pix_fmt yuv420p -s %dx%d -r %d -i pipe:0"+
		" -f lavfi -i sine=frequency=440:sample_rate=48000"+
		" -map 0:v -c:v libx264 -preset ultrafast -tune zerolatency -bf 0 -g %d -keyint_min %d -sc_threshold 0 -b:v 1500k"+fragments+
		" -map 1:a -c:a aac -b:a 96k"+fragments,
		camera.Width, camera.Height, camera.Rate, camera.Rate, camera.Rate, video, audio)
	e, err := filmed(ctx, camera, Command{Name: "ffmpeg", Path: "ffmpeg", Args: strings.Fields(args), Dir: dir})
	if err != nil {
		return nil, err
	}
	e.helper, err = Command{
		Name: "publisher", Path: binary, Dir: dir,
		Args: []string{
			"-addr", gateway.QUIC(), "-namespace", namespace, "-video", video, "-audio", audio,
			"-gop", fmt.Sprint(camera.Rate),
		},
	}.Start(ctx)
	if err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}
