package impair

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes one goroutine at a time, or before it. The runtime's timers are up
// to a millisecond late when nothing else happens, because epoll counts in
// milliseconds; ppoll does not.
type alarm struct{ fd int }

func newAlarm() (*alarm, error) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	return &alarm{fd}, err
}

// sharpen makes this thread's sleeps exact: the kernel adds up to 50 µs to them
// otherwise. The goroutine is locked to its thread.
func (a *alarm) sharpen() {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // Without it sleeps are a little longer.
}

// wait returns after d, or after a call of wake since the last wait.
func (a *alarm) wait(d time.Duration) {
	spec := unix.NsecToTimespec(int64(d))
	set := []unix.PollFd{{Fd: int32(a.fd), Events: unix.POLLIN}}
	if n, _ := unix.Ppoll(set, &spec, nil); n > 0 { // A signal ends it early: the caller looks again.
		var count [8]byte
		_, _ = unix.Read(a.fd, count[:]) // Sets it to zero.
	}
}

// wake may be called by anybody.
func (a *alarm) wake() {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	_, _ = unix.Write(a.fd, one[:]) // Fails when it is full of calls, and so set.
}

func (a *alarm) close() { _ = unix.Close(a.fd) }
