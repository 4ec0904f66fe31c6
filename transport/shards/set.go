package shards

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// Set is the sockets of one address, one for each process.
type Set struct {
	// Set by TCP and UDP, then read-only.
	addr  net.Addr
	files []*os.File
}

// TCP binds n listening sockets. The address must be free: processes that know nothing of
// each other would share it without a word.
func TCP(address string, n int) (*Set, error) {
	return bind(address, n, func(conf *net.ListenConfig, address string) (socket, error) {
		l, err := conf.Listen(context.Background(), "tcp", address)
		if err != nil {
			return nil, err
		}
		return listening{l}, nil
	})
}

// UDP binds n sockets for QUIC; see ConnectionIDs.
func UDP(address string, n int) (*Set, error) {
	s, err := bind(address, n, func(conf *net.ListenConfig, address string) (socket, error) {
		c, err := conf.ListenPacket(context.Background(), "udp", address)
		if err != nil {
			return nil, err
		}
		return packets{c}, nil
	})
	if err != nil {
		return nil, err
	}
	if err := steer(s.files[0], n); err != nil {
		return nil, errors.Join(fmt.Errorf("steer packets: %w", err), s.Close())
	}
	return s, nil
}

// Addr is the address, with the port that the system chose if that was left to it.
func (s *Set) Addr() net.Addr { return s.addr }

// File is the socket of a process, to be inherited; it stays the Set's.
func (s *Set) File(index int) *os.File { return s.files[index] }

// Close lets go of the sockets. Processes that have them keep them.
func (s *Set) Close() error {
	errs := make([]error, 0, len(s.files))
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// Listener is an inherited socket of TCP. f is closed.
func Listener(f *os.File) (net.Listener, error) {
	defer f.Close()
	return net.FileListener(f)
}

// PacketConn is an inherited socket of UDP. f is closed.
func PacketConn(f *os.File) (net.PacketConn, error) {
	defer f.Close()
	return net.FilePacketConn(f)
}

// socket is what TCP and UDP have in common.
type socket interface {
	Close() error
	local() net.Addr
	file() (*os.File, error)
}

type listening struct{ net.Listener }

func (l listening) local() net.Addr         { return l.Addr() }
func (l listening) file() (*os.File, error) { return fileOf(l.Listener) }

type packets struct{ net.PacketConn }

func (p packets) local() net.Addr         { return p.LocalAddr() }
func (p packets) file() (*os.File, error) { return fileOf(p.PacketConn) }

func fileOf(conn any) (*os.File, error) {
	f, ok := conn.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, fmt.Errorf("%T has no file", conn)
	}
	return f.File()
}

// bind opens n sockets at an address.
func bind(address string, n int, open func(conf *net.ListenConfig, address string) (socket, error)) (*Set, error) {
	probe, err := open(&net.ListenConfig{}, address)
	if err != nil {
		return nil, err
	}
	// The first says which port is meant.
	s := &Set{addr: probe.local()}
	if err := probe.Close(); err != nil {
		return nil, err
	}
	shared := &net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error { return reusePort(c) }}
	for range n {
		f, err := openFile(shared, s.addr.String(), open)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.files = append(s.files, f)
	}
	return s, nil
}

func openFile(conf *net.ListenConfig, address string, open func(*net.ListenConfig, string) (socket, error)) (*os.File, error) {
	conn, err := open(conf, address)
	if err != nil {
		return nil, err
	}
	f, err := conn.file()
	return f, errors.Join(err, conn.Close())
}
