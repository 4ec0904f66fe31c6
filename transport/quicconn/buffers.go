package quicconn

import (
	"log/slog"
	"net"
	"os"
	"syscall"
)

// wantBuffer is what quic-go asks the kernel for.
const wantBuffer = 7 << 20

// listenUDP binds the socket. quic-go would warn of small buffers in the
// standard log; warnSmallBuffers takes its place.
func listenUDP(addr string) (*net.UDPConn, error) {
	if err := os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true"); err != nil {
		return nil, err
	}
	udp, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	return net.ListenUDP("udp", udp)
}

// warnSmallBuffers tells what to set when the kernel gave quic-go less than it
// asked for: bursts are then lost in the socket, on a machine that is otherwise
// idle.
func warnSmallBuffers(conn net.PacketConn, log *slog.Logger) {
	udp, ok := conn.(syscall.Conn)
	if !ok {
		return
	}
	receive, send, err := bufferSizes(udp)
	if err != nil || receive >= wantBuffer && send >= wantBuffer {
		return
	}
	log.Warn("socket buffers are small, bursts may be lost",
		"receive_bytes", receive, "send_bytes", send, "wanted_bytes", wantBuffer,
		"remedy", "sysctl -w net.core.rmem_max=7500000 net.core.wmem_max=7500000")
}
