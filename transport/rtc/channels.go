package rtc

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/webrtc/v4"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// What a peer may say in a second. An honest one says HAVE 5 times, asks for what
// is missing some 20 times, and sends as many pieces as the stream has: 30 chunks
// of 4 pieces, each in up to 3 parts.
const (
	controlRate, controlBurst = 100, 200
	partRate, partBurst       = 1000, 2000
	beaconRate, beaconBurst   = 100, 200
)

// dataConn is what is used of a detached data channel.
type dataConn = datachannel.ReadWriteCloserDeadliner

// createChannels makes the two channels of docs/swarm-protocol.md. Both sides make
// them, so no message opens them.
func (c *Conn) createChannels(pc *webrtc.PeerConnection) error {
	if err := c.createChannel(pc, "control", 0, true); err != nil {
		return err
	}
	return c.createChannel(pc, "pieces", 1, false)
}

func (c *Conn) createChannel(pc *webrtc.PeerConnection, label string, id uint16, ordered bool) error {
	negotiated := true
	dc, err := pc.CreateDataChannel(label, &webrtc.DataChannelInit{ID: &id, Ordered: &ordered, Negotiated: &negotiated})
	if err != nil {
		return err
	}
	dc.OnOpen(func() {
		rw, err := dc.DetachWithDeadline()
		if err != nil {
			c.breaks(fmt.Errorf("open channel %s: %w", label, err))
			return
		}
		c.channels <- channel{name: label, rw: rw}
	})
	return nil
}

