package wtconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/quicconn"
)

// linger keeps a connection after its last session or request has ended, so that
// what was sent last still goes out.
const linger = 500 * time.Millisecond

// Dial opens a session at an https URL over a QUIC connection of its own.
// protocols are the subprotocols offered; header is sent with the CONNECT and
// may be nil; quicConf may be nil for quicconn.ClientConfig.
func Dial(ctx context.Context, rawURL string, tlsConf *tls.Config, protocols []string, header http.Header, quicConf *quic.Config) (moqt.Conn, error) {
	return DialFrom(ctx, nil, rawURL, tlsConf, protocols, header, quicConf)
}

// DialFrom is Dial from a socket that many connections may share; nil is one of the
// connection's own.
func DialFrom(ctx context.Context, from *quic.Transport, rawURL string, tlsConf *tls.Config, protocols []string, header http.Header, quicConf *quic.Config) (moqt.Conn, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, err
	}
	qc, err := quicconn.DialQUIC(ctx, from, hostPort(u), tlsConf, []string{http3.NextProtoH3}, quicConf)
	if err != nil {
		return nil, err
	}
	closeConn := func() { _ = qc.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "") }
	session, err := dialSession(ctx, qc, rawURL, protocols, header)
	if err != nil {
		closeConn()
		return nil, err
	}
	context.AfterFunc(session.Context(), func() { time.AfterFunc(linger, closeConn) })
	return newConn(session, qc, ""), nil
}

func dialSession(ctx context.Context, qc *quic.Conn, rawURL string, protocols []string, header http.Header) (*webtransport.Session, error) {
	transport := &webtransport.Transport{ApplicationProtocols: protocols}
	client, err := transport.NewClientConn(qc)
	if err != nil {
		return nil, fmt.Errorf("webtransport: %w", err)
	}
	response, session, err := client.Dial(ctx, rawURL, header) //nolint:bodyclose // The CONNECT stream is the session's.
	if err != nil && response != nil {
		return nil, fmt.Errorf("webtransport %s: status %d: %w", rawURL, response.StatusCode, err)
	}
	if err != nil {
		return nil, fmt.Errorf("webtransport %s: %w", rawURL, err)
	}
	return session, nil
}

func hostPort(u *url.URL) string {
	if u.Port() == "" {
		return u.Host + ":443"
	}
	return u.Host
}
