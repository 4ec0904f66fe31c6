package wsconn

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// hijacker notes the TCP connection that an upgrade takes over.
type hijacker struct {
	http.ResponseWriter
	tcp net.Conn
}

// Hijack also lifts the deadlines that the request had.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	h.tcp = below(conn)
	return conn, buffered, nil
}

// below is what TLS runs over, or conn itself.
func below(conn net.Conn) net.Conn {
	for {
		upper, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return conn
		}
		conn = upper.NetConn()
	}
}
