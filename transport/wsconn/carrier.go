package wsconn

import (
	"context"
	"errors"
	"net"

	"github.com/coder/websocket"

	"github.com/freshet-live/freshet/transport/qmux"
)

// carrier is a WebSocket as a qmux.Carrier.
type carrier struct {
	ws  *websocket.Conn
	tcp net.Conn // Below the TLS, if there is any.
}

// newCarrier takes a WebSocket that is open, and the TCP connection below.
func newCarrier(ws *websocket.Conn, tcp net.Conn) *carrier {
	ws.SetReadLimit(qmux.RecordSize)
	shortenQueue(tcp)
	return &carrier{ws: ws, tcp: tcp}
}

var errText = errors.New("websocket: a text message, where all are binary")

// ReadRecord gives the next message.
func (c *carrier) ReadRecord() ([]byte, error) {
	kind, b, err := c.ws.Read(context.Background())
	switch {
	case err != nil:
		return nil, err
	case kind != websocket.MessageBinary:
		return nil, errText
	default:
		return b, nil
	}
}

// WriteRecord waits until the kernel has taken b as a message.
func (c *carrier) WriteRecord(b []byte) error {
	return c.ws.Write(context.Background(), websocket.MessageBinary, b)
}

// Close sends a Close frame and waits, for seconds at most, for the peer's.
func (c *carrier) Close() error { return c.ws.Close(websocket.StatusNormalClosure, "") }

// Abort also ends a Close that waits, where CloseNow would wait with it.
func (c *carrier) Abort() {
	_ = c.tcp.Close()
	_ = c.ws.CloseNow()
}
