package beacon

import (
	"slices"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

const (
	// Hold is how long a piece waits for its beacon, which comes over another way: as
	// long as it may still be displayed. A beacon whose packet was lost is an answer's
	// time behind; to throw its piece away would cost a hedge, or a stall.
	Hold = 2 * time.Second
	// SenderBytes bounds what waits of one peer: a key frame of 200 kB.
	SenderBytes = 256 << 10
	// PendingBytes bounds what waits of all peers together.
	PendingBytes = 4 << 20
	// EdgeBytes bounds what waits of the edge, which peers cannot crowd out: two
	// seconds at 4 Mbit/s.
	EdgeBytes = 1 << 20
	// leastCost is what the smallest piece counts for, so that they are not many.
	leastCost = 4 << 10
)

// Pending holds pieces that no beacon speaks of yet. They are never passed on from
// here: who holds them asks the Verifier once their beacon has come.
type Pending struct {
	held  []Held // As they came, so those that are given up first are first.
	bytes int    // Of peers.
	// senders counts the bytes of each that has any.
	senders map[swarm.PeerID]int
}

// Held is a piece that waits.
type Held struct {
	From  swarm.PeerID
	ID    swarm.PieceID
	Piece []byte
	Since time.Duration
}

func (h *Held) cost() int { return max(len(h.Piece), leastCost) }

// NewPending makes a Pending that holds nothing.
func NewPending() *Pending { return &Pending{senders: make(map[swarm.PeerID]int)} }

// Add holds a piece, which the caller gives away. It is refused when as much waits
// as may, of this sender or of all peers. Of one sender a piece is held once.
func (p *Pending) Add(now time.Duration, from swarm.PeerID, id swarm.PieceID, piece []byte) bool {
	h := Held{From: from, ID: id, Piece: piece, Since: now}
	if !p.room(from, h.cost()) {
		return false
	}
	if slices.ContainsFunc(p.held, func(o Held) bool { return o.From == from && o.ID == id }) {
		return false
	}
	p.held = append(p.held, h)
	p.count(&h, h.cost())
	return true
}

func (p *Pending) room(from swarm.PeerID, cost int) bool {
	if from == swarm.Edge {
		return p.senders[from]+cost <= EdgeBytes
	}
	return p.senders[from]+cost <= SenderBytes && p.bytes+cost <= PendingBytes
}

// Take lets go of the pieces that a beacon speaks of, for the caller to verify.
func (p *Pending) Take(b *Beacon) []Held {
	return p.release(func(h *Held) bool { return h.ID.Group == b.Group && h.ID.N >= b.First && h.ID.N < b.End() })
}

// Expire gives the pieces up whose beacon did not come in time.
func (p *Pending) Expire(now time.Duration) []Held {
	return p.release(func(h *Held) bool { return now-h.Since >= Hold })
}

// Drop forgets what a sender sent.
func (p *Pending) Drop(from swarm.PeerID) {
	p.release(func(h *Held) bool { return h.From == from })
}

// Next is when Expire has something to do; false when nothing waits.
func (p *Pending) Next() (time.Duration, bool) {
	if len(p.held) == 0 {
		return 0, false
	}
	return p.held[0].Since + Hold, true
}

func (p *Pending) release(which func(*Held) bool) []Held {
	var out []Held
	p.held = slices.DeleteFunc(p.held, func(h Held) bool {
		if !which(&h) {
			return false
		}
		out = append(out, h)
		p.count(&h, -h.cost())
		return true
	})
	return out
}

func (p *Pending) count(h *Held, n int) {
	if h.From != swarm.Edge {
		p.bytes += n
	}
	if p.senders[h.From] += n; p.senders[h.From] == 0 {
		delete(p.senders, h.From)
	}
}
