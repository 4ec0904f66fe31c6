package rig

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/rtc"
	"github.com/freshet-live/freshet/transport/swarm/client"
)

// PeerConfig is a native viewer who takes part in a swarm on this machine.
type PeerConfig struct {
	Namespace relay.Namespace
	Seed      uint64
	// Peers, if set, wraps what makes its connections, so that they may have faults.
	Peers func(client.Peers) client.Peers
	// OnChunk, if set, is handed each chunk that is due, one after the other.
	OnChunk func(client.Chunk)
	// OnState, if set, is told what the viewer takes part in.
	OnState func(swarm.Mode, swarm.Reason)
}

// Peer is a native viewer that runs in this process.
type Peer struct {
	*client.Viewer
	cancel  context.CancelFunc
	session *moqt.Client
	running sync.WaitGroup
	err     error // Of Run; read behind running.
}

// StartPeer has a native viewer come over WebTransport, as browsers do.
func (g *Gateway) StartPeer(ctx context.Context, config PeerConfig) (*Peer, error) {
	endpoint, err := rtc.New(rtc.Config{LAN: true, Loopback: true})
	if err != nil {
		return nil, fmt.Errorf("start a peer: %w", err)
	}
	peers := client.Connections(endpoint)
	if config.Peers != nil {
		peers = config.Peers(peers)
	}
	viewer := client.New(client.Config{
		Namespace: config.Namespace, Peers: peers, Seed: config.Seed, OnState: config.OnState,
		Situation: client.Situation{Consent: swarm.ConsentGranted, Net: swarm.NetEthernet, LAN: true},
	})
	// The session outlives the viewer by its good-bye.
	session, err := g.DialMoQ(context.WithoutCancel(ctx), moqt.ClientConfig{Extensions: []moqt.ClientExtension{viewer.Extension()}})
	if err != nil {
		return nil, fmt.Errorf("start a peer: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &Peer{Viewer: viewer, cancel: cancel, session: session}
	p.running.Go(func() { p.err = viewer.Run(ctx, session) })
	p.running.Go(func() { p.watch(config.OnChunk) })
	return p, nil
}

// watch takes chunks as a player would, until the viewer has ended.
func (p *Peer) watch(onChunk func(client.Chunk)) {
	for {
		chunk, err := p.Next(context.Background())
		if err != nil {
			return
		}
		if onChunk != nil {
			onChunk(chunk)
		}
	}
}

// Leave says good-bye. The error is what ended the viewer before, if anything did.
func (p *Peer) Leave() error {
	p.cancel()
	p.running.Wait()
	err := p.err
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, p.session.Close())
}
