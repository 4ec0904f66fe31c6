package wtconn

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/freshet-live/freshet/transport/moqt"
)

const (
	// closeWithin bounds CloseWithError against a peer that takes nothing from
	// the CONNECT stream: then the QUIC connection is closed instead.
	closeWithin = time.Second
	// settleWithin is how long the reason of a dead QUIC connection may come
	// after the end of the CONNECT stream that it ended.
	settleWithin = 50 * time.Millisecond
	// maxReason is the most a WT_CLOSE_SESSION capsule carries.
	maxReason = 1024
)

// Conn is a WebTransport session as a moqt.Conn.
type Conn struct {
	session *webtransport.Session
	qc      *quic.Conn
	query   string          // Of the URL that the peer asked for.
	ctx     context.Context // Ends with session; its cause is the reason.
}

var (
	_ moqt.Conn      = (*Conn)(nil)
	_ moqt.Certified = (*Conn)(nil)
	_ moqt.Queried   = (*Conn)(nil)
)

// newConn adapts a session that runs over qc; query is that of the peer's CONNECT.
func newConn(session *webtransport.Session, qc *quic.Conn, query string) *Conn {
	ctx, cancel := context.WithCancelCause(context.Background())
	c := &Conn{session: session, qc: qc, query: query, ctx: ctx}
	context.AfterFunc(session.Context(), func() { cancel(c.reason()) })
	return c
}

// reason tells why the session ended.
func (c *Conn) reason() error {
	// The session keeps its error to itself but for calls that come too late.
	_, err := c.session.OpenStream()
	if closed, ok := errors.AsType[*webtransport.SessionError](err); ok {
		return convertError(closed)
	}
	// Without a capsule the CONNECT stream ended, mostly because the
	// connection did: that has the better reason.
	settled := time.NewTimer(settleWithin)
	defer settled.Stop()
	select {
	case <-c.qc.Context().Done():
		return convertError(context.Cause(c.qc.Context()))
	case <-settled.C:
		return fmt.Errorf("webtransport session: %w", err)
	}
}

// Protocol is the negotiated subprotocol, empty when the client offered none.
func (c *Conn) Protocol() string { return c.session.SessionState().ApplicationProtocol }

// RTT is the smoothed round-trip time.
func (c *Conn) RTT() time.Duration { return c.qc.ConnectionStats().SmoothedRTT }

// PacketsReceived counts what came from the peer, of whatever kind.
func (c *Conn) PacketsReceived() uint64 { return c.qc.ConnectionStats().PacketsReceived }

// Query is that of the URL which the peer asked for; what cannot be read is left out.
func (c *Conn) Query() url.Values {
	values, _ := url.ParseQuery(c.query) // It gives what it could read.
	return values
}

// PeerCertificates are those that the peer showed, its own first.
func (c *Conn) PeerCertificates() []*x509.Certificate {
	return c.qc.ConnectionState().TLS.PeerCertificates
}

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.session.RemoteAddr() }

// Context ends with the session; its cause is the reason.
func (c *Conn) Context() context.Context { return c.ctx }

// OpenStream waits while the peer's limit of bidirectional streams is reached.
func (c *Conn) OpenStream(ctx context.Context) (moqt.Stream, error) {
	s, err := c.session.OpenStreamSync(ctx)
	if err != nil {
		return nil, convertError(err)
	}
	return newStream(s), nil
}

// AcceptStream waits for a bidirectional stream of the peer.
func (c *Conn) AcceptStream(ctx context.Context) (moqt.Stream, error) {
	s, err := c.session.AcceptStream(ctx)
	if err != nil {
		return nil, convertError(err)
	}
	return newStream(s), nil
}

// OpenUniStream waits while the peer's limit of unidirectional streams is
// reached.
func (c *Conn) OpenUniStream(ctx context.Context) (moqt.SendStream, error) {
	s, err := c.session.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, convertError(err)
	}
	return &sendStream{s: s}, nil
}

// AcceptUniStream waits for a unidirectional stream of the peer.
func (c *Conn) AcceptUniStream(ctx context.Context) (moqt.ReceiveStream, error) {
	s, err := c.session.AcceptUniStream(ctx)
	if err != nil {
		return nil, convertError(err)
	}
	return &receiveStream{s: s}, nil
}

// SendDatagram sends b in one packet or fails. b is not retained.
func (c *Conn) SendDatagram(b []byte) error { return convertError(c.session.SendDatagram(b)) }

// ReceiveDatagram waits for a datagram. The caller owns it.
func (c *Conn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	b, err := c.session.ReceiveDatagram(ctx)
	return b, convertError(err)
}

// CloseWithError closes the session; the first call counts. A code that does
// not fit WebTransport's 32 bits is sent as the largest that does.
func (c *Conn) CloseWithError(code uint64, reason string) error {
	watchdog := time.AfterFunc(closeWithin, func() {
		_ = c.qc.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeInternalError), "session did not close")
	})
	defer watchdog.Stop()
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	return c.session.CloseWithError(webtransport.SessionErrorCode(min(code, math.MaxUint32)), reason)
}
