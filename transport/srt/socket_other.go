//go:build !linux

package srt

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// reader reads a socket packet by packet. It is for one goroutine.
type reader struct {
	conn *net.UDPConn
	data [maxDatagram + 1]byte
	size int
	from netip.AddrPort
	now  time.Time
}

func newReader(conn *net.UDPConn) (*reader, error) { return &reader{conn: conn}, nil }

// read waits for a packet. There may always be more.
func (r *reader) read() (count int, full bool, err error) {
	r.size, r.from, err = r.conn.ReadFromUDPAddrPort(r.data[:])
	if err != nil {
		return 0, false, err
	}
	r.now = time.Now()
	return 1, true, nil
}

// at gives the packet of the last read; ok is false when it was cut off.
func (r *reader) at(int) (d datagram, ok bool) {
	from := netip.AddrPortFrom(r.from.Addr().Unmap(), r.from.Port())
	return datagram{data: r.data[:r.size], from: from, arrived: r.now}, r.size <= maxDatagram
}

func sourceFrom(*net.UDPConn, netip.Addr) []byte { return nil }

func forceBuffer(*net.UDPConn) (granted int, err error) { return 0, errors.ErrUnsupported }
