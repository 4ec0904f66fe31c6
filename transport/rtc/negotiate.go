package rtc

import (
	"context"
	"fmt"
	"net"

	"github.com/pion/webrtc/v4"
)

// negotiate exchanges descriptions and candidates with the peer, for as long as
// the connection lives: candidates may come late.
func (c *Conn) negotiate(ctx context.Context, pc *webrtc.PeerConnection) error {
	n := negotiation{conn: c, pc: pc}
	if c.cfg.Offer {
		if err := n.offer(ctx); err != nil {
			return err
		}
	}
	for {
		select {
		case s := <-c.signals:
			if err := n.take(ctx, s); err != nil {
				return err
			}
		case l := <-c.local:
			if err := n.tell(ctx, l); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// negotiation is owned by the goroutine of negotiate.
type negotiation struct {
	conn       *Conn
	pc         *webrtc.PeerConnection
	described  bool // The peer's description was taken.
	told       bool // The own description was sent.
	candidates int  // Of the peer.
	early      []Candidate
	untold     []Candidate
}

func (n *negotiation) offer(ctx context.Context) error {
	d, err := n.pc.CreateOffer(nil)
	if err != nil {
		return fmt.Errorf("make offer: %w", err)
	}
	return n.describe(ctx, d)
}

// describe takes the own description, which starts the gathering of candidates,
// and sends it.
func (n *negotiation) describe(ctx context.Context, d webrtc.SessionDescription) error {
	if err := n.pc.SetLocalDescription(d); err != nil {
		return fmt.Errorf("take own %s: %w", d.Type, err)
	}
	s := Signal{Description: &Description{Type: d.Type.String(), SDP: d.SDP}}
	if err := n.conn.emit(ctx, Event{Kind: Signalled, Signal: s}); err != nil {
		return err
	}
	n.told = true
	for _, c := range n.untold {
		if err := n.tell(ctx, c); err != nil {
			return err
		}
	}
	n.untold = nil
	return nil
}

// tell sends an own candidate, after the description that it belongs to.
func (n *negotiation) tell(ctx context.Context, l Candidate) error {
	if l == (Candidate{}) {
		return nil // Not to be told to anybody.
	}
	if !n.told {
		n.untold = append(n.untold, l)
		return nil
	}
	return n.conn.emit(ctx, Event{Kind: Signalled, Signal: Signal{Candidate: &l}})
}

// take takes what the peer signalled.
func (n *negotiation) take(ctx context.Context, s Signal) error {
	if s.Description != nil {
		return n.takeDescription(ctx, s.Description)
	}
	if s.Candidate == nil {
		return nil
	}
	if n.candidates++; n.candidates > maxSignals {
		return fmt.Errorf("%w: too many candidates", ErrViolation)
	}
	if !n.described {
		n.early = append(n.early, *s.Candidate)
		return nil
	}
	n.takeCandidate(*s.Candidate)
	return nil
}

func (n *negotiation) takeDescription(ctx context.Context, d *Description) error {
	want := webrtc.SDPTypeOffer
	if n.conn.cfg.Offer {
		want = webrtc.SDPTypeAnswer
	}
	if d.Type != want.String() || n.described {
		return fmt.Errorf("%w: unexpected %.10q", ErrViolation, d.Type)
	}
	if err := checkDescription(d.SDP, n.conn.cfg.Fingerprint); err != nil {
		return err
	}
	if err := n.pc.SetRemoteDescription(webrtc.SessionDescription{Type: want, SDP: d.SDP}); err != nil {
		return fmt.Errorf("%w: description: %w", ErrViolation, err)
	}
	n.described = true
	for _, c := range n.early {
		n.takeCandidate(c)
	}
	n.early = nil
	if n.conn.cfg.Offer {
		return nil
	}
	return n.answer(ctx)
}

func (n *negotiation) answer(ctx context.Context) error {
	d, err := n.pc.CreateAnswer(nil)
	if err != nil {
		return fmt.Errorf("make answer: %w", err)
	}
	return n.describe(ctx, d)
}

// takeCandidate takes a candidate of the peer. One that this side cannot use, such
// as a name of mDNS, is no fault: there are others.
func (n *negotiation) takeCandidate(c Candidate) {
	err := n.pc.AddICECandidate(webrtc.ICECandidateInit{
		Candidate: c.Candidate, SDPMid: c.SDPMid, SDPMLineIndex: c.SDPMLineIndex,
	})
	if err != nil {
		n.conn.endpoint.log.Debug("candidate not taken", "peer", n.conn.cfg.Peer, "error", err)
	}
}

// localCandidate is what peers may know of a candidate of this side; zero when it
// is not for them. Nil is the end of candidates.
func (c *Conn) localCandidate(i *webrtc.ICECandidate) Candidate {
	index, mid := uint16(0), "0"
	if i == nil {
		return Candidate{SDPMid: &mid, SDPMLineIndex: &index}
	}
	if ip := net.ParseIP(i.Address); ip != nil && !c.endpoint.cfg.allows(ip) {
		return Candidate{}
	}
	// Where it comes from inside the own network is nobody's business.
	i.RelatedAddress, i.RelatedPort = "0.0.0.0", 0
	init := i.ToJSON()
	return Candidate{Candidate: init.Candidate, SDPMid: &mid, SDPMLineIndex: &index}
}
