package srt

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/freshet-live/freshet/transport/srt/packet"
)

const (
	// DefaultLatency is libsrt's (SRTO_LATENCY).
	DefaultLatency = 120 * time.Millisecond
	// DefaultRequests is more than come at once when an event begins.
	DefaultRequests = 128

	// maxLatency is what the handshake can tell: 16 bits of milliseconds.
	maxLatency = 65535 * time.Millisecond
	// peerIdle is how long a peer may be silent (section 4.4 of libsrt's API,
	// SRTO_PEERIDLETIMEO); it sends a keep-alive each second.
	peerIdle = 5 * time.Second
	// keepAlive is after how long without a packet one is sent (section 3.2.3).
	keepAlive = time.Second

	// maxPackets and maxBytes are what is held of one connection: 10 s, the
	// longest latency that makes sense, at 50 Mbit/s.
	maxPackets = 1 << 16
	maxBytes   = 64 << 20
)

// Why a connection ended, and why there is none; test with errors.Is.
var (
	// ErrPeerClosed: the peer hung up. All that it had sent was handed on.
	ErrPeerClosed = errors.New("closed by the peer")
	// ErrPeerSilent: nothing was heard for 5 s.
	ErrPeerSilent = errors.New("nothing heard for 5 s")
	// ErrClosed: Conn.Close was called, or the Listener has ended.
	ErrClosed = errors.New("connection closed")
	// ErrListenerClosed: the Listener has ended.
	ErrListenerClosed = errors.New("listener closed")
	// ErrFault: handling a packet of the connection panicked.
	ErrFault = errors.New("internal fault")
	// ErrAnswered: the Request was accepted or rejected before.
	ErrAnswered = errors.New("request already answered")
	// ErrNoPassphrase: the caller encrypts, and SetPassphrase has not succeeded.
	ErrNoPassphrase = errors.New("no passphrase for an encrypted connection")
	// ErrMalformed: a packet cannot be read.
	ErrMalformed = packet.ErrMalformed
)

// Config configures a Listener. The zero value works.
type Config struct {
	// Latency is the least that is negotiated; DefaultLatency when zero, at most
	// 65.535 s.
	Latency time.Duration
	// MaxRequests is how many callers may wait for an answer; DefaultRequests
	// when zero.
	MaxRequests int
	// Refused is told of handshakes that the Listener refuses by itself, and may
	// be nil. It is called by Run and must not block; anybody can cause such
	// calls at any rate.
	Refused func(Refusal)
	// Logger may be nil.
	Logger *slog.Logger
}

// Refusal is a handshake that never became a Request.
type Refusal struct {
	Remote netip.AddrPort
	// Code is what the caller was told, as the wire has it; 0 when it was told
	// nothing.
	Code uint32
	// Err says why; ErrMalformed when the handshake cannot be read.
	Err error
}
