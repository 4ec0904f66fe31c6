package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/freshet-live/freshet/e2e/barcode"
)

// Target is where an encoder pushes to.
type Target struct {
	Gateway    *Gateway
	StreamID   string // as the encoder's user writes it, e.g. publish:live/cam1
	Passphrase string
}

// latencyMS is the SRT latency that every encoder here asks for.
const latencyMS = 120

// url is the SRT URL in the words of libsrt's tools and GStreamer (latency in
// ms) or, with microseconds, in ffmpeg's.
func (t Target) url(latency int) string {
	query := url.Values{"streamid": {t.StreamID}, "latency": {strconv.Itoa(latency)}, "mode": {"caller"}}
	if t.Passphrase != "" {
		query.Set("passphrase", t.Passphrase)
	}
	return t.Gateway.SRT() + "?" + query.Encode()
}

// FFmpegURL is the target as ffmpeg wants it: latency in microseconds, and
// payloads of seven packets.
func (t Target) FFmpegURL() string { return t.url(latencyMS*1000) + "&pkt_size=1316" }

// Camera is what the measured encoders film.
type Camera = barcode.Camera

// Encoding says how ffmpeg encodes the camera.
type Encoding struct {
	BFrames int
	GOP     int    // pictures; default one second
	Bitrate string // default 1500k
}

// args encodes standard input with a tone into a transport stream, as somebody
// does who wants low latency: by default ffmpeg gathers 3 kB of audio, a quarter
// of a second, before it sends any, and B-frames that others refer to cost a
// picture more, by which ffmpeg holds back the sound as well.
func (e Encoding) args(camera Camera) []string {
	gop := e.GOP
	if gop == 0 {
		gop = camera.Rate
	}
	bitrate := e.Bitrate
	if bitrate == "" {
		bitrate = "1500k"
	}
	args := "-hide_banner -loglevel warning -fflags nobuffer -f rawvideo -pix_fmt yuv420p" +
		" -s %dx%d -r %d -i pipe:0 -f lavfi -i sine=frequency=440:sample_rate=48000" +
		" -c:v libx264 -preset ultrafast -tune zerolatency -bf %d -x264-params b-pyramid=none -g %d -keyint_min %d -sc_threshold 0" +
		" -b:v %s -c:a aac -b:a 96k -f mpegts -muxdelay 0 -muxpreload 0 -pes_payload_size 0 -flush_packets 1"
	return strings.Fields(fmt.Sprintf(args, camera.Width, camera.Height, camera.Rate, e.BFrames, gop, gop, bitrate))
}

// Encoder is an encoder at work, with the camera before it and, for
// srt-live-transmit, the sender behind it.
type Encoder struct {
	*Process // the one that speaks SRT

	helper *Process
	stop   context.CancelFunc
	filmed chan struct{} // Closed when the camera has stopped.
	input  io.Closer
}

// StartFFmpeg pushes the camera by ffmpeg.
func StartFFmpeg(ctx context.Context, dir string, target Target, camera Camera, encoding Encoding) (*Encoder, error) {
	return filmed(ctx, camera, Command{
		Name: "ffmpeg", Path: "ffmpeg", Dir: dir,
		Args: append(encoding.args(camera), target.FFmpegURL()),
	})
}

// StartGStreamer pushes the camera by GStreamer's srtsink.
func StartGStreamer(ctx context.Context, dir string, target Target, camera Camera) (*Encoder, error) {
	const pipeline = "-q fdsrc fd=0 ! rawvideoparse format=i420 width=%d height=%d framerate=%d/1" +
		" ! queue max-size-buffers=2 ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=%d bitrate=1500" +
		" ! video/x-h264,profile=main ! h264parse config-interval=-1 ! queue ! mux." +
		" audiotestsrc is-live=true samplesperbuffer=480 ! audio/x-raw,rate=48000,channels=2 ! voaacenc ! aacparse ! queue ! mux." +
		" mpegtsmux name=mux alignment=7 ! srtsink sync=false wait-for-connection=false uri=%s"
	text := fmt.Sprintf(pipeline, camera.Width, camera.Height, camera.Rate, camera.Rate, "URI")
	args := strings.Fields(text)
	args[len(args)-1] = "uri=" + target.url(latencyMS)
	return filmed(ctx, camera, Command{Name: "gstreamer", Path: "gst-launch-1.0", Args: args, Dir: dir})
}

