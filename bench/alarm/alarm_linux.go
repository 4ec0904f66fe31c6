package alarm

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"
)

// Alarm wakes one goroutine at a time, or before it. The runtime's timers are up
// to a millisecond late when nothing else happens, because epoll counts in
// milliseconds; ppoll does not.
type Alarm struct{ fd int }

// New makes an Alarm; Close must follow.
func New() (*Alarm, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	return &Alarm{fd}, err
}

// Sharpen makes this thread's sleeps exact: the kernel adds up to 50 µs to them
// otherwise. The goroutine is locked to its thread.
func (a *Alarm) Sharpen() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // Without it sleeps are a little longer.
}

// Wait returns after d, or after a call of Wake since the last Wait.
func (a *Alarm) Wait(d time.Duration) {
	spec := unix.NsecToTimespec(int64(d))
	set := []unix.PollFd{{Fd: int32(a.fd), Events: unix.POLLIN}}
	if n, _ := unix.Ppoll(set, &spec, nil); n > 0 { // A signal ends it early: the caller looks again.
		var count [8]byte
		_, _ = unix.Read(a.fd, count[:]) // Sets it to zero.
	}
}

// Wake may be called by anybody.
func (a *Alarm) Wake() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(a.fd, one[:]) // Fails when it is full of calls, and so set.
}

// Close frees it.
func (a *Alarm) Close() { _ = unix.Close(a.fd) }
