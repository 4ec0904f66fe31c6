package qmux

import (
	"context"
	"time"
)

// signal wakes all who wait for it. The zero value is ready. Guarded by Conn.mu.
type signal struct{ ch chan struct{} }

func (s *signal) wait() <-chan struct{} {
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) fire() {
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// waitLocked leaves mu until s fires, or tells that a deadline has passed; zero is none.
func (c *Conn) waitLocked(s *signal, deadline time.Time) (late bool) {
	var expired <-chan time.Time
	if !deadline.IsZero() {
		left := time.Until(deadline)
		if left <= 0 {
			return true
		}
		timer := time.NewTimer(left)
		defer timer.Stop()
		expired = timer.C
	}
	fired := s.wait()
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-fired:
		return false
	case <-expired:
		return true
	}
}

// waitCtxLocked leaves mu until s fires or ctx ends.
func (c *Conn) waitCtxLocked(ctx context.Context, s *signal) error {
	fired := s.wait()
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-fired:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
