package quicconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"

	"github.com/quic-go/quic-go"

	"github.com/freshet-live/freshet/transport/moqt"
)

// Dial connects over raw QUIC from a socket of its own, which is closed with
// the connection. protocols are the ALPNs offered, newest first. Authority and
// path go into SETUP, not here. quicConf may be nil for ClientConfig.
func Dial(ctx context.Context, addr string, tlsConf *tls.Config, protocols []string, quicConf *quic.Config) (moqt.Conn, error) {
	return DialFrom(ctx, nil, addr, tlsConf, protocols, quicConf)
}

// DialFrom is Dial from a socket that many connections may share; nil is one of the
// connection's own.
func DialFrom(ctx context.Context, from *quic.Transport, addr string, tlsConf *tls.Config, protocols []string, quicConf *quic.Config) (moqt.Conn, error) {
	qc, err := DialQUIC(ctx, from, addr, tlsConf, protocols, quicConf)
	if err != nil {
		return nil, err
	}
	return NewConn(qc), nil
}

// DialQUIC is DialFrom for what is no MoQT, such as HTTP/3.
func DialQUIC(ctx context.Context, from *quic.Transport, addr string, tlsConf *tls.Config, protocols []string, quicConf *quic.Config) (*quic.Conn, error) {
	if quicConf == nil {
		quicConf = ClientConfig()
	}
	conf := tlsConf.Clone()
	conf.NextProtos = slices.Clone(protocols)
	dial := quic.DialAddr
	if from != nil {
		dial = func(ctx context.Context, addr string, conf *tls.Config, quicConf *quic.Config) (*quic.Conn, error) {
			return dialFrom(ctx, from, addr, conf, quicConf)
		}
	}
	qc, err := dial(ctx, addr, conf, quicConf)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	return qc, nil
}

func dialFrom(ctx context.Context, from *quic.Transport, addr string, conf *tls.Config, quicConf *quic.Config) (*quic.Conn, error) {
	udp, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	if host, _, err := net.SplitHostPort(addr); err == nil && conf.ServerName == "" {
		conf.ServerName = host // As quic.DialAddr does.
	}
	return from.Dial(ctx, udp, conf, quicConf)
}
