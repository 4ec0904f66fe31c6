//go:build !linux

package impair

import "time"

// alarm wakes one goroutine at a time, or before it.
type alarm struct{ set chan struct{} }

func newAlarm() (*alarm, error) { return &alarm{make(chan struct{}, 1)}, nil }

func (a *alarm) sharpen() {}

// wait returns after d, or after a call of wake since the last wait.
func (a *alarm) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-a.set:
	case <-timer.C:
	}
}

// wake may be called by anybody.
func (a *alarm) wake() {
	select {
	case a.set <- struct{}{}:
	default:
	}
}

func (a *alarm) close() {}
