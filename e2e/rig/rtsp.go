package rig

import (
	"context"
	"slices"
)

// StartRTSP publishes the camera by ffmpeg to an RTSP URL, over "tcp" or "udp".
func StartRTSP(ctx context.Context, dir, url, transport string, camera Camera, encoding Encoding) (*Encoder, error) {
	args := encoding.args(camera)
	args = args[:slices.Index(args, "mpegts")-1] // What stays is how to encode.
	return filmed(ctx, camera, Command{
		Name: "ffmpeg", Path: "ffmpeg", Dir: dir,
		Args: append(args, "-f", "rtsp", "-rtsp_transport", transport, url),
	})
}
