package wsconn

import (
	"context"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/qmux"
)

// The defaults of draft-lcurley-qmux-websocket-00, "Keep-Alive and Idle Timeout". They
// also keep proxies from closing a session that is paused.
const (
	pingInterval = 5 * time.Second
	pongWithin   = 30 * time.Second
)

// Conn is a session.
type Conn struct {
	*qmux.Conn
	query string
	rtt   atomic.Int64 // Of the last ping; 0 before it.
}

var (
	_ moqt.Conn    = (*Conn)(nil)
	_ moqt.Queried = (*Conn)(nil)
)

// newConn starts a session and keeps the WebSocket alive until it has ended.
func newConn(c *carrier, cfg qmux.Config, query string) *Conn {
	cfg.Carrier = c
	conn := &Conn{Conn: qmux.New(cfg), query: query}
	go conn.keepAlive(c.ws, c.Abort)
	return conn
}

// Query is that of the URL which the peer asked for; what cannot be read is left out.
func (c *Conn) Query() url.Values {
	values, _ := url.ParseQuery(c.query) // It gives what it could read.
	return values
}

// RTT is the last ping's round trip, with what was waiting before it on the way.
func (c *Conn) RTT() time.Duration { return time.Duration(c.rtt.Load()) }

// keepAlive pings, and drops a peer that does not answer.
func (c *Conn) keepAlive(ws *websocket.Conn, abort func()) {
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	for {
		c.KeepAlive()
		if !c.ping(ws) {
			abort()
			return
		}
		select {
		case <-ticker.C:
		case <-c.Context().Done():
			return
		}
	}
}

// ping tells whether the peer answered, or the session has ended.
func (c *Conn) ping(ws *websocket.Conn) bool {
	ctx, cancel := context.WithTimeout(c.Context(), pongWithin)
	defer cancel()
	start := time.Now()
	if err := ws.Ping(ctx); err != nil {
		return c.Context().Err() != nil
	}
	c.rtt.Store(int64(time.Since(start)))
	return true
}