// talk waits for both channels, checks who is there, and has all said and heard.
func (c *Conn) talk(ctx context.Context, g *errgroup.Group, pc *webrtc.PeerConnection) error {
	open := make(map[string]dataConn, 2)
	for len(open) < 2 {
		select {
		case ch := <-c.channels:
			open[ch.name] = ch.rw
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := c.checkCertificate(pc); err != nil {
		return err
	}
	hello := &wire.PeerMessage{
		Type: wire.PeerHello, Version: wire.PeerVersion, Peer: c.cfg.Self, Token: []byte(c.cfg.Token),
	}
	if err := c.Send(hello); err != nil {
		return fmt.Errorf("say hello: %w", err)
	}
	g.Go(func() error { return c.hearControl(ctx, open["control"], pc) })
	g.Go(func() error { return c.hearPieces(ctx, open["pieces"]) })
	return c.write(ctx, open["control"], open["pieces"])
}

// checkCertificate compares the certificate that DTLS has seen, whatever the
// descriptions said.
func (c *Conn) checkCertificate(pc *webrtc.PeerConnection) error {
	got, err := hex.DecodeString(fingerprintOf(pc.SCTP().Transport().GetRemoteCertificate()))
	if err != nil {
		return err
	}
	want, err := hex.DecodeString(c.cfg.Fingerprint)
	if err != nil || subtle.ConstantTimeCompare(got, want) != 1 {
		return fmt.Errorf("%w: certificate %x", ErrIdentity, got)
	}
	return nil
}

// hear reads messages of a channel and hands each on. The bytes are not retained.
func hear(rw dataConn, pieces bool, take func(*wire.PeerMessage) error) error {
	buf := make([]byte, wire.MaxPeerMessage)
	for {
		n, text, err := rw.ReadDataChannel(buf)
		switch {
		case errors.Is(err, io.ErrShortBuffer) || err == nil && text:
			return fmt.Errorf("%w: message too long, or text", ErrViolation)
		case err != nil:
			return ErrClosed
		}
		m, err := wire.ParsePeer(buf[:n])
		if err != nil {
			return fmt.Errorf("%w: %w", ErrViolation, err)
		}
		if m.Type.OnPieces() != pieces {
			return fmt.Errorf("%w: type %d on the wrong channel", ErrViolation, m.Type)
		}
		if err := take(&m); err != nil {
			return err
		}
	}
}

// hearControl reads the channel `control`.
func (c *Conn) hearControl(ctx context.Context, rw dataConn, pc *webrtc.PeerConnection) error {
	limit := rate.NewLimiter(controlRate, controlBurst)
	return hear(rw, false, func(m *wire.PeerMessage) error {
		if !limit.Allow() {
			return fmt.Errorf("%w: too many messages", ErrViolation)
		}
		if !c.opened.Load() {
			return c.takeHello(ctx, m, pc)
		}
		return c.takeControl(ctx, m)
	})
}

// takeHello opens the connection for the peer that the edge made known.
func (c *Conn) takeHello(ctx context.Context, m *wire.PeerMessage, pc *webrtc.PeerConnection) error {
	if m.Type != wire.PeerHello || m.Version != wire.PeerVersion {
		return fmt.Errorf("%w: type %d, version %d before hello", ErrViolation, m.Type, m.Version)
	}
	if m.Peer != c.cfg.Peer || subtle.ConstantTimeCompare(m.Token, []byte(c.cfg.Token)) != 1 {
		return fmt.Errorf("%w: hello of peer %d", ErrIdentity, m.Peer)
	}
	c.opened.Store(true)
	err := c.emit(ctx, Event{Kind: Opened, RTT: roundTrip(pc)})
	close(c.hello)
	return err
}

// roundTrip is what ICE measured.
func roundTrip(pc *webrtc.PeerConnection) time.Duration {
	stats, ok := pc.SCTP().Transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return 0
	}
	return time.Duration(stats.CurrentRoundTripTime * float64(time.Second))
}

func (c *Conn) takeControl(ctx context.Context, m *wire.PeerMessage) error {
	switch m.Type {
	case wire.PeerHello:
		return fmt.Errorf("%w: a second hello", ErrViolation)
	case wire.PeerPing:
		return c.Send(&wire.PeerMessage{Type: wire.PeerPong, Time: m.Time})
	case wire.PeerPong:
		return c.takePong(ctx, m)
	case wire.PeerCancel:
		c.Drop(m.IDs)
	}
	return c.emit(ctx, Event{Kind: Said, Message: owned(m)})
}

// owned is the message with bytes of its own.
func owned(m *wire.PeerMessage) wire.PeerMessage {
	o := *m
	for i := range o.Have {
		o.Have[i].Bits = append([]byte(nil), o.Have[i].Bits...)
	}
	o.Bytes = append([]byte(nil), o.Bytes...)
	return o
}

// takePong measures the round trip. The number is that of a ping of this side.
func (c *Conn) takePong(ctx context.Context, m *wire.PeerMessage) error {
	rtt, ok := c.pings.answered(m.Time, time.Now())
	if !ok {
		return fmt.Errorf("%w: pong without ping", ErrViolation)
	}
	return c.emit(ctx, Event{Kind: Measured, RTT: rtt})
}

// hearPieces reads the channel `pieces`, which may overtake the peer's HELLO.
func (c *Conn) hearPieces(ctx context.Context, rw dataConn) error {
	select {
	case <-c.hello:
	case <-ctx.Done():
		return ctx.Err()
	}
	parts, beacons := rate.NewLimiter(partRate, partBurst), rate.NewLimiter(beaconRate, beaconBurst)
	var a assembler
	return hear(rw, true, func(m *wire.PeerMessage) error {
		if m.Type == wire.PeerBeacon {
			if !beacons.Allow() {
				return fmt.Errorf("%w: too many beacons", ErrViolation)
			}
			return c.emit(ctx, Event{Kind: Said, Message: owned(m)})
		}
		if !parts.Allow() {
			return fmt.Errorf("%w: too many parts", ErrViolation)
		}
		return c.takePart(ctx, &a, m)
	})
}

func (c *Conn) takePart(ctx context.Context, a *assembler, m *wire.PeerMessage) error {
	piece, err := a.add(time.Now(), m)
	if err != nil || piece == nil {
		return err
	}
	return c.emit(ctx, Event{Kind: Gave, ID: m.ID, Bytes: piece})
}