// StartLiveTransmit pushes the camera by srt-live-transmit, which ffmpeg feeds
// through a pipe: over UDP a busy machine loses packets before SRT sees them. By
// default it sends when it has read ten times, which is 70 ms of such a stream.
func StartLiveTransmit(ctx context.Context, dir string, target Target, camera Camera, encoding Encoding) (*Encoder, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start srt-live-transmit: %w", err)
	}
	defer r.Close() // The processes have their own ends.
	defer w.Close()
	sender, err := Command{
		Name: "srt-live-transmit", Path: "srt-live-transmit", Dir: dir, Stdin: r,
		Args: []string{"-chunk:1316", "-buffering:1", "file://con", target.url(latencyMS)},
	}.Start(ctx)
	if err != nil {
		return nil, err
	}
	e, err := filmed(ctx, camera, Command{
		Name: "ffmpeg", Path: "ffmpeg", Dir: dir, Stdout: w,
		Args: append(encoding.args(camera), "pipe:1"),
	})
	if err != nil {
		return nil, errors.Join(err, sender.Kill())
	}
	e.Process, e.helper = sender, e.Process
	return e, nil
}

// StartPush pushes the camera by `freshet push`, which ffmpeg feeds through a pipe, to
// a URL; on a machine of its own unless that is nil.
func StartPush(ctx context.Context, dir, binary, to string, machine *Machine, camera Camera, encoding Encoding) (*Encoder, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start freshet push: %w", err)
	}
	defer r.Close() // The processes have their own ends.
	defer w.Close()
	command := Command{Name: "push", Path: binary, Dir: dir, Stdin: r, Args: []string{"push", "--insecure", "--to", to, "-"}}
	if machine != nil {
		command = machine.Inside(command)
	}
	sender, err := command.Start(ctx)
	if err != nil {
		return nil, err
	}
	e, err := filmed(ctx, camera, Command{
		Name: "ffmpeg", Path: "ffmpeg", Dir: dir, Stdout: w,
		Args: append(encoding.args(camera), "pipe:1"),
	})
	if err != nil {
		return nil, errors.Join(err, sender.Kill())
	}
	e.Process, e.helper = sender, e.Process
	return e, nil
}

// filmed starts an encoder that reads the camera from its standard input.
func filmed(ctx context.Context, camera Camera, command Command) (*Encoder, error) {
	ctx, cancel := context.WithCancel(ctx)
	r, w := io.Pipe()
	command.Stdin = r
	process, err := command.Start(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	e := &Encoder{Process: process, stop: cancel, filmed: make(chan struct{}), input: r}
	go func() {
		defer close(e.filmed)
		_ = camera.Run(ctx, w) // ends with the encoder, whose log has the reason
	}()
	return e, nil
}

// Stop ends the encoder without ceremony, and returns when all of it has ended.
func (e *Encoder) Stop() {
	e.stop()
	_ = e.input.Close() // so that the camera's write returns
	<-e.filmed
	_ = e.Kill() // a process that has ended cannot be killed
	if e.helper != nil {
		_ = e.helper.Kill()
	}
}

// Replay pushes a transport stream file in real time, loop times more (-1 for
// ever), by ffmpeg without re-encoding.
func Replay(ctx context.Context, dir string, target Target, file string, loops int) (*Process, error) {
	args := "-hide_banner -loglevel warning -re -stream_loop %d -i %s -map 0 -c copy -f mpegts -muxdelay 0 -muxpreload 0 -pes_payload_size 0 -flush_packets 1"
	return Command{
		Name: "replay", Path: "ffmpeg", Dir: dir,
		Args: append(strings.Fields(fmt.Sprintf(args, loops, file)), target.FFmpegURL()),
	}.Start(ctx)
}
