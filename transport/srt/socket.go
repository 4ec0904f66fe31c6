package srt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

const (
	// maxDatagram is the largest UDP payload of Ethernet. What is larger is cut
	// off and thrown away.
	maxDatagram = 1500
	// wantBuffer is what the kernel is asked to hold of unread packets: 100
	// encoders of 8 Mbit/s for 20 ms, with the kernel's own bytes.
	wantBuffer = 4 << 20
)

// datagram is a packet as it came from the socket.
type datagram struct {
	data    []byte // Valid until the next read.
	from    netip.AddrPort
	local   netip.Addr // Where it came to; invalid when the socket has one address.
	arrived time.Time
}

// listenUDP binds without SO_REUSEADDR: two gateways would share a port and lose
// half of the packets each.
func listenUDP(address string) (*net.UDPConn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	network := "udp"
	if host != "" {
		ip, err := netip.ParseAddr(host)
		if err != nil {
			return nil, errors.New("the host must be an IP address, or empty for all")
		}
		network = "udp6"
		if ip.Is4() {
			network = "udp4"
		}
	}
	var plain net.ListenConfig
	conn, err := plain.ListenPacket(context.Background(), network, address)
	if err != nil {
		if cause := errors.Unwrap(err); cause != nil {
			err = cause // Without the address, which our caller tells.
		}
		return nil, err
	}
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return nil, fmt.Errorf("%T for a UDP socket", conn)
	}
	return udp, nil
}

// enlarge asks the kernel for wantBuffer, and tells what to set when it gives
// much less: bursts are then lost in the socket, on a machine that is otherwise
// idle.
func enlarge(conn *net.UDPConn, log *slog.Logger) {
	_ = conn.SetReadBuffer(wantBuffer) // granted tells what came of it.
	granted, err := forceBuffer(conn)
	if err != nil || granted >= wantBuffer {
		return
	}
	log.Warn("srt socket buffer is small, bursts may be lost",
		"receive_bytes", granted, "wanted_bytes", wantBuffer, "remedy", "sysctl -w net.core.rmem_max=7500000")
}
