package rig

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

const loopback = "127.0.0.1"

// Ports are taken from below those that the kernel gives to whoever asks for none in
// particular (32768 and up on Linux): else a client of another test may have it by the
// time that the server is up.
const (
	firstPort = 12_000
	lastPort  = 32_000
)

// FreePort returns a port that was free for TCP and UDP a moment ago.
func FreePort() (int, error) {
	for range 50 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if free(port) == nil {
			return port, nil
		}
	}
	return 0, errors.New("no port is free for both TCP and UDP")
}

func free(port int) error {
	tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.ParseIP(loopback), Port: port})
	if err != nil {
		return fmt.Errorf("find a port: %w", err)
	}
	defer tcp.Close()
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(loopback), Port: port})
	if err != nil {
		return fmt.Errorf("find a port: %w", err)
	}
	return udp.Close()
}
