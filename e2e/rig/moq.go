package rig

import (
	"context"
	"crypto/tls"
	"fmt"

	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// anyCertificate accepts the self-made certificate: trust is not what is
// measured here.
var anyCertificate = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13} //nolint:gosec // loopback only

// DialMoQ opens a MoQ session over WebTransport; protocols default to all that
// are built.
func (g *Gateway) DialMoQ(ctx context.Context, config moqt.ClientConfig, protocols ...string) (*moqt.Client, error) {
	if len(protocols) == 0 {
		protocols = wire.Protocols()
	}
	conn, err := wtconn.Dial(ctx, g.HTTPS("/moq"), anyCertificate, protocols, nil, nil)
	if err != nil {
		return nil, err
	}
	return moqt.NewClient(ctx, conn, config)
}

// DialRawQUIC opens a QUIC connection on which nothing has been said yet.
func (g *Gateway) DialRawQUIC(ctx context.Context, protocols ...string) (moqt.Conn, error) {
	if len(protocols) == 0 {
		protocols = wire.Protocols()
	}
	return quicconn.Dial(ctx, g.QUIC(), anyCertificate, protocols, nil)
}

// Catalog subscribes to a broadcast's catalog for as long as it takes to get
// one.
func Catalog(ctx context.Context, client *moqt.Client, ns relay.Namespace) (*msf.Catalog, error) {
	sub, err := client.Subscribe(ctx, ns, "catalog", moqt.SubscribeOptions{Filter: &wire.Filter{Type: wire.LargestObject}})
	if err != nil {
		return nil, fmt.Errorf("subscribe to the catalog of %s: %w", ns, err)
	}
	object, err := sub.Next(ctx)
	if err != nil {
		return nil, fmt.Errorf("catalog of %s: %w", ns, err)
	}
	if err := sub.Close(); err != nil {
		return nil, fmt.Errorf("catalog of %s: %w", ns, err)
	}
	return msf.Parse(object.Payload)
}
