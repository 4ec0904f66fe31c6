package impair

import (
	"bufio"
	"fmt"
	"io"
	"sync"
)

// packetLog writes a line for each packet: its direction, number, size and fate.
type packetLog struct {
	mu sync.Mutex
	w  *bufio.Writer // Guarded by mu.
}

func newPacketLog(w io.Writer) *packetLog {
	l := &packetLog{w: bufio.NewWriterSize(w, 64<<10)}
	fmt.Fprintln(l.w, "link,packet,bytes,fate")
	return l
}

func (l *packetLog) write(link string, number uint64, size int, fate Fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, "%s,%d,%d,%s\n", link, number, size, fate)
}

func (l *packetLog) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Flush()
}

// String is the fate in one word, or two.
func (f Fate) String() string {
	switch {
	case f.Dropped != Delivered:
		return f.Dropped.String()
	case f.Reordered && f.Duplicated:
		return "reordered+duplicated"
	case f.Reordered:
		return "reordered"
	case f.Duplicated:
		return "duplicated"
	}
	return "delivered"
}
