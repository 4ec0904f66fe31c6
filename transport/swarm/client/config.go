package client

import (
	"context"
	"crypto/ed25519"
	"log/slog"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/rtc"
)

// Config configures a Viewer. Namespace and Peers are required.
type Config struct {
	Namespace relay.Namespace
	// Track is the video track; empty takes the first one that has beacons.
	Track string
	// StreamKey, if set, is the only one that counts. Otherwise the catalog is
	// believed, and so is whoever brings it.
	StreamKey ed25519.PublicKey
	// Situation is what the viewer allows, and where it is.
	Situation Situation
	// Peers makes connections: rtc.Endpoint by Connections.
	Peers Peers
	// Seed makes what is drawn at random reproducible.
	Seed uint64
	// OnState, if set, is told what the viewer takes part in, and why not in more.
	OnState func(swarm.Mode, swarm.Reason)
	Logger  *slog.Logger
}

// Situation is what a viewer tells its edge of itself.
type Situation struct {
	Consent                      swarm.Consent
	Net                          swarm.NetType
	SaveData, LowBattery, Hidden bool
	Mobile, LAN                  bool
	// Cap is what the viewer allows for upload, bit/s; 0 is no limit of its own.
	Cap int64
}

// Peers makes connections to peers.
type Peers interface {
	// Fingerprint is that of the certificate that all of them show.
	Fingerprint() string
	// Uplink is what the uplink is thought to give, bit/s; 0 is not known.
	Uplink() int64
	// Conn makes a connection that Run brings about.
	Conn(cfg rtc.ConnConfig) Link
}

// Link is a connection to a peer, as rtc.Conn is.
type Link interface {
	Run(ctx context.Context) error
	Signal(s rtc.Signal) bool
	Send(m *wire.PeerMessage) error
	Push(id swarm.PieceID, piece, beacon []byte) bool
	Queued() int
}

// Connections makes Peers of an Endpoint.
func Connections(e *rtc.Endpoint) Peers { return connections{e} }

type connections struct{ *rtc.Endpoint }

func (c connections) Conn(cfg rtc.ConnConfig) Link { return c.Endpoint.Conn(cfg) }

func (cfg *Config) prepare() {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.OnState == nil {
		cfg.OnState = func(swarm.Mode, swarm.Reason) {}
	}
	if cfg.Situation.Consent == "" {
		cfg.Situation.Consent = swarm.ConsentUnset
	}
	if cfg.Situation.Net == "" {
		cfg.Situation.Net = swarm.NetUnknown
	}
}
