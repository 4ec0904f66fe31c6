package srt

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socket is a UDP socket that the runtime does not watch: its poller would wake a
// thread for every packet, whether or not somebody waits for it, and one of its
// timers costs an idle process twice what the kernel's does. So the runtime
// watches an epoll instance in the socket's place, which tells of one packet or
// of the end of a pause, whichever wait is for.
type socket struct {
	addr net.Addr
	bind netip.Addr

	mu     sync.RWMutex // Held for reading while fd is in use.
	closed bool
	fd     int
	timer  int
	epoll  *os.File        // Tells of the socket and the timer.
	armed  syscall.RawConn // epoll's.

	// Owned by Run.
	batch  batch
	ready  func(epoll uintptr) bool // isReady, made once.
	arming bool
	pause  time.Duration
	armErr error

	timerSpec   unix.ItimerSpec
	socketEvent unix.EpollEvent
	events      [1]unix.EpollEvent
}

func newSocket(conn *net.UDPConn) (*socket, error) {
	s := &socket{addr: conn.LocalAddr()}
	s.bind = conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr() //nolint:errcheck // A UDPConn's.
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var dupErr error
	if err := raw.Control(func(fd uintptr) {
		s.fd, dupErr = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil || dupErr != nil {
		return nil, errors.Join(err, dupErr)
	}
	s.setOptions()
	s.batch.init()
	if err := s.watch(); err != nil {
		return nil, errors.Join(err, unix.Close(s.fd))
	}
	return s, conn.Close()
}

// setOptions has the kernel tell when packets came, and where to if that can be
// several addresses: the answers have to come from the same.
func (s *socket) setOptions() {
	// An old kernel goes without: then the time of reading counts.
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	if s.bind.IsUnspecified() {
		_ = unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		_ = unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	}
}

func (s *socket) watch() error {
	s.ready = s.isReady
	s.socketEvent.Events = unix.EPOLLIN | unix.EPOLLONESHOT
	var err error
	s.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return err
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return errors.Join(err, unix.Close(s.timer))
	}
	if err := errors.Join(
		unix.SetNonblock(fd, true), // That the runtime watches it.
		unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, s.fd, &unix.EpollEvent{Events: unix.EPOLLONESHOT}),
		// EPOLLET, so that nobody has to read the timer.
		unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, s.timer, &unix.EpollEvent{Events: unix.EPOLLIN | 1<<31}),
	); err != nil {
		return errors.Join(err, unix.Close(fd), unix.Close(s.timer))
	}
	s.epoll = os.NewFile(uintptr(fd), "epoll")
	s.armed, err = s.epoll.SyscallConn()
	return err
}

// wait waits for a time, or if that is 0 until there is something to read.
func (s *socket) wait(d time.Duration) error {
	s.arming, s.pause, s.armErr = true, d, nil
	return errors.Join(s.armed.Read(s.ready), s.armErr)
}

// isReady is called before waiting, and whenever epoll tells of something; while
// it is false, armed.Read waits.
func (s *socket) isReady(epoll uintptr) bool {
	if s.arming {
		s.arming = false
		if s.pause > 0 {
			s.timerSpec.Value = unix.NsecToTimespec(int64(s.pause))
			s.armErr = unix.TimerfdSettime(s.timer, 0, &s.timerSpec, nil)
		} else {
			s.armErr = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_MOD, s.fd, &s.socketEvent)
		}
		return s.armErr != nil
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, epoll, uintptr(unsafe.Pointer(&s.events[0])), 1, 0, 0, 0) //nolint:gosec // See batch.read.
	return n == 1 || errno != 0 && errno != unix.EINTR
}

// read gives how many packets are there, without waiting. full tells that there
// may be more.
func (s *socket) read() (count int, full bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return 0, false, net.ErrClosed
	}
	return s.batch.read(s.fd)
}

func (s *socket) at(i int) (d datagram, ok bool) { return s.batch.at(i) }

// send writes a packet; what the socket does not take is lost like any packet.
func (s *socket) send(b []byte, to *target) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.closed {
		to.send(s.fd, b)
	}
}

func (s *socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	_ = s.epoll.Close() // Ends wait.
	_ = unix.Close(s.timer)
	_ = unix.Close(s.fd)
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
	return granted, errors.Join(err, optErr)
}
