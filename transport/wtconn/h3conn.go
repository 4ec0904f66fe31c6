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
// What was answered last is still being sent, so it lingers.
func (c *h3conn) leaveLocked() {
	if c.draining && c.active == 0 {
		time.AfterFunc(linger, c.closeIdle)
	}
}

func (c *h3conn) closeIdle() {
	c.mu.Lock()
	idle := c.active == 0
	c.mu.Unlock()
	if idle {
		_ = c.qc.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
	}
}
