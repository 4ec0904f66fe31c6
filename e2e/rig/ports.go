package rig

import (
	"errors"
	"fmt"
	"net"
)

const loopback = "127.0.0.1"

// FreePort returns a port that was free for TCP and UDP a moment ago.
func FreePort() (int, error) {
	for range 20 {
		port, err := freePort()
		if err == nil {
			return port, nil
		}
	}
	return 0, errors.New("no port is free for both TCP and UDP")
}

func freePort() (int, error) {
	tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.ParseIP(loopback)})
	if err != nil {
		return 0, fmt.Errorf("find a port: %w", err)
	}
	defer tcp.Close()
	addr, ok := tcp.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("address of a TCP listener is a %T", tcp.Addr())
	}
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(loopback), Port: addr.Port})
	if err != nil {
		return 0, fmt.Errorf("find a port: %w", err)
	}
	return addr.Port, udp.Close()
}
