package wsconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"

	"github.com/coder/websocket"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/qmux"
)

// Dial opens a session at a ws or wss URL. protocols are offered in this order; header
// goes with the request and may be nil.
func Dial(ctx context.Context, rawURL string, tlsConf *tls.Config, protocols []string, header http.Header) (moqt.Conn, error) {
	var tcp net.Conn
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   tlsConf,
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
			conn, err = new(net.Dialer).DialContext(ctx, network, addr)
			tcp = conn
			return conn, err
		},
		// Upgrades are of HTTP/1.1.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}}
	ws, response, err := websocket.Dial(ctx, rawURL, &websocket.DialOptions{HTTPClient: client, HTTPHeader: header, Subprotocols: protocols}) //nolint:bodyclose // Dial's.
	switch {
	case err != nil && response != nil:
		return nil, fmt.Errorf("websocket %s: status %d: %w", rawURL, response.StatusCode, err)
	case err != nil:
		return nil, fmt.Errorf("websocket %s: %w", rawURL, err)
	case ws.Subprotocol() == "":
		_ = ws.CloseNow()
		return nil, fmt.Errorf("websocket %s: the server chose none of %q", rawURL, protocols)
	}
	conn := newConn(newCarrier(ws, tcp), clientConfig(ws.Subprotocol(), tcp.RemoteAddr()), "")
	if err := conn.Ready(ctx); err != nil {
		_ = conn.CloseWithError(0, "")
		return nil, fmt.Errorf("websocket %s: %w", rawURL, err)
	}
	return conn, nil
}

// clientConfig is of a client, which receives media: a whole queue of groups may come.
func clientConfig(protocol string, remote net.Addr) qmux.Config {
	return qmux.Config{
		Client: true, Protocol: protocol, RemoteAddr: remote,
		StreamWindow: 2 << 20, ConnWindow: 8 << 20,
		Streams: 128, UniStreams: 1024,
	}
}
