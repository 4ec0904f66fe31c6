package srt

import (
	"encoding/binary"
	"net/netip"
	"strconv"
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

// batch is what one system call reads.
type batch struct {
	headers  [batchSize]messageHeader
	buffers  [batchSize]unix.Iovec
	names    [batchSize][sockaddrSize]byte
	controls [batchSize][controlSize]byte
	data     [batchSize][maxDatagram]byte

	now  time.Time
	wall int64 // now by the clock of the timestamps.
}

func (b *batch) init() {
	for i := range batchSize {
		b.buffers[i].Base = &b.data[i][0]
		b.buffers[i].SetLen(maxDatagram)
		b.headers[i].Name = &b.names[i][0]
		b.headers[i].Iov = &b.buffers[i]
		b.headers[i].SetIovlen(1)
		b.headers[i].Control = &b.controls[i][0]
		b.reset(i)
	}
}

// reset says how much room there is.
func (b *batch) reset(i int) {
	b.headers[i].Namelen = sockaddrSize
	b.headers[i].SetControllen(controlSize)
}

// read does not wait, so it is a raw system call, which the scheduler does not
// notice; the others of a tick are, too. Else the first of them would wake a
// thread of the runtime that looks after system calls, each time that an idle
// process becomes busy: half of all that an encoder costs.
func (b *batch) read(fd int) (count int, full bool, err error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&b.headers[0])), batchSize, unix.MSG_DONTWAIT, 0, 0) //nolint:gosec // The one way to recvmmsg.
		switch errno {
		case 0:
			b.now = time.Now()
			b.wall = b.now.UnixNano()
			return int(n), n == batchSize, nil
		case unix.EAGAIN:
			return 0, false, nil
		case unix.EINTR:
		default:
			return 0, false, errno
		}
	}
}

// at gives a packet of the last read, once; ok is false when it was cut off.
func (b *batch) at(i int) (d datagram, ok bool) {
	h := &b.headers[i]
	d = datagram{data: b.data[i][:h.size], from: parseSockaddr(&b.names[i]), arrived: b.now}
	control := b.controls[i][:min(int(h.Controllen), controlSize)]
	b.reset(i)
	for len(control) >= unix.SizeofCmsghdr {
		header, body, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			break
		}
		b.control(&d, header, body)
		control = rest
	}
	return d, h.Flags&unix.MSG_TRUNC == 0
}

func (b *batch) control(d *datagram, header unix.Cmsghdr, body []byte) {
	switch {
	case header.Level == unix.SOL_SOCKET && header.Type == unix.SCM_TIMESTAMPNS:
		// A clock that was set in between makes no sense of the difference.
		if age := b.wall - parseTimespec(body); age > 0 && age < int64(time.Second) {
			d.arrived = b.now.Add(-time.Duration(age))
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
