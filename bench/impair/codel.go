package impair

import (
	"math"
	"time"
)

// RFC 8289, section 5.2.
const (
	codelTarget   = 5 * time.Millisecond
	codelInterval = 100 * time.Millisecond
	codelPacket   = 1514 // MAXPACKET of the RFC.
)

// codel is the state of RFC 8289, section 5.3.
type codel struct {
	firstAbove time.Duration // 0: below the target.
	dropNext   time.Duration
	count      int
	lastCount  int
	dropping   bool
	owed       bool // A drop was made whose successor is not scheduled yet.
}

// above says whether the queue has been above its target for an interval, given
// the time the packet at hand has waited and what waits behind it (dodequeue).
func (c *codel) above(now, waited time.Duration, behind int, target time.Duration) bool {
	if waited < target || behind <= codelPacket {
		c.firstAbove = 0
		return false
	}
	if c.firstAbove == 0 {
		c.firstAbove = now + codelInterval
		return false
	}
	return now >= c.firstAbove
}

// law is when to drop next (control_law).
func (c *codel) law(from time.Duration) time.Duration {
	return from + time.Duration(float64(codelInterval)/math.Sqrt(float64(c.count)))
}

// drop decides about the packet at hand (dequeue). While it says yes it is asked
// about the next one.
func (c *codel) drop(now time.Duration, above bool) bool {
	if !above {
		c.dropping, c.owed = false, false
		return false
	}
	if c.dropping {
		if c.owed {
			c.dropNext, c.owed = c.law(c.dropNext), false
		}
		if now < c.dropNext {
			return false
		}
		c.count++
		c.owed = true
		return true
	}
	c.dropping = true
	// A queue that was just controlled goes on near the rate that held it.
	fresh := c.count - c.lastCount
	c.count = 1
	if fresh > 1 && now-c.dropNext < 16*codelInterval {
		c.count = fresh
	}
	c.dropNext = c.law(now)
	c.lastCount = c.count
	return true
}
