package moqt

import (
	"context"
	"io"
	"net"
	"time"
)

// Conn is what a Session needs of the transport below: a QUIC connection
// (package quicconn) or a WebTransport session (package wtconn). All methods may
// be called by many goroutines at once.
type Conn interface {
	// Protocol is the negotiated ALPN or WebTransport subprotocol, such as
	// "moqt-18"; empty when the peer offered none.
	Protocol() string
	RemoteAddr() net.Addr
	// Context ends with the connection; its cause is the reason.
	Context() context.Context

	OpenStream(ctx context.Context) (Stream, error)
	AcceptStream(ctx context.Context) (Stream, error)
	// OpenUniStream waits while the peer's stream limit is reached.
	OpenUniStream(ctx context.Context) (SendStream, error)
	AcceptUniStream(ctx context.Context) (ReceiveStream, error)
	SendDatagram(b []byte) error
	ReceiveDatagram(ctx context.Context) ([]byte, error)

	CloseWithError(code uint64, reason string) error
}

// SendStream is the sending half of a stream. Write blocks while the peer's
// flow control or the congestion window is full, and does not retain its
// argument. CancelWrite may be called while another goroutine writes.
type SendStream interface {
	io.Writer
	// Close sends FIN.
	Close() error
	// CancelWrite sends RESET_STREAM with a MoQT stream reset code.
	CancelWrite(code uint64)
	// Context ends when nothing can be written any more: after Close,
	// CancelWrite, the peer's STOP_SENDING or the end of the connection. It is
	// how a request is seen to be cancelled while nothing is being written
	// (draft-ietf-moq-transport-18, "Request Cancellation and Rejection").
	Context() context.Context
	SetWriteDeadline(t time.Time) error
}

// ReceiveStream is the receiving half of a stream.
type ReceiveStream interface {
	io.Reader
	// CancelRead sends STOP_SENDING with a MoQT stream reset code.
	CancelRead(code uint64)
	SetReadDeadline(t time.Time) error
}

// Stream is a bidirectional stream.
type Stream interface {
	SendStream
	ReceiveStream
}
