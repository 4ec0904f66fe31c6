package quicconn

import (
	"context"
	"crypto/x509"
	"net"
	"strings"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/freshet-live/freshet/transport/moqt"
)

// Conn is a QUIC connection as a moqt.Conn.
type Conn struct {
	qc  *quic.Conn
	ctx context.Context // Ends with qc; its cause is a moqt error.
}

var (
	_ moqt.Conn      = (*Conn)(nil)
	_ moqt.Certified = (*Conn)(nil)
)

// NewConn adapts a connection whose handshake is done.
func NewConn(qc *quic.Conn) *Conn {
	return &Conn{qc: qc, ctx: convertCause(qc.Context())}
}

// Protocol is the ALPN.
func (c *Conn) Protocol() string { return c.qc.ConnectionState().TLS.NegotiatedProtocol }

// RTT is the smoothed round-trip time.
func (c *Conn) RTT() time.Duration { return c.qc.ConnectionStats().SmoothedRTT }

// PacketsReceived counts what came from the peer, of whatever kind.
func (c *Conn) PacketsReceived() uint64 { return c.qc.ConnectionStats().PacketsReceived }

// PeerCertificates are those that the peer showed, its own first.
func (c *Conn) PeerCertificates() []*x509.Certificate {
	return c.qc.ConnectionState().TLS.PeerCertificates
}

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.qc.RemoteAddr() }

// Context ends with the connection; its cause is the reason.
func (c *Conn) Context() context.Context { return c.ctx }

// OpenStream waits while the peer's limit of bidirectional streams is reached.
func (c *Conn) OpenStream(ctx context.Context) (moqt.Stream, error) {
	s, err := c.qc.OpenStreamSync(ctx)
	if err != nil {
		return nil, convertError(err)
	}
	return newStream(s), nil
}

// AcceptStream waits for a bidirectional stream of the peer.
func (c *Conn) AcceptStream(ctx context.Context) (moqt.Stream, error) {
	s, err := c.qc.AcceptStream(ctx)
	if err != nil {
		return nil, convertError(err)
	}
	return newStream(s), nil
}

// OpenUniStream waits while the peer's limit of unidirectional streams is
// reached.
func (c *Conn) OpenUniStream(ctx context.Context) (moqt.SendStream, error) {
	s, err := c.qc.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, convertError(err)
	}
	return &sendStream{s: s}, nil
}

// AcceptUniStream waits for a unidirectional stream of the peer.
func (c *Conn) AcceptUniStream(ctx context.Context) (moqt.ReceiveStream, error) {
	s, err := c.qc.AcceptUniStream(ctx)
	if err != nil {
		return nil, convertError(err)
	}
	return &receiveStream{s: s}, nil
}

// SendDatagram sends b in one packet or fails. b is not retained.
func (c *Conn) SendDatagram(b []byte) error { return convertError(c.qc.SendDatagram(b)) }

// ReceiveDatagram waits for a datagram. The caller owns it.
func (c *Conn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	b, err := c.qc.ReceiveDatagram(ctx)
	return b, convertError(err)
}

// maxReason leaves room in a packet of the smallest size: a CONNECTION_CLOSE
// that does not fit into one is not sent at all.
const maxReason = 512

// CloseWithError closes the connection; the first call counts.
func (c *Conn) CloseWithError(code uint64, reason string) error {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	return c.qc.CloseWithError(quic.ApplicationErrorCode(code), reason)
}
