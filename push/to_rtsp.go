package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/freshet-live/freshet/ingest/mpegts"
)

// toRTSP publishes over RTSP (RFC 2326), RTP interleaved in its TCP connection.
func toRTSP(cfg OutputConfig, u *url.URL) (Output, error) {
	if u.Hostname() == "" || u.Path == "" || u.Path == "/" {
		return nil, fmt.Errorf("%s is no URL such as rtsp://host:8554/live/cam1", u.Redacted())
	}
	if u.Port() == "" {
		plain := *u
		plain.Host += map[string]string{"rtsp": ":554", "rtsps": ":322"}[u.Scheme]
		u = &plain
	}
	return func(ctx context.Context, q *Queue) error {
		return retry(ctx, cfg, func(ctx context.Context) error { return sendRTSP(ctx, cfg, u, q) })
	}, nil
}

// sendRTSP is one connection: the streams are announced once enough came to describe
// them.
func sendRTSP(ctx context.Context, cfg OutputConfig, u *url.URL, q *Queue) error {
	p := &rtspPublisher{cfg: cfg, url: u}
	defer p.close()
	alive, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p.ended = cancel
	demuxer := mpegts.New(mpegts.Config{Sink: p, Logger: cfg.Log})
	for {
		packets, _, err := q.Next(alive)
		switch {
		case err != nil && alive.Err() != nil: // io.EOF may be the server's hanging up, no end of the stream.
			return fmt.Errorf("send rtsp: %w", context.Cause(alive))
		case errors.Is(err, io.EOF):
			return demuxer.Flush(time.Now())
		case err != nil:
			return fmt.Errorf("send rtsp: %w", err)
		}
		if err := demuxer.Write(packets, time.Now()); err != nil {
			return fmt.Errorf("send rtsp: %w", err)
		}
		cfg.Status.sent(len(packets))
	}
}
