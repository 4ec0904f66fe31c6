package rtc

import (
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// EventKind says what a connection tells its owner.
type EventKind uint8

// What a connection tells. The fields of Event that count are in brackets.
const (
	// Signalled: to be sent to the peer, by the edge [Signal].
	Signalled EventKind = iota + 1
	// Opened: both sides said HELLO [RTT, 0 when it is not known].
	Opened
	// Said: the peer said something, or repeated a beacon [Message].
	Said
	// Gave: a piece came whole [ID, Bytes].
	Gave
	// Measured: a round trip [RTT].
	Measured
)

// Event is what a connection tells its owner. Its bytes are the owner's, and
// never written again.
type Event struct {
	Kind    EventKind
	At      time.Time
	Signal  Signal
	Message wire.PeerMessage
	ID      swarm.PieceID
	Bytes   []byte
	RTT     time.Duration
}

// Signal is a description or a candidate. What it is not is nil.
type Signal struct {
	Description *Description
	Candidate   *Candidate
}

// Description is an RTCSessionDescriptionInit.
type Description struct {
	Type string `json:"type"` // "offer" or "answer".
	SDP  string `json:"sdp"`
}

// Candidate is an RTCIceCandidateInit. An empty one says that no more come.
type Candidate struct {
	Candidate     string  `json:"candidate"`
	SDPMid        *string `json:"sdpMid,omitempty"`
	SDPMLineIndex *uint16 `json:"sdpMLineIndex,omitempty"`
}
