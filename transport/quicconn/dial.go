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
// path go into SETUP, not here. quicConf may be nil for ClientConfig.
func Dial(ctx context.Context, addr string, tlsConf *tls.Config, protocols []string, quicConf *quic.Config) (moqt.Conn, error) {
	if quicConf == nil {
		quicConf = ClientConfig()
	}
	conf := tlsConf.Clone()
	conf.NextProtos = slices.Clone(protocols)
	qc, err := quic.DialAddr(ctx, addr, conf, quicConf)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	return NewConn(qc), nil
}
