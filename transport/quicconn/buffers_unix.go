//go:build unix

package quicconn

import (
	"errors"
	"syscall"
)

func bufferSizes(conn syscall.Conn) (receive, send int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, 0, err
	}
	var receiveErr, sendErr error
	err = raw.Control(func(fd uintptr) {
		receive, receiveErr = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF)
		send, sendErr = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF)
	})
	return receive, send, errors.Join(err, receiveErr, sendErr)
}
