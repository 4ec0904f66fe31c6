package impair

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// txQueue holds bursts until we read them; the kernel's 500 packets are few.
const txQueue = 10000

// openTUN makes a device in its namespace and sets it up.
func openTUN(d Device) (*tun, error) {
	type result struct {
		device *tun
		err    error
	}
	made := make(chan result)
	go func() {
		// The thread enters the namespace and ends with this goroutine.
		runtime.LockOSThread()
		device, err := makeTUN(d)
		made <- result{device, err}
	}()
	r := <-made
	return r.device, r.err
}

func makeTUN(d Device) (*tun, error) {
	if err := enter(d.Namespace); err != nil {
		return nil, fmt.Errorf("enter namespace %s: %w", d.Namespace, err)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(d.Name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("make device: %w", err)
	}
	device := &tun{File: os.NewFile(uintptr(fd), "/dev/net/tun"), name: d.Name}
	if err := setUp(d); err != nil {
		_ = device.Close()
		return nil, err
	}
	device.counters, err = os.Open("/proc/thread-self/net/dev")
	if err != nil {
		_ = device.Close()
		return nil, err
	}
	return device, nil
}

// enter moves this thread into a namespace that "ip netns" made.
func enter(namespace string) error {
	if namespace == "" {
		return nil
	}
	file, err := os.Open(filepath.Join("/run/netns", namespace))
	if err != nil {
		return err
	}
	defer file.Close()
	return unix.Setns(int(file.Fd()), unix.CLONE_NEWNET)
}

// setUp gives the device its address and its queue and switches it on.
func setUp(d Device) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	if d.Address.IsValid() {
		address := d.Address.Addr().As4()
		if err := setAddress(socket, unix.SIOCSIFADDR, d.Name, address[:]); err != nil {
			return fmt.Errorf("set address: %w", err)
		}
		mask := net.CIDRMask(d.Address.Bits(), 32)
		if err := setAddress(socket, unix.SIOCSIFNETMASK, d.Name, mask); err != nil {
			return fmt.Errorf("set netmask: %w", err)
		}
	}
	if err := setNumber(socket, unix.SIOCSIFTXQLEN, d.Name, txQueue); err != nil {
		return fmt.Errorf("set queue: %w", err)
	}
	if err := setNumber(socket, unix.SIOCSIFFLAGS, d.Name, unix.IFF_UP|unix.IFF_RUNNING); err != nil {
		return fmt.Errorf("switch on: %w", err)
	}
	return nil
}

func setAddress(socket int, what uint, name string, address []byte) error {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := request.SetInet4Addr(address); err != nil {
		return err
	}
	return unix.IoctlIfreq(socket, what, request)
}

func setNumber(socket int, what uint, name string, value uint32) error {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	request.SetUint32(value)
	return unix.IoctlIfreq(socket, what, request)
}
