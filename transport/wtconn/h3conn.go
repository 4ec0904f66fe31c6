package wtconn

import (
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// h3conn counts the requests of one HTTP/3 connection, so that a drain can
// close it when the last one ends: webtransport-go sends no GOAWAY of HTTP/3.
type h3conn struct {
	qc *quic.Conn

	mu       sync.Mutex
	active   int  // Guarded by mu. Requests and sessions under way.
	draining bool // Guarded by mu.
}

func (c *h3conn) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active++
}

func (c *h3conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active--
	c.leaveLocked()
}

func (c *h3conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
	c.leaveLocked()
}

// leaveLocked closes the connection when it is to go and nothing is under way.
func (c *h3conn) leaveLocked() {
	if c.draining && c.active == 0 {
		c.closeWhenQuiet()
	}
}

// closeWhenQuiet closes the connection once nothing went either way for a while:
// what was answered last may still be on its way, or be sent again, to a client
// with a slow path. Who drains sets the limit by closing the connection itself.
func (c *h3conn) closeWhenQuiet() {
	stats := c.qc.ConnectionStats()
	time.AfterFunc(linger+4*stats.SmoothedRTT, func() {
		now := c.qc.ConnectionStats()
		switch {
		case c.busy() || c.qc.Context().Err() != nil:
		case now.PacketsSent != stats.PacketsSent || now.PacketsReceived != stats.PacketsReceived:
			c.closeWhenQuiet()
		default:
			_ = c.qc.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
		}
	})
}

func (c *h3conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.active > 0
}
