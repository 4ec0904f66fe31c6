package quicconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"

	"github.com/quic-go/quic-go"

	"github.com/freshet-live/freshet/transport/moqt"
)

// Dial connects over raw QUIC from a socket of its own, which is closed with
// the connection. protocols are the ALPNs offered, newest first. Authority and
// path go into SETUP, not here.
func Dial(ctx context.Context, addr string, tlsConf *tls.Config, protocols []string) (moqt.Conn, error) {
	conf := tlsConf.Clone()
	conf.NextProtos = slices.Clone(protocols)
	qc, err := quic.DialAddr(ctx, addr, conf, ClientConfig())
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	return NewConn(qc), nil
}
