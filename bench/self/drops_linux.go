package self

import (
	"bufio"
	"bytes"
	"os"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Drops counts datagrams that found the buffers of sockets full, as /proc/net/udp
// tells by inode. Sockets are counted by a label of their owner's.
type Drops struct {
	mu    sync.Mutex
	of    map[uint64]int    // Guarded by mu. Labels by inode.
	drops map[uint64]uint64 // Guarded by mu. The last reading; closed sockets stay.
	known bool              // Guarded by mu.
}

// NewDrops watches no socket yet.
func NewDrops() *Drops {
	return &Drops{of: make(map[uint64]int), drops: make(map[uint64]uint64)}
}

// Watch counts the drops of a socket for a label from now on.
func (k *Drops) Watch(label int, conn syscall.Conn) {
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
	k.of[stat.Ino] = label
}

// Read looks at the kernel's counts; those of a socket are gone when it is closed.
func (k *Drops) Read() {
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
func (k *Drops) table(text []byte) {
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

// Total is the sum of a label as of the last Read, if it is known.
func (k *Drops) Total(label int) (sum uint64, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for inode, n := range k.drops {
		if k.of[inode] == label {
			sum += n
		}
	}
	return sum, k.known
}
