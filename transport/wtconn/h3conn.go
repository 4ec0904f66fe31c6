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
	answered bool // Guarded by mu. A request was: the client may not have it all.
	draining bool // Guarded by mu.
}

func (c *h3conn) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active++
}

// end notes the end of a session, or of another request.
func (c *h3conn) end(session bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active--
	c.answered = c.answered || !session
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

const (
	// deadPath is for how many looks an answer that the client has not confirmed is
	// waited for while nothing moves: QUIC sends it again, each time after twice
	// as long.
	deadPath = 8
	// deadSession is for how many looks a client is listened to of whom nothing comes
	// and who has but left a session: a browser closes its socket without a word.
	deadSession = 2
)

// quiet is what a connection that is to be closed did at the last look.
type quiet struct {
	answers        bool // There may be answers under way.
	sent, received uint64
	// unheard: something was sent, and nothing has come back since.
	unheard bool
	still   int // Looks at which nothing had moved.
	silent  int // Looks at which nothing had come.
}

// closeWhenQuiet closes the connection once nothing went either way for a while:
// what was answered last may still be on its way, or be sent again, to a client
// with a slow path. Who drains sets the limit by closing the connection itself.
// Guarded by mu.
func (c *h3conn) closeWhenQuiet() {
	stats := c.qc.ConnectionStats()
	c.lookAgain(quiet{answers: c.answered, sent: stats.PacketsSent, received: stats.PacketsReceived})
}

func (c *h3conn) lookAgain(q quiet) {
	time.AfterFunc(linger+4*c.qc.ConnectionStats().SmoothedRTT, func() {
		if c.busy() || c.qc.Context().Err() != nil {
			return
		}
		if stats := c.qc.ConnectionStats(); q.over(stats.PacketsSent, stats.PacketsReceived) {
			_ = c.qc.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
			return
		}
		c.lookAgain(q)
	})
}

// over takes the counts of a look, and tells whether the connection is done.
func (q *quiet) over(sent, received uint64) bool {
	q.silent++
	switch {
	case received != q.received:
		q.unheard, q.still, q.silent = false, 0, 0
	case sent != q.sent:
		q.unheard, q.still = true, 0
	default:
		q.still++
		if !q.unheard || q.still >= deadPath {
			return true
		}
	}
	q.sent, q.received = sent, received
	return !q.answers && q.silent >= deadSession
}

func (c *h3conn) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.active > 0
}
