package httpd

import (
	"net"
	"net/netip"
	"sync"
)

// connLimit caps the connections over TCP, those that wait for a request among
// them; QUIC has limits of its own. A connection too many is closed at once: left
// in the kernel's queue it would be answered when nobody waits any more.
type connLimit struct {
	total, perIP int

	mu    sync.Mutex
	conns int                // Guarded by mu.
	byIP  map[netip.Addr]int // Guarded by mu. Never holds a zero.
}

func newConnLimit(total int) *connLimit {
	return &connLimit{total: total, perIP: max(1, total/2), byIP: make(map[netip.Addr]int)}
}

// listen gives a listener whose connections count; listeners may share a limit.
func (l *connLimit) listen(inner net.Listener, refused func()) net.Listener {
	return &limitedListener{Listener: inner, limit: l, refused: refused}
}

func (l *connLimit) enter(ip netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns >= l.total || l.byIP[ip] >= l.perIP {
		return false
	}
	l.conns++
	l.byIP[ip]++
	return true
}

func (l *connLimit) leave(ip netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns--
	if l.byIP[ip]--; l.byIP[ip] == 0 {
		delete(l.byIP, ip)
	}
}

type limitedListener struct {
	net.Listener
	limit   *connLimit
	refused func()
}

func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		ip := remoteIP(conn)
		if l.limit.enter(ip) {
			return &limitedConn{Conn: conn, leave: sync.OnceFunc(func() { l.limit.leave(ip) })}, nil
		}
		l.refused()
		_ = conn.Close()
	}
}

func remoteIP(conn net.Conn) netip.Addr {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

type limitedConn struct {
	net.Conn
	leave func()
}

func (c *limitedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// CloseWrite is what net/http looks for, to let an error's answer arrive.
func (c *limitedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
