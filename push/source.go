package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/freshet-live/freshet/ingest/mpegts"
)

// Source hands whole transport packets to put as they are due, and returns nil at
// the end of the stream. It runs once. put copies.
type Source func(ctx context.Context, put func(packets []byte)) error

// SourceConfig says what to read.
type SourceConfig struct {
	// From is "-" for standard input, udp://[@group]:port, srt://:port to be
	// called, srt://host:port to call, or else a file.
	From string
	// Loop repeats a file.
	Loop bool
	// Interface is that which a multicast group is joined on; empty leaves it to
	// the system.
	Interface string
	// Stdin is what "-" reads.
	Stdin io.Reader
	Log   *slog.Logger
}

var errNoStream = errors.New("no transport stream in it")

// NewSource makes the Source; it opens files.
func NewSource(cfg SourceConfig) (Source, error) {
	u, err := url.Parse(cfg.From)
	remote := err == nil && (u.Scheme == "udp" || u.Scheme == "srt")
	if cfg.Loop && (cfg.From == "-" || remote) {
		return nil, errors.New("only a file can be repeated")
	}
	switch {
	case cfg.From == "-":
		return piped(cfg.Stdin), nil
	case remote && u.Scheme == "udp":
		return listenUDP(u, cfg.Interface)
	case remote:
		return srtSource(cfg.From, u, cfg)
	case strings.Contains(cfg.From, "://"):
		return nil, fmt.Errorf("%s: neither a file nor udp:// nor srt://", cfg.From)
	}
	return file(cfg.From, cfg.Loop)
}

func file(name string, loop bool) (Source, error) {
	if loop {
		ts, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		clip, err := Clip(ts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return clip, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, put func([]byte)) error {
		defer f.Close()
		if err := paced(f)(ctx, put); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}, nil
}

// piped reads as fast as the writer writes: that one sets the pace.
func piped(r io.Reader) Source {
	return func(ctx context.Context, put func([]byte)) error {
		failed := make(chan error, 1)
		// A read of standard input cannot be called off: at the end of ctx this
		// goroutine is left behind, and ends with the process.
		go func() { failed <- copyPackets(ctx, r, put) }()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func copyPackets(ctx context.Context, r io.Reader, put func([]byte)) error {
	var align mpegts.Aligner
	buf := make([]byte, 64<<10)
	some := false
	for ctx.Err() == nil {
		n, err := r.Read(buf)
		packets, syncErr := align.Write(buf[:n])
		if syncErr != nil {
			return syncErr
		}
		if errors.Is(err, io.EOF) {
			packets = append(packets, align.Flush()...)
		}
		if len(packets) > 0 {
			some = true
			put(packets)
		}
		switch {
		case errors.Is(err, io.EOF) && !some:
			return errNoStream
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
	return context.Cause(ctx)
}
