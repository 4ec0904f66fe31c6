package push

import (
	"context"
	"fmt"
	"net/url"

	"github.com/freshet-live/freshet/ingest/mpegts"
	"github.com/freshet-live/freshet/ingest/srt"
)

func toSRT(cfg OutputConfig, u *url.URL) (Output, error) {
	if u.Port() == "" || u.Hostname() == "" {
		return nil, fmt.Errorf("%s is no URL such as srt://host:8890?streamid=publish:live/cam1", u.Redacted())
	}
	return func(ctx context.Context, q *Queue) error {
		return retry(ctx, cfg, func(ctx context.Context) error {
			c, err := srt.Call(cfg.To)
			if err != nil {
				return err
			}
			defer c.Close()
			cfg.Log.Info("connected", "to", u.Host)
			cfg.Status.connected(func() Link {
				s := c.Stats()
				return Link{RTT: s.RTT, Lost: s.Lost, Retransmitted: s.Retransmitted, Dropped: s.Dropped}
			})
			return c.Send(ctx, countingReader{q.Reader(ctx), cfg.Status})
		})
	}, nil
}

// srtSource reads from a caller, or calls.
func srtSource(raw string, u *url.URL, cfg SourceConfig) (Source, error) {
	if u.Port() == "" {
		return nil, fmt.Errorf("%s has no port", u.Redacted())
	}
	return func(ctx context.Context, put func([]byte)) error {
		s := &srtReader{put: put}
		if u.Hostname() == "" || u.Query().Get("mode") == "listener" {
			return srt.ReceiveOne(ctx, raw, s.write, func(err error) {
				s.align = mpegts.Aligner{}
				cfg.Log.Warn("srt source gone", "error", err)
			})
		}
		return s.call(ctx, raw, cfg)
	}, nil
}

type srtReader struct {
	put   func([]byte)
	align mpegts.Aligner
}

func (s *srtReader) write(b []byte) error {
	packets, err := s.align.Write(b)
	if len(packets) > 0 {
		s.put(packets)
	}
	return err
}

// call calls again and again.
func (s *srtReader) call(ctx context.Context, raw string, cfg SourceConfig) error {
	for {
		s.align = mpegts.Aligner{}
		c, err := srt.Call(raw)
		if err == nil {
			err = c.Receive(ctx, s.write)
			c.Close()
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		cfg.Log.Warn("srt source lost", "error", err)
		if !sleep(ctx, lineEvery) {
			return context.Cause(ctx)
		}
	}
}
