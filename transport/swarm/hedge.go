package swarm

import (
	"context"
	"math/bits"
	"sync"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
	moqwire "github.com/freshet-live/freshet/transport/moqt/wire"
)

const (
	// maxHedges bounds the hedges of a viewer that are being answered.
	maxHedges = 8
	// hedgeFactor is what hedges may come to, in bitrates: a viewer whose peers all
	// fail is fed by the edge, and hedges what lies between.
	hedgeFactor = 1.2
	// hedgeBurst is how much may come at once: a second of the stream, when all parents
	// leave together.
	hedgeBurst = time.Second
	// hedgeWithin is how long an answer may take; by then the piece is late.
	hedgeWithin = time.Second
	// assumedBitrate holds until the stream's is known, bit/s.
	assumedBitrate = 8_000_000
)

// hedges answers a viewer's hedges from the log, once each piece.
type hedges struct {
	m *member

	mu     sync.Mutex
	open   map[uint64]context.CancelFunc // Guarded by mu. By id.
	bucket bucket                        // Guarded by mu. Bytes.
	sent   sent                          // Guarded by mu.
}

func newHedges(m *member) *hedges {
	return &hedges{m: m, open: make(map[uint64]context.CancelFunc)}
}

// answer takes a hedge. It is written by a goroutine of the member.
func (h *hedges) answer(ctx context.Context, msg *wire.Hedge) {
	ctx, cancel := context.WithTimeout(ctx, hedgeWithin)
	if !h.begin(msg.ID, cancel) {
		cancel()
		h.m.room.edge.metrics.hedges.WithLabelValues("busy").Inc()
		return
	}
	h.m.tasks.Go(func() {
		defer cancel()
		defer h.end(msg.ID)
		h.m.room.edge.metrics.hedges.WithLabelValues(h.write(ctx, msg)).Inc()
	})
}

func (h *hedges) begin(id uint64, cancel context.CancelFunc) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.open[id]; ok || len(h.open) >= maxHedges {
		return false
	}
	h.open[id] = cancel
	return true
}

func (h *hedges) end(id uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, id)
}

// cancel ends a hedge that is not needed any more.
func (h *hedges) cancel(id uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cancel, ok := h.open[id]; ok {
		cancel()
	}
}

// write sends what is there of a hedge, and gives the word for its end.
func (h *hedges) write(ctx context.Context, msg *wire.Hedge) string {
	st, err := h.m.peer.OpenUniStream(ctx, moqt.OrderUrgent)
	if err != nil {
		return "no_stream"
	}
	result := "empty"
	b := wire.AppendPiecesHeader(nil, wire.PiecesHeader{Swarm: h.m.number, Kind: wire.PiecesHedged, ID: msg.ID})
	for id := range wanted(msg) {
		piece, ok := h.m.room.pieces.of(id)
		if !ok {
			continue
		}
		allowed, fresh := h.charge(id, len(piece))
		if !fresh {
			continue
		}
		if !allowed {
			result = "limited"
			break
		}
		b = wire.AppendPieceHeader(b, id, len(piece))
		if err := st.Write(ctx, b, piece); err != nil {
			h.refund(id)
			st.Cancel(moqwire.ResetCancelled)
			return "cancelled"
		}
		b, result = b[:0], "answered"
		h.m.room.edge.metrics.hedged.Add(float64(len(piece)))
		h.m.totals.hedged.Add(int64(len(piece)))
	}
	if len(b) > 0 && st.Write(ctx, b, nil) != nil {
		st.Cancel(moqwire.ResetCancelled)
		return "cancelled"
	}
	_ = st.Close()
	return result
}

// wanted gives the pieces of a hedge.
func wanted(msg *wire.Hedge) func(yield func(policy.PieceID) bool) {
	return func(yield func(policy.PieceID) bool) {
		for j, octet := range msg.Bits {
			for ; octet != 0; octet &= octet - 1 {
				n := uint64(msg.N) + uint64(8*j+bits.TrailingZeros8(octet))
				if n > 1<<32-1 || !yield(policy.PieceID{Group: msg.Group, N: uint32(n)}) {
					return
				}
			}
		}
	}
}

// charge takes a piece out of the bucket. fresh says that it was not hedged before.
func (h *hedges) charge(id policy.PieceID, size int) (allowed, fresh bool) {
	bytes := float64(h.m.room.bitrate()) / 8
	h.mu.Lock()
	defer h.mu.Unlock()
	marks := h.sent.of(id.Group)
	if marks == nil || marks.has(id.N) {
		return false, false
	}
	h.bucket.rate, h.bucket.burst = hedgeFactor*bytes, hedgeFactor*bytes*hedgeBurst.Seconds()+policy.MaxPiece
	if !h.bucket.take(time.Now(), float64(size)) {
		return false, true
	}
	marks.set(id.N)
	return true, true
}

// refund forgets that a piece was hedged, which was not.
func (h *hedges) refund(id policy.PieceID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if marks := h.sent.of(id.Group); marks != nil {
		marks.unset(id.N)
	}
}
