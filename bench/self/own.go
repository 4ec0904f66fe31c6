package self

import (
	"errors"
	"slices"
	"strings"
	"syscall"
)

// own are the errors of a process that has no file, port or memory left.
var own = []syscall.Errno{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.EADDRNOTAVAIL, syscall.EADDRINUSE, syscall.EAGAIN,
}

// Own tells whether it was this process, or its machine, that could not open another
// connection. An error that was put into a text on its way here is known by that.
func Own(err error) bool {
	return err != nil && slices.ContainsFunc(own, func(code syscall.Errno) bool {
		return errors.Is(err, code) || strings.Contains(err.Error(), code.Error())
	})
}

// Failed is told why a connection could not be opened, or broke.
func (w *Watch) Failed(err error) {
	if !Own(err) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed++
}
