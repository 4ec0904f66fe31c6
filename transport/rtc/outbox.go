package rtc

import (
	"slices"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// Bounds of what waits for a peer.
const (
	// maxControl messages: a peer that takes none for seconds is gone.
	maxControl = 256
	// maxWaiting bytes of pieces: more would come too late.
	maxWaiting = 512 << 10
	// stale pieces are not sent any more: the peer has had them from the edge.
	stale = 2 * time.Second
)

// outbox is what waits to be written to a peer's channels, and what was written
// and is not acknowledged. Control messages go first; pieces keep their order.
type outbox struct {
	wake chan struct{} // One slot: something was added.

	mu sync.Mutex
	// All guarded by mu.
	control [][]byte
	pieces  []outgoing
	offset  int   // Of the first piece: sent until there.
	queued  int   // Bytes of pieces that are not written.
	written int64 // To the channel, in all.
	acked   int64
}

// outgoing is a piece that waits.
type outgoing struct {
	id     swarm.PieceID
	piece  []byte
	beacon []byte // Nil when it was sent, or is not needed.
	since  time.Time
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) addControl(b []byte) error {
	o.mu.Lock()
	full := len(o.control) >= maxControl
	if !full {
		o.control = append(o.control, b)
	}
	o.mu.Unlock()
	if full {
		return ErrSlow
	}
	o.signal()
	return nil
}

func (o *outbox) addPiece(id swarm.PieceID, piece, beacon []byte, now time.Time) bool {
	o.mu.Lock()
	full := o.queued+len(piece) > maxWaiting
	if !full {
		o.pieces = append(o.pieces, outgoing{id, piece, beacon, now})
		o.queued += len(piece)
	}
	o.mu.Unlock()
	if !full {
		o.signal()
	}
	return !full
}

// drop takes pieces out that are not on their way.
func (o *outbox) drop(ids []swarm.PieceID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deletePieces(func(p outgoing) bool { return slices.Contains(ids, p.id) })
}

// deletePieces takes out those that match, but the one that is on its way. A
// beacon goes with its piece: who has the piece has it, and what is stale is of no
// use with it either. The caller holds mu.
func (o *outbox) deletePieces(match func(outgoing) bool) {
	first := o.pieces
	if o.offset > 0 {
		first = o.pieces[1:]
	}
	kept := slices.DeleteFunc(first, func(p outgoing) bool {
		if match(p) {
			o.queued -= len(p.piece)
			return true
		}
		return false
	})
	o.pieces = o.pieces[:len(o.pieces)-len(first)+len(kept)]
}

// nextControl is the next control message, nil when there is none.
func (o *outbox) nextControl() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.control) == 0 {
		return nil
	}
	b := o.control[0]
	o.control[0] = nil
	o.control = o.control[1:]
	return b
}

// nextPart appends the next message of the channel `pieces` to b; nothing when
// there is none.
func (o *outbox) nextPart(b []byte, now time.Time) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.deletePieces(func(p outgoing) bool { return now.Sub(p.since) > stale })
	if len(o.pieces) == 0 {
		return b, nil
	}
	p := &o.pieces[0]
	if p.beacon != nil {
		m := wire.PeerMessage{Type: wire.PeerBeacon, Bytes: p.beacon}
		p.beacon = nil
		return o.append(b, &m)
	}
	return o.appendPart(b, p)
}

// maxHead is the most that PIECE has before its bytes: type, group, n, offset,
// size.
const maxHead = 1 + 8 + 8 + 4 + 4

func (o *outbox) appendPart(b []byte, p *outgoing) ([]byte, error) {
	n := min(len(p.piece)-o.offset, wire.MaxPeerMessage-maxHead)
	m := wire.PeerMessage{
		Type: wire.PeerPiece, ID: p.id, Offset: o.offset, Size: len(p.piece), Bytes: p.piece[o.offset : o.offset+n],
	}
	o.offset += n
	o.queued -= n
	if o.offset == len(p.piece) {
		o.offset = 0
		o.pieces[0] = outgoing{}
		o.pieces = o.pieces[1:]
	}
	return o.append(b, &m)
}

func (o *outbox) append(b []byte, m *wire.PeerMessage) ([]byte, error) {
	start := len(b)
	b, err := wire.AppendPeer(b, m)
	o.written += int64(len(b) - start)
	return b, err
}

// buffered tells how many bytes of what was written are not acknowledged, and
// gives how many were acknowledged since it was told last, and whether something
// is waiting still.
func (o *outbox) buffered(n uint64) (acked int64, waiting bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	total := o.written - int64(n)
	acked = total - o.acked
	o.acked = total
	return acked, n > 0 || o.queued > 0
}

func (o *outbox) waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queued + int(o.written-o.acked)
}

func (o *outbox) acknowledged() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.acked
}
