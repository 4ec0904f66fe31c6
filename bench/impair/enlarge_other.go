//go:build !linux

package impair

import "net"

// enlarge asks for a large socket buffer.
func enlarge(conn *net.UDPConn) {
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
}
