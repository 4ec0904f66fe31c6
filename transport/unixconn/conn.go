package unixconn

import (
	"context"
	"fmt"
	"net"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/qmux"
)

// Protocol is the draft that both sides speak: they are one program.
const Protocol = "moqt-18"

// Windows and streams of either side. One relay asks another for every track that
// somebody watches, and groups of all of them are under way at one time.
const (
	streamWindow = 4 << 20
	connWindow   = 32 << 20
	streams      = 1024
)

func config(conn net.Conn, client bool) qmux.Config {
	return qmux.Config{
		Carrier: newCarrier(conn), Client: client, Protocol: Protocol, RemoteAddr: conn.RemoteAddr(),
		StreamWindow: streamWindow, ConnWindow: connWindow, Streams: streams, UniStreams: streams,
	}
}

// Dial connects to the socket at path.
func Dial(ctx context.Context, path string) (moqt.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	c := qmux.New(config(conn, true))
	if err := c.Ready(ctx); err != nil {
		_ = c.CloseWithError(0, "")
		return nil, fmt.Errorf("unix socket %s: %w", path, err)
	}
	return c, nil
}
