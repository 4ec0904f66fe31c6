package srt

import (
	"testing"
	"time"
)

// Run returns when everybody was told and the port is free, even if somebody else
// was first to close.
func TestCloseWaitsForTheFirst(t *testing.T) {
	l, c, _, _ := faulty(t)
	c.mu.Lock()
	first, second := make(chan struct{}), make(chan struct{})
	go func() { defer close(first); l.Close() }()
	for !l.hasEnded() {
		time.Sleep(time.Millisecond)
	}
	go func() { defer close(second); l.Close() }()
	select {
	case <-second:
		t.Error("returned before the connections were closed")
	case <-time.After(50 * time.Millisecond):
	}
	c.mu.Unlock()
	<-first
	<-second
}
