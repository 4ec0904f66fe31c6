package srt

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batchSize    = 64
	sockaddrSize = unix.SizeofSockaddrInet6
	controlSize  = 128 // A timestamp and a packet info of IPv6.
)

// messageHeader is the kernel's struct mmsghdr.
type messageHeader struct {
	unix.Msghdr

	size uint32
}

// reader reads a socket in batches. It is for one goroutine.
type reader struct {
	raw  syscall.RawConn
	call func(fd uintptr) bool // r.receive, made once.

	count int
	errno syscall.Errno

	headers  [batchSize]messageHeader
	buffers  [batchSize]unix.Iovec
	names    [batchSize][sockaddrSize]byte
	controls [batchSize][controlSize]byte
	data     [batchSize][maxDatagram]byte

	now  time.Time
	wall int64 // now by the clock of the timestamps.
}

// newReader has the kernel tell when packets came, and where to if that can be
// several addresses: the answers have to come from the same.
func newReader(conn *net.UDPConn) (*reader, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &reader{raw: raw}
	r.call = r.receive
	for i := range batchSize {
		r.buffers[i].Base = &r.data[i][0]
		r.buffers[i].SetLen(maxDatagram)
		r.headers[i].Name = &r.names[i][0]
		r.headers[i].Iov = &r.buffers[i]
		r.headers[i].SetIovlen(1)
		r.headers[i].Control = &r.controls[i][0]
	}
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr() //nolint:errcheck // A UDPConn's.
	err = raw.Control(func(fd uintptr) {
		// An old kernel goes without: then the time of reading counts.
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
		if local.IsUnspecified() {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		}
	})
	return r, err
}

// read waits for packets and gives how many came. full tells that there may be
// more.
func (r *reader) read() (count int, full bool, err error) {
	for i := range batchSize {
		r.headers[i].Namelen = sockaddrSize
		r.headers[i].SetControllen(controlSize)
		r.headers[i].Flags = 0
	}
	r.count, r.errno = 0, 0
	if err := r.raw.Read(r.call); err != nil {
		return 0, false, err
	}
	if r.errno != 0 {
		return 0, false, r.errno
	}
	r.now = time.Now()
	r.wall = r.now.UnixNano()
	return r.count, r.count == batchSize, nil
}

// receive is false when the socket has nothing, which makes raw.Read wait.
func (r *reader) receive(fd uintptr) bool {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd,
			uintptr(unsafe.Pointer(&r.headers[0])), batchSize, unix.MSG_DONTWAIT, 0, 0) //nolint:gosec // The one way to recvmmsg.
		switch errno {
		case 0:
			r.count = int(n)
			return true
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			r.errno = errno
			return true
		}
	}
}

// at gives a packet of the last read; ok is false when it was cut off.
func (r *reader) at(i int) (d datagram, ok bool) {
	h := &r.headers[i]
	if h.Flags&unix.MSG_TRUNC != 0 {
		return d, false
	}
	d.data = r.data[i][:h.size]
	d.from = parseSockaddr(&r.names[i])
	d.arrived = r.now
	control := r.controls[i][:min(int(h.Controllen), controlSize)]
	for len(control) >= unix.SizeofCmsghdr {
		header, body, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			break
		}
		r.control(&d, header, body)
		control = rest
	}
	return d, true
}

func (r *reader) control(d *datagram, header unix.Cmsghdr, body []byte) {
	switch {
	case header.Level == unix.SOL_SOCKET && header.Type == unix.SCM_TIMESTAMPNS:
		// A clock that was set in between makes no sense of the difference.
		if age := r.wall - parseTimespec(body); age > 0 && age < int64(time.Second) {
			d.arrived = r.now.Add(-time.Duration(age))
		}
	case header.Level == unix.IPPROTO_IP && header.Type == unix.IP_PKTINFO && len(body) >= unix.SizeofInet4Pktinfo:
		d.local = netip.AddrFrom4([4]byte(body[4:])) // ipi_spec_dst
	case header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_PKTINFO && len(body) >= unix.SizeofInet6Pktinfo:
		d.local = netip.AddrFrom16([16]byte(body))
	}
}

// parseTimespec reads the kernel's struct timespec, of 32 or 64 bits, as
// nanoseconds.
func parseTimespec(b []byte) int64 {
	switch len(b) {
	case 16:
		return int64(binary.NativeEndian.Uint64(b))*1e9 + int64(binary.NativeEndian.Uint64(b[8:]))
	case 8:
		return int64(binary.NativeEndian.Uint32(b))*1e9 + int64(binary.NativeEndian.Uint32(b[4:]))
	}
	return 0
}

func parseSockaddr(b *[sockaddrSize]byte) netip.AddrPort {
	port := binary.BigEndian.Uint16(b[2:])
	switch binary.NativeEndian.Uint16(b[:]) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:])), port)
	case unix.AF_INET6:
		ip := netip.AddrFrom16([16]byte(b[8:])).Unmap()
		if scope := binary.NativeEndian.Uint32(b[24:]); scope != 0 && ip.IsLinkLocalUnicast() {
			ip = ip.WithZone(strconv.Itoa(int(scope)))
		}
		return netip.AddrPortFrom(ip, port)
	}
	return netip.AddrPort{}
}

// sourceFrom makes the control message that has a packet sent from an address of
// ours; nil when there is no choice.
func sourceFrom(conn *net.UDPConn, local netip.Addr) []byte {
	if !local.IsValid() {
		return nil
	}
	bound := conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr() //nolint:errcheck // A UDPConn's.
	if bound.Is4() {
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: local.Unmap().As4()})
	}
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: local.As16()})
}

// forceBuffer goes over the administrator's limit if we may, and gives what the
// kernel granted at last; Linux counts twice of what it was asked for.
func forceBuffer(conn *net.UDPConn) (granted int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var optErr error
	err = raw.Control(func(fd uintptr) {
		granted, optErr = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
		if optErr == nil && granted < wantBuffer {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, wantBuffer)
			granted, optErr = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
		}
	})
	if err == nil {
		err = optErr
	}
	return granted, err
}
