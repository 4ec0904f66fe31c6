package wsconn

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unsentBytes is how much the kernel takes ahead of what it may send. What lies there
// can neither be overtaken by what is more urgent nor taken back; less than two records
// would let the line run dry between two writes.
const unsentBytes = 32 << 10

// shortenQueue keeps what is to be sent in our hands until it can go out.
func shortenQueue(conn net.Conn) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes)
	})
}
