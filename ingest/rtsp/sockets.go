package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
)

// maxConnections bounds those who are connected at once: each has goroutines and
// may send a request of 128 KiB before anybody knows who it is.
const maxConnections = 512

// sockets are bound before the gateway serves, so that an address in use is found
// out at the start.
type sockets struct {
	tcp       net.Listener
	rtp, rtcp net.PacketConn // nil without UDP.
}

func bind(address, rtpAddress string) (*sockets, error) {
	var lc net.ListenConfig
	ctx := context.Background()
	tcp, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &sockets{tcp: &limited{Listener: tcp, slots: make(chan struct{}, maxConnections)}}
	if rtpAddress == "" {
		return s, nil
	}
	rtcpAddress, err := portAbove(rtpAddress)
	if err == nil {
		s.rtp, err = listenUDP(ctx, "udp", rtpAddress)
	}
	if err == nil {
		s.rtcp, err = listenUDP(ctx, "udp", rtcpAddress)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// readBuffer holds a key frame of every publisher while one is being packaged: a
// burst of 100 Mbit/s for a fifth of a second, with what the kernel adds to each
// packet.
const readBuffer = 4 << 20

// listenUDP binds a port with as large a buffer as the system allows: what does not
// fit is lost.
func listenUDP(ctx context.Context, network, address string) (net.PacketConn, error) {
	var lc net.ListenConfig
	c, err := lc.ListenPacket(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if udp, ok := c.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(readBuffer) // It works without.
	}
	return c, nil
}

// portAbove is where RTCP goes (RFC 3550, section 11).
func portAbove(address string) (string, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port%2 != 0 || port == 0 {
		return "", fmt.Errorf("%s: the port of RTP must be an even number", address)
	}
	return net.JoinHostPort(host, strconv.FormatUint(port+1, 10)), nil
}

// listen and listenPacket are how gortsplib asks for a socket.
func (s *sockets) listen(string, string) (net.Listener, error) { return s.tcp, nil }

func (s *sockets) listenPacket(_, address string) (net.PacketConn, error) {
	for _, c := range []net.PacketConn{s.rtp, s.rtcp} {
		if c != nil && c.LocalAddr().String() == address {
			return c, nil
		}
	}
	return nil, errors.New("no such socket: " + address)
}

func (s *sockets) close() {
	_ = s.tcp.Close()
	for _, c := range []net.PacketConn{s.rtp, s.rtcp} {
		if c != nil {
			_ = c.Close()
		}
	}
}

// limited hangs up on those who are too many.
type limited struct {
	net.Listener
	slots chan struct{}
}

func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.slots <- struct{}{}:
			return &slotted{Conn: c, free: sync.OnceFunc(func() { <-l.slots })}, nil
		default:
			_ = c.Close()
		}
	}
}

// slotted gives its slot back when it is closed.
type slotted struct {
	net.Conn
	free func()
}

func (s *slotted) Close() error {
	defer s.free()
	return s.Conn.Close()
}
