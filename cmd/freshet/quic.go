package main

import (
	quicgo "github.com/quic-go/quic-go"

	"github.com/freshet-live/freshet/ingest/quic"
)

// newQUIC makes the door for transport streams over QUIC. Its port is the front's.
func (g *gateway) newQUIC() error {
	if g.cfg.QUIC.Publish {
		g.quic = quic.New(quic.Config{
			Sessions: g.node.Sessions, TS: g.ts, Logger: g.log.With("part", "quic"), Registerer: g.registry,
		})
	}
	return nil
}

// otherProtocols are the ALPNs of the QUIC port beside HTTP/3 and MoQ.
func (g *gateway) otherProtocols() map[string]func(*quicgo.Conn) {
	if g.quic == nil {
		return nil
	}
	return map[string]func(*quicgo.Conn){quic.ALPN: g.quic.Serve}
}
