package wire

import (
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

var edgeMessages = map[string]func() Message{
	"welcome":    func() Message { return new(Welcome) },
	"mode":       func() Message { return new(Mode) },
	"candidates": func() Message { return new(Candidates) },
	"assign":     func() Message { return new(Assign) },
	"signal":     func() Message { return new(Signal) },
	"slots":      func() Message { return new(Slots) },
	"delay":      func() Message { return new(Delay) },
	"drop":       func() Message { return new(Drop) },
	"error":      func() Message { return new(Error) },
	"pong":       func() Message { return new(Pong) },
}

const (
	maxServers = 8
	maxURL     = 256
	// MaxToken bounds the token of a pair.
	MaxToken = 512
)

// Welcome answers Hello.
type Welcome struct {
	Peer    swarm.PeerID `json:"peer"`
	Swarm   uint64       `json:"swarm"`
	Mode    swarm.Mode   `json:"mode"`
	Reason  swarm.Reason `json:"reason,omitempty"`
	Control bool         `json:"control"`
	ICE     []string     `json:"ice,omitempty"`
	Ask     string       `json:"ask,omitempty"`
	Params  Params       `json:"params"`
	LAN     bool         `json:"lan"`
}

// Kind implements Message.
func (*Welcome) Kind() string { return "welcome" }

func (m *Welcome) check() error {
	if m.Peer == swarm.Edge || m.Swarm > maxInteger || len(m.ICE) > maxServers {
		return invalid("peer %d, swarm %d, %d servers", m.Peer, m.Swarm, len(m.ICE))
	}
	for _, url := range m.ICE {
		if len(url) > maxURL {
			return invalid("URL of %d bytes", len(url))
		}
	}
	if err := m.Params.check(); err != nil {
		return err
	}
	return checkMode(m.Mode, m.Reason)
}

func checkMode(m swarm.Mode, r swarm.Reason) error {
	switch m {
	case swarm.ModeEdge, swarm.ModeReceive, swarm.ModeOn:
	default:
		return invalid("mode %.20q", m)
	}
	return checkReason(r)
}

func checkReason(r swarm.Reason) error {
	if len(r) > maxReason {
		return invalid("reason of %d bytes", len(r))
	}
	return nil
}

// Params are swarm.Params, times in milliseconds.
type Params struct {
	Delay      Millis  `json:"delay"`
	Subs       int     `json:"subs"`
	Depth      int     `json:"depth"`
	GapPull    Millis  `json:"gapPull"`
	HedgeStart Millis  `json:"hedgeStart"`
	HedgeMin   Millis  `json:"hedgeMin"`
	HedgeMax   Millis  `json:"hedgeMax"`
	Share      float64 `json:"share"`
	CapFactor  float64 `json:"capFactor"`
	Cap        Count   `json:"cap"`
}

const (
	maxDelay  = Millis(30 * time.Second)
	maxDepth  = 16
	maxFactor = 100
)

func (p *Params) check() error {
	for _, t := range []Millis{p.Delay, p.GapPull, p.HedgeStart, p.HedgeMin, p.HedgeMax} {
		if t < 0 || t > maxDelay {
			return invalid("parameter of %v", time.Duration(t))
		}
	}
	if p.Subs < 1 || p.Subs > MaxSubs || p.Depth < 0 || p.Depth > maxDepth || p.Share < 0 || p.Share > 1 ||
		p.CapFactor < 0 || p.CapFactor > maxFactor || p.Cap > maxRate {
		return invalid("parameters: %d subs, depth %d, share %g, cap %g", p.Subs, p.Depth, p.Share, p.CapFactor)
	}
	return nil
}

// ParamsOf puts parameters on the wire.
func ParamsOf(p swarm.Params) Params {
	return Params{
		Delay: Millis(p.Delay), Subs: p.Subs, Depth: p.Depth, GapPull: Millis(p.GapPull),
		HedgeStart: Millis(p.HedgeStart), HedgeMin: Millis(p.HedgeMin), HedgeMax: Millis(p.HedgeMax),
		Share: p.Share, CapFactor: p.CapFactor, Cap: Count(p.Cap),
	}
}

// Policy gives the parameters.
func (p *Params) Policy() swarm.Params {
	return swarm.Params{
		Delay: time.Duration(p.Delay), Subs: p.Subs, Depth: p.Depth, GapPull: time.Duration(p.GapPull),
		HedgeStart: time.Duration(p.HedgeStart), HedgeMin: time.Duration(p.HedgeMin), HedgeMax: time.Duration(p.HedgeMax),
		Share: p.Share, CapFactor: p.CapFactor, Cap: int64(p.Cap),
	}
}

// Mode tells what the viewer takes part in from here on.
type Mode struct {
	Mode   swarm.Mode   `json:"mode"`
	Reason swarm.Reason `json:"reason,omitempty"`
}

// Kind implements Message.
func (*Mode) Kind() string { return "mode" }

func (m *Mode) check() error { return checkMode(m.Mode, m.Reason) }

// Candidates makes peers known.
type Candidates struct {
	Peers []CandidatePeer `json:"peers"`
}

// CandidatePeer is one of them.
type CandidatePeer struct {
	Peer        swarm.PeerID `json:"peer"`
	Role        string       `json:"role"`
	Fingerprint string       `json:"fingerprint"`
	Offer       bool         `json:"offer"`
	Near        bool         `json:"near"`
	Prefix      int          `json:"prefix"`
	ASN         int          `json:"asn"`
	Token       string       `json:"token"`
}

// The roles.
const (
	RoleParent  = "parent"
	RoleStandby = "standby"
)

// Policy is the candidate in the words of package swarm.
func (c *CandidatePeer) Policy() swarm.Candidate {
	return swarm.Candidate{
		Peer: c.Peer, Standby: c.Role == RoleStandby, Offer: c.Offer, Near: c.Near, Prefix: c.Prefix, ASN: c.ASN,
	}
}

// Kind implements Message.
func (*Candidates) Kind() string { return "candidates" }

func (m *Candidates) check() error {
	if len(m.Peers) > MaxPeers {
		return invalid("%d candidates", len(m.Peers))
	}
	for i := range m.Peers {
		c := &m.Peers[i]
		switch {
		case c.Peer == swarm.Edge || !isFingerprint(c.Fingerprint) || len(c.Token) > MaxToken:
			return invalid("candidate %d", c.Peer)
		case c.Role != RoleParent && c.Role != RoleStandby:
			return invalid("role %.20q", c.Role)
		}
	}
	return nil
}

// Assign places the receiver in a tree: Peer is its parent on Sub or, when Child is
// set, Child is to be fed.
type Assign struct {
	Sub   int          `json:"sub"`
	Peer  swarm.PeerID `json:"peer"`
	Child swarm.PeerID `json:"child,omitempty"`
}

// Kind implements Message.
func (*Assign) Kind() string { return "assign" }

func (m *Assign) check() error {
	if m.Sub < 0 || m.Sub >= MaxSubs {
		return invalid("sub-stream %d", m.Sub)
	}
	return nil
}

// Slots tells how many children a newcomer may have.
type Slots struct {
	Slots int `json:"slots"`
}

// Kind implements Message.
func (*Slots) Kind() string { return "slots" }

func (m *Slots) check() error {
	if m.Slots < 0 || m.Slots > maxSlots {
		return invalid("%d slots", m.Slots)
	}
	return nil
}

// Delay gives a new T.
type Delay struct {
	Delay Millis `json:"delay"`
}

// Kind implements Message.
func (*Delay) Kind() string { return "delay" }

func (m *Delay) check() error {
	if m.Delay <= 0 || m.Delay > maxDelay {
		return invalid("delay of %v", time.Duration(m.Delay))
	}
	return nil
}

// Drop tells to leave a peer, and for how long.
type Drop struct {
	Peer   swarm.PeerID `json:"peer"`
	Reason swarm.Reason `json:"reason,omitempty"`
	Ban    Millis       `json:"ban,omitempty"`
}

// Kind implements Message.
func (*Drop) Kind() string { return "drop" }

func (m *Drop) check() error {
	if m.Ban < 0 {
		return invalid("negative ban")
	}
	return checkReason(m.Reason)
}

// Error ends the swarm for this viewer.
type Error struct {
	Reason swarm.Reason `json:"reason"`
}

// Kind implements Message.
func (*Error) Kind() string { return "error" }

func (m *Error) check() error { return checkReason(m.Reason) }

// Pong answers the Ping with this number.
type Pong struct {
	ID uint64 `json:"id"`
}

// Kind implements Message.
func (*Pong) Kind() string { return "pong" }

func (m *Pong) check() error { return checkPing(m.ID) }
