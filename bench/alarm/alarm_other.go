//go:build !linux

package alarm

import "time"

// Alarm wakes one goroutine at a time, or before it.
type Alarm struct{ set chan struct{} }

// New makes an Alarm; Close must follow.
func New() (*Alarm, error) { return &Alarm{make(chan struct{}, 1)}, nil }

// Sharpen does nothing: the runtime's timers are what there is.
func (a *Alarm) Sharpen() {}

// Wait returns after d, or after a call of Wake since the last Wait.
func (a *Alarm) Wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-a.set:
	case <-timer.C:
	}
}

// Wake may be called by anybody.
func (a *Alarm) Wake() {
	select {
	case a.set <- struct{}{}:
	default:
	}
}

// Close frees it.
func (a *Alarm) Close() {}
