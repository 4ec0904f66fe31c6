package rtc

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// maxSignals bounds what waits of the peer's signalling.
const maxSignals = 64

// ConnConfig says whom a connection is to.
type ConnConfig struct {
	// Self and Peer are the numbers of both sides in the swarm.
	Self, Peer swarm.PeerID
	// Offer says that this side makes the offer.
	Offer bool
	// Fingerprint is that of the peer's certificate, as the edge told it; no other
	// is accepted. Token is what both sides say in HELLO.
	Fingerprint string
	Token       string
	// ICE are URLs of STUN servers.
	ICE []string
	// Events takes what happens, from several goroutines of the connection. While it
	// waits, nothing is read from the peer; it gives up with ctx.
	Events func(ctx context.Context, e Event) error
}

// Conn is a connection to one peer: made by Endpoint.Conn, alive while Run runs.
// Its methods may be called by many goroutines and never block.
type Conn struct {
	// Set by Endpoint.Conn, then read-only.
	cfg      ConnConfig
	endpoint *Endpoint
	signals  chan Signal // From the peer.

	outbox outbox
	pings  pings

	channels chan channel  // Those that have opened.
	hello    chan struct{} // Closed when the peer has said HELLO.
	broken   chan error    // What pion's callbacks found.
	local    chan Candidate
	opened   atomic.Bool
}

// channel is a data channel that has opened.
type channel struct {
	name string
	rw   dataConn
}

// Conn makes a connection that Run brings about.
func (e *Endpoint) Conn(cfg ConnConfig) *Conn {
	return &Conn{
		cfg:      cfg,
		endpoint: e,
		signals:  make(chan Signal, maxSignals),
		outbox:   outbox{wake: make(chan struct{}, 1)},
		channels: make(chan channel, 2),
		hello:    make(chan struct{}),
		broken:   make(chan error, 1),
		local:    make(chan Candidate, maxSignals),
	}
}

// Peer is the other side's number.
func (c *Conn) Peer() swarm.PeerID { return c.cfg.Peer }

// Open tells whether both sides have said HELLO.
func (c *Conn) Open() bool { return c.opened.Load() }

// Signal takes what the peer signalled. False says that it signals more than a
// connection needs: it is to be closed.
func (c *Conn) Signal(s Signal) bool {
	select {
	case c.signals <- s:
		return true
	default:
		return false
	}
}

// Send sends a control message, before all pieces that wait.
func (c *Conn) Send(m *wire.PeerMessage) error {
	b, err := wire.AppendPeer(nil, m)
	if err != nil {
		return err
	}
	return c.outbox.addControl(b)
}

// Push sends a piece, after its beacon unless that is nil. Both are kept as they
// are until they are sent. False says that too much is waiting already.
func (c *Conn) Push(id swarm.PieceID, piece, beacon []byte) bool {
	return c.outbox.addPiece(id, piece, beacon, time.Now())
}

// Drop takes pieces out of what waits, which the peer has from elsewhere by now.
func (c *Conn) Drop(ids []swarm.PieceID) { c.outbox.drop(ids) }

// Queued is how many bytes of pieces wait to be sent, or to be acknowledged.
func (c *Conn) Queued() int { return c.outbox.waiting() }

// Sent is how many bytes of pieces and beacons the peer has acknowledged.
func (c *Conn) Sent() int64 { return c.outbox.acknowledged() }

// Run makes the connection and keeps it until ctx ends, the peer closes it or
// breaks a rule, or the way is lost; it returns why when all has ended.
func (c *Conn) Run(ctx context.Context) error {
	pc, err := c.endpoint.api.NewPeerConnection(webrtc.Configuration{
		ICEServers:   iceServers(c.cfg.ICE),
		Certificates: []webrtc.Certificate{c.endpoint.certificate},
	})
	if err != nil {
		return fmt.Errorf("make connection: %w", err)
	}
	err = c.run(ctx, pc)
	if e := pc.GracefulClose(); e != nil {
		c.endpoint.log.Debug("close of a peer connection", "peer", c.cfg.Peer, "error", e)
	}
	return err
}

func iceServers(urls []string) []webrtc.ICEServer {
	if len(urls) == 0 {
		return nil
	}
	return []webrtc.ICEServer{{URLs: urls}}
}

func (c *Conn) run(ctx context.Context, pc *webrtc.PeerConnection) error {
	if err := c.createChannels(pc); err != nil {
		return fmt.Errorf("make channels: %w", err)
	}
	c.watch(pc)
	g, ctx := errgroup.WithContext(ctx)
	// Readers wait in pion, which ends their waiting when it is closed.
	defer context.AfterFunc(ctx, func() { _ = pc.Close() })()
	g.Go(func() error { return c.negotiate(ctx, pc) })
	g.Go(func() error { return c.supervise(ctx) })
	g.Go(func() error { return c.talk(ctx, g, pc) })
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return ErrClosed
}

// supervise ends the connection when it does not open in time, and when pion says
// that it is lost.
func (c *Conn) supervise(ctx context.Context) error {
	late := time.NewTimer(OpenTimeout)
	defer late.Stop()
	for {
		select {
		case <-late.C:
			if !c.opened.Load() {
				return ErrTimeout
			}
		case err := <-c.broken:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watch takes what pion tells; its callbacks must not wait.
func (c *Conn) watch(pc *webrtc.PeerConnection) {
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		switch s {
		case webrtc.PeerConnectionStateFailed:
			c.breaks(ErrICE)
		case webrtc.PeerConnectionStateClosed:
			c.breaks(ErrClosed)
		default:
		}
	})
	pc.OnDataChannel(func(*webrtc.DataChannel) {
		c.breaks(fmt.Errorf("%w: another data channel", ErrViolation))
	})
	pc.OnICECandidate(func(i *webrtc.ICECandidate) {
		select {
		case c.local <- c.localCandidate(i):
		default: // A machine with 64 addresses can do without more.
		}
	})
}

// breaks ends the connection for the first reason that is given.
func (c *Conn) breaks(err error) {
	select {
	case c.broken <- err:
	default:
	}
}

// emit hands an event to the owner.
func (c *Conn) emit(ctx context.Context, e Event) error {
	e.At = time.Now()
	return c.cfg.Events(ctx, e)
}
