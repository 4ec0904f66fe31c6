//go:build !linux

package srt

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"time"
)

// socket is a UDP socket that is read packet by packet.
type socket struct {
	addr net.Addr
	conn *net.UDPConn

	// Owned by Run.
	data  [maxDatagram + 1]byte
	size  int
	from  netip.AddrPort
	now   time.Time
	limit time.Duration // 0 is none.
}

func newSocket(conn *net.UDPConn) (*socket, error) {
	return &socket{addr: conn.LocalAddr(), conn: conn}, nil
}

// wait leaves it to read to wait.
func (s *socket) wait(d time.Duration) error {
	s.limit = d
	return nil
}

// read waits for a packet, as long as wait was told.
func (s *socket) read() (count int, full bool, err error) {
	deadline := time.Time{}
	if s.limit > 0 {
		deadline = time.Now().Add(s.limit)
	}
	_ = s.conn.SetReadDeadline(deadline)
	s.size, s.from, err = s.conn.ReadFromUDPAddrPort(s.data[:])
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, false, nil
	}
	s.now = time.Now()
	return 1, false, err
}

// at gives the packet of the last read; ok is false when it was cut off.
func (s *socket) at(int) (d datagram, ok bool) {
	from := netip.AddrPortFrom(s.from.Addr().Unmap(), s.from.Port())
	return datagram{data: s.data[:s.size], from: from, arrived: s.now}, s.size <= maxDatagram
}

// target is where packets go to.
type target struct{ to netip.AddrPort }

func (s *socket) targetOf(d datagram) *target { return &target{d.from} }

func (s *socket) send(b []byte, to *target) { _, _ = s.conn.WriteToUDPAddrPort(b, to.to) }

func (s *socket) close() { _ = s.conn.Close() }

func forceBuffer(*net.UDPConn) (granted int, err error) { return 0, errors.ErrUnsupported }
