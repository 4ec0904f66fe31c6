package srt

import (
	"errors"
	"testing"
	"time"
)

// When we stood still ourselves nobody was silent: what they sent meanwhile is yet
// to be read.
func TestStandstillIsNotSilence(t *testing.T) {
	_, c, _, _ := faulty(t)
	now := time.Now()
	c.outbox.reset(c, now)
	if _, ended := c.work(now); ended != nil {
		t.Fatal(ended)
	}
	now = now.Add(2 * peerIdle)
	if _, ended := c.work(now); ended != nil {
		t.Errorf("after a standstill: %v", ended)
	}
	for range 3 {
		now = now.Add(keepAlive)
		c.work(now)
	}
	if ended := c.reason(); !errors.Is(ended, ErrPeerSilent) {
		t.Errorf("after silence: %v", ended)
	}
}
