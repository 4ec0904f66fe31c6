package push

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/url"

	"github.com/freshet-live/freshet/transport/moqt"
)

// OutputConfig says where to send.
type OutputConfig struct {
	// To is srt://host:port?streamid=.., quic://host:port/name, moqt://host:port/name,
	// https://host:port/moq?name=.., rtsp://host:port/name, file:name, or "-" for Stdout.
	To string
	// Stdout is what "-" writes to.
	Stdout io.Writer
	// TLS says which certificates count.
	TLS *tls.Config
	// DialMoQ connects to a https or moqt URL; draft zero is the newest.
	DialMoQ func(ctx context.Context, url string, draft int, conf *tls.Config) (moqt.Conn, error)
	// Once gives up when the first connection ends.
	Once   bool
	Status *Status
	Log    *slog.Logger
}

// Output sends what a Queue gives to its end, over as many connections as it
// takes.
type Output func(ctx context.Context, q *Queue) error

// NewOutput makes the Output; it connects nowhere yet.
func NewOutput(cfg OutputConfig) (Output, error) {
	if cfg.To == "-" {
		return toFile(cfg, nopCloser{cfg.Stdout}), nil
	}
	u, err := url.Parse(cfg.To)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "srt":
		return toSRT(cfg, u)
	case "quic":
		return toQUIC(cfg)
	case "moqt", "moq", "https":
		return toMoQ(cfg, u)
	case "rtsp", "rtsps":
		return toRTSP(cfg, u)
	case "file":
		return openFile(cfg, cmp.Or(u.Opaque, u.Path))
	}
	return nil, fmt.Errorf("%s: none of srt, quic, moqt, https, rtsp, file and -", u.Redacted())
}
