//go:build unix

package self

import (
	"syscall"
	"time"
)

// CPU is what the process has used so far, in user and system time.
func CPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
