//go:build !linux

package impair

import "net"

// enlarge asks for a large socket buffer.
func enlarge(conn *net.UDPConn) {
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
}

// kernelDrops is not known here.
type kernelDrops struct{}

func newKernelDrops() *kernelDrops { return &kernelDrops{} }

func (*kernelDrops) watch(Direction, *net.UDPConn) {}

func (*kernelDrops) read() {}

func (*kernelDrops) total(Direction) (sum uint64, known bool) { return 0, false }
