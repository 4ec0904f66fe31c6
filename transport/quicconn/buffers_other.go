//go:build !unix

package quicconn

import (
	"errors"
	"syscall"
)

func bufferSizes(syscall.Conn) (receive, send int, err error) {
	return 0, 0, errors.ErrUnsupported
}
