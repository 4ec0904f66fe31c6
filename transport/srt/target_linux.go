package srt

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// target is where packets go to, and which of our addresses they come from, in
// the kernel's form. It is not changed after targetOf.
type target struct {
	name    [sockaddrSize]byte
	length  int
	control []byte // nil when there is no choice of address.
}

// targetOf is for answers to a datagram.
func (s *socket) targetOf(d datagram) *target {
	t := &target{}
	addr := d.from.Addr()
	binary.BigEndian.PutUint16(t.name[2:], d.from.Port())
	if s.bind.Is4() {
		binary.NativeEndian.PutUint16(t.name[:], unix.AF_INET)
		ip := addr.As4()
		copy(t.name[4:], ip[:])
		t.length = unix.SizeofSockaddrInet4
	} else {
		binary.NativeEndian.PutUint16(t.name[:], unix.AF_INET6)
		ip := addr.As16()
		copy(t.name[8:], ip[:])
		if scope, err := strconv.Atoi(addr.Zone()); err == nil {
			binary.NativeEndian.PutUint32(t.name[24:], uint32(scope))
		}
		t.length = unix.SizeofSockaddrInet6
	}
	t.control = s.source(d.local)
	return t
}

// source is the control message that has a packet sent from an address of ours.
func (s *socket) source(local netip.Addr) []byte {
	switch {
	case !local.IsValid():
		return nil
	case s.bind.Is4():
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: local.As4()})
	default:
		return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: local.As16()})
	}
}

func (t *target) send(fd int, b []byte) {
	if len(b) == 0 {
		return
	}
	buffer := unix.Iovec{Base: &b[0]}
	buffer.SetLen(len(b))
	h := unix.Msghdr{Name: &t.name[0], Namelen: uint32(t.length), Iov: &buffer}
	h.SetIovlen(1)
	if len(t.control) > 0 {
		h.Control = &t.control[0]
		h.SetControllen(len(t.control))
	}
	_, _, _ = unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&h)), unix.MSG_DONTWAIT) //nolint:gosec // As above.
}
