package impair

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// enlarge asks for a large socket buffer, beyond the system's limit if we may.
func enlarge(conn *net.UDPConn) {
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	raw, err := conn.SyscallConn()
	if err != nil {
		return // The default may do; own loss is counted.
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBuffer)
	})
}

// kernelDrops counts datagrams that found our sockets' buffers full, as
// /proc/net/udp tells by inode.
type kernelDrops struct {
	mu    sync.Mutex
	of    map[uint64]Direction // Guarded by mu. By inode.
	drops map[uint64]uint64    // Guarded by mu. The last reading; closed sockets stay.
	known bool                 // Guarded by mu.
}

func newKernelDrops() *kernelDrops {
	return &kernelDrops{of: make(map[uint64]Direction), drops: make(map[uint64]uint64)}
}

// watch counts the drops of a socket for a direction from now on.
func (k *kernelDrops) watch(d Direction, conn *net.UDPConn) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	var stat unix.Stat_t
	if err := raw.Control(func(fd uintptr) { _ = unix.Fstat(int(fd), &stat) }); err != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.of[stat.Ino] = d
}

func (k *kernelDrops) read() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, file := range []string{"/proc/self/net/udp", "/proc/self/net/udp6"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		k.known = true
		k.table(text)
	}
}

// table reads lines of which field 9 is the inode and the last the drops.
func (k *kernelDrops) table(text []byte) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		fields := bytes.Fields(lines.Bytes())
		if len(fields) < 13 {
			continue
		}
		inode, _ := strconv.ParseUint(string(fields[9]), 10, 64) // 0 in the header.
		if _, ours := k.of[inode]; ours {
			k.drops[inode], _ = strconv.ParseUint(string(fields[12]), 10, 64)
		}
	}
}

// total is the sum of a direction, if it is known.
func (k *kernelDrops) total(d Direction) (sum uint64, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for inode, n := range k.drops {
		if k.of[inode] == d {
			sum += n
		}
	}
	return sum, k.known
}
