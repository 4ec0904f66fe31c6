package swarm

import "time"

// EventKind says what a Viewer is told.
type EventKind string

// What a Viewer is told. The fields of Event that count are in brackets.
const (
	// EventWelcome: the edge took the viewer in [Self, Mode, Params].
	EventWelcome EventKind = "welcome"
	// EventMode: the edge, or the viewer's own situation, changed what it may do
	// [Mode, Reason].
	EventMode EventKind = "mode"
	// EventDelay: a new T [Delay].
	EventDelay EventKind = "delay"
	// EventSlots: how many children it may have [Count].
	EventSlots EventKind = "slots"
	// EventCandidates: peers to connect to [Candidates].
	EventCandidates EventKind = "candidates"
	// EventAssign: the tree [Sub, Peer, Child].
	EventAssign EventKind = "assign"
	// EventDrop: the edge tells to leave a peer [Peer, Reason, Delay].
	EventDrop EventKind = "drop"

	// EventBeacon: a verified beacon [ID of the first piece, Sizes, PTS].
	EventBeacon EventKind = "beacon"
	// EventPiece: a piece came whole, its hash is right [Peer, ID, Size, Hedged].
	EventPiece EventKind = "piece"
	// EventInvalid: a peer sent a piece that no beacon signs [Peer, ID].
	EventInvalid EventKind = "invalid"
	// EventPlayout: media time 0 is displayed at Now+Offset, at the rate 1; the
	// deadline of a piece is its chunk's PTS on that clock [Offset].
	EventPlayout EventKind = "playout"
	// EventStall: the picture stood still.
	EventStall EventKind = "stall"

	// EventOpen: the channels to a peer are open, both sides said HELLO [Peer, RTT].
	EventOpen EventKind = "open"
	// EventFailed: no connection to that peer came about [Peer, Reason].
	EventFailed EventKind = "failed"
	// EventClosed: a connection has ended [Peer, Reason].
	EventClosed EventKind = "closed"
	// EventRTT: a round trip was measured [Peer, RTT].
	EventRTT EventKind = "rtt"
	// EventQueue: what waits to be sent to a peer [Peer, Size].
	EventQueue EventKind = "queue"
	// EventUplink: the viewer's uplink was estimated anew, bit/s [Rate].
	EventUplink EventKind = "uplink"

	// What a peer said [Peer, and ...].
	EventSub    EventKind = "sub"    // [Sub, ID]
	EventUnsub  EventKind = "unsub"  // [Sub]
	EventHave   EventKind = "have"   // [Have]
	EventPull   EventKind = "pull"   // [IDs]
	EventCancel EventKind = "cancel" // [IDs]
	EventRefuse EventKind = "refuse" // [Reason, Sub or IDs]
	EventLeave  EventKind = "leave"

	// EventHedgeDone: the answer to a hedge ended [Count is the hedge's id].
	EventHedgeDone EventKind = "hedgeDone"
	// EventTick: time passes; at least every 50 ms.
	EventTick EventKind = "tick"
)

// Event is what a Viewer is told. Fields that its kind does not name are zero.
type Event struct {
	Kind       EventKind     `json:"kind"`
	Peer       PeerID        `json:"peer,omitempty"`
	Self       PeerID        `json:"self,omitempty"`
	Child      PeerID        `json:"child,omitempty"`
	Sub        int           `json:"sub,omitempty"`
	ID         PieceID       `json:"id,omitzero"`
	IDs        []PieceID     `json:"ids,omitempty"`
	Sizes      []int         `json:"sizes,omitempty"`
	Size       int           `json:"size,omitempty"`
	Count      int           `json:"count,omitempty"`
	Hedged     bool          `json:"hedged,omitempty"`
	PTS        time.Duration `json:"pts,omitempty"`
	Offset     time.Duration `json:"offset,omitempty"`
	Delay      time.Duration `json:"delay,omitempty"`
	RTT        time.Duration `json:"rtt,omitempty"`
	Rate       int64         `json:"rate,omitempty"`
	Have       []HaveMap     `json:"have,omitempty"`
	Candidates []Candidate   `json:"candidates,omitempty"`
	Mode       Mode          `json:"mode,omitempty"`
	Reason     Reason        `json:"reason,omitempty"`
	Params     *Params       `json:"params,omitempty"`
}

// HaveMap says which pieces of a group somebody has: bit i of byte j, lowest
// first, is piece N+8j+i.
type HaveMap struct {
	Group uint64 `json:"g"`
	N     uint32 `json:"n"`
	Bits  []byte `json:"bits"`
}

// Candidate is a peer that the edge made known.
type Candidate struct {
	Peer PeerID `json:"peer"`
	// Standby peers are not in a tree: they exchange have-maps.
	Standby bool `json:"standby,omitempty"`
	// Offer says that this side makes the offer.
	Offer bool `json:"offer,omitempty"`
	// Near says that it is in the same network or region.
	Near bool `json:"near,omitempty"`
	// Prefix and ASN class peers for diversity: equal numbers, equal class.
	Prefix int `json:"prefix,omitempty"`
	ASN    int `json:"asn,omitempty"`
}

// Mode is how much of the swarm a viewer takes part in.
type Mode string

// The modes.
const (
	ModeEdge    Mode = "edge"    // The edge feeds everything.
	ModeReceive Mode = "receive" // Takes from peers, sends nothing.
	ModeOn      Mode = "on"
)

// Reason is a word for why, from a closed set: those of docs/swarm-protocol.md.
type Reason string
