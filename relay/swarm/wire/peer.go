package wire

import (
	"errors"
	"fmt"

	"github.com/freshet-live/freshet/relay/swarm"
)

// Bounds of what peers say to each other (docs/swarm-protocol.md, "Between
// peers").
const (
	// MaxPeerMessage bounds the bytes of a message.
	MaxPeerMessage = 16 << 10
	// MaxHaveGroups bounds the groups of a HAVE.
	MaxHaveGroups = 4
	// MaxPull bounds the pieces of a PULL or CANCEL.
	MaxPull = 64

	maxPeerToken = 512
	maxHaveBits  = 32
	maxPeerSub   = 31 // The last of those that a mask of 32 bits has.
)

// PeerVersion is the version that HELLO says.
const PeerVersion = 1

// PeerType is the type of a message between peers.
type PeerType uint8

// The types. The fields of PeerMessage that count are in brackets.
const (
	PeerHello  PeerType = 1  // [Version, Peer, Token]
	PeerSub    PeerType = 2  // [Sub, ID]
	PeerUnsub  PeerType = 3  // [Sub]
	PeerHave   PeerType = 4  // [Have]
	PeerPull   PeerType = 5  // [IDs]
	PeerCancel PeerType = 6  // [IDs]
	PeerRefuse PeerType = 7  // [Kind, Refusal, Sub and ID or IDs]
	PeerLeave  PeerType = 8  // [Leaving]
	PeerPing   PeerType = 9  // [Time]
	PeerPong   PeerType = 10 // [Time]
	PeerPiece  PeerType = 16 // [ID, Offset, Size, Bytes]
	PeerBeacon PeerType = 17 // [Bytes]
)

// Refusal is why a peer does not give what was asked for.
type Refusal uint8

// The refusals.
const (
	RefusedFull    Refusal = 1
	RefusedLoop    Refusal = 2
	RefusedUnknown Refusal = 3
	RefusedLeaving Refusal = 4
)

// Leaving is why a peer stops sending.
type Leaving uint8

// Why peers leave.
const (
	LeavingEnded  Leaving = 1
	LeavingHidden Leaving = 2
	LeavingMode   Leaving = 3
)

// PeerMessage is a message between peers. Fields that its type does not name are
// zero.
type PeerMessage struct {
	Type    PeerType        `json:"type"`
	Version uint64          `json:"version,omitempty"`
	Peer    swarm.PeerID    `json:"peer,omitempty"`
	Token   []byte          `json:"token,omitempty"`
	Sub     int             `json:"sub,omitempty"`
	ID      swarm.PieceID   `json:"id,omitzero"`
	IDs     []swarm.PieceID `json:"ids,omitempty"`
	Have    []swarm.HaveMap `json:"have,omitempty"`
	Kind    PeerType        `json:"kind,omitempty"`
	Refusal Refusal         `json:"refusal,omitempty"`
	Leaving Leaving         `json:"leaving,omitempty"`
	Time    uint64          `json:"time,omitempty"`
	Offset  int             `json:"offset,omitempty"`
	Size    int             `json:"size,omitempty"`
	Bytes   []byte          `json:"bytes,omitempty"`
}

// ErrPeerMessage is a message that breaks a rule of docs/swarm-protocol.md: it
// ends the connection it came on.
var ErrPeerMessage = errors.New("peer message breaks the protocol")

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrPeerMessage, fmt.Sprintf(format, args...))
}

// OnPieces says that messages of this type travel on the channel `pieces`; the
// others travel on `control`.
func (t PeerType) OnPieces() bool { return t == PeerPiece || t == PeerBeacon }

// AppendPeer appends the message to b. It is an error when the message breaks a
// bound that the other side holds it to.
func AppendPeer(b []byte, m *PeerMessage) ([]byte, error) {
	c := peerCoder{writing: true, buf: b}
	start := len(b)
	kind := uint8(m.Type)
	c.uint8(&kind)
	c.message(m)
	if n := len(c.buf) - start; c.err == nil && n > MaxPeerMessage {
		c.fail(broken("%d bytes", n))
	}
	if c.err != nil {
		return b, c.err
	}
	return c.buf, nil
}

// ParsePeer reads a message. Its Bytes and Token, and the Bits of its Have, are
// parts of b. All errors wrap ErrPeerMessage.
func ParsePeer(b []byte) (PeerMessage, error) {
	if len(b) > MaxPeerMessage {
		return PeerMessage{}, broken("%d bytes", len(b))
	}
	c := peerCoder{buf: b}
	var kind uint8
	c.uint8(&kind)
	m := PeerMessage{Type: PeerType(kind)}
	c.message(&m)
	if c.err == nil && len(c.buf) > 0 {
		c.fail(broken("%d bytes behind its end", len(c.buf)))
	}
	if c.err != nil {
		return PeerMessage{}, c.err
	}
	return m, nil
}

// message walks the fields behind the type.
func (c *peerCoder) message(m *PeerMessage) {
	switch m.Type {
	case PeerHello:
		c.hello(m)
	case PeerSub:
		c.sub(&m.Sub)
		c.id(&m.ID)
	case PeerUnsub:
		c.sub(&m.Sub)
	case PeerHave:
		c.have(&m.Have)
	case PeerPull, PeerCancel:
		c.ids(&m.IDs)
	case PeerRefuse:
		c.refuse(m)
	case PeerLeave:
		c.uint8((*uint8)(&m.Leaving))
	case PeerPing, PeerPong:
		c.uint64(&m.Time)
	case PeerPiece:
		c.piece(m)
	case PeerBeacon:
		c.rest(&m.Bytes)
	default:
		c.fail(broken("type %d is not known", m.Type))
	}
}

func (c *peerCoder) hello(m *PeerMessage) {
	c.varint(&m.Version)
	c.peer(&m.Peer)
	c.bytes(&m.Token, maxPeerToken)
}

func (c *peerCoder) refuse(m *PeerMessage) {
	c.uint8((*uint8)(&m.Kind))
	c.uint8((*uint8)(&m.Refusal))
	switch m.Kind {
	case PeerSub:
		c.sub(&m.Sub)
		c.id(&m.ID)
	case PeerPull:
		c.ids(&m.IDs)
	default:
		c.fail(broken("type %d is refused", m.Kind))
	}
}

func (c *peerCoder) piece(m *PeerMessage) {
	c.id(&m.ID)
	c.int(&m.Offset, 0, swarm.MaxPiece-1)
	c.int(&m.Size, 1, swarm.MaxPiece)
	c.rest(&m.Bytes)
	if m.Offset+len(m.Bytes) > m.Size {
		c.fail(broken("part of %d bytes at %d in a piece of %d", len(m.Bytes), m.Offset, m.Size))
	}
}
