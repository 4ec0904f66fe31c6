package quic

import (
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/ingest/mpegts"
)

// Stats are a connection's; totals since the handshake where the name does not say
// otherwise. Those that SRT has, too, have its names.
type Stats struct {
	Mode         string  `json:"mode"`
	MsLatency    int64   `json:"msLatency"`
	MsRTT        float64 `json:"msRTT"`
	PktRecv      uint64  `json:"pktRecv"`
	ByteRecv     uint64  `json:"byteRecv"`
	MbpsRecvRate float64 `json:"mbpsRecvRate"` // Over the last second.
	// Batches are those of streams, or datagrams.
	Batches     uint64 `json:"batches"`
	BatchesLost uint64 `json:"batchesLost"` // Never delivered: reset, or not there in time.
	BatchesLate uint64 `json:"batchesLate"` // Came too late or twice.
	BatchesHeld uint64 `json:"batchesHeld"` // Wait for an earlier one now.
	Moves       uint64 `json:"moves"`       // Changes of the publisher's address.

	// What the publisher says of itself.
	PktSnd         uint64 `json:"pktSnd"`
	PktSndLoss     uint64 `json:"pktSndLoss"`     // Packets lost, and sent again if they held a batch.
	BatchesSndDrop uint64 `json:"batchesSndDrop"` // Too old before they were sent.

	// TS is the transport stream's.
	TS mpegts.Stats `json:"ts"`
}

// counts are read by Stats from any goroutine.
type counts struct {
	batches, lost, late, held, moves atomic.Uint64
	rate                             atomic.Uint64 // Bits a second.
	sender                           atomic.Pointer[report]
}

// follow takes over what the owner of r counted.
func (c *counts) follow(r *reorder) {
	c.batches.Store(r.batches)
	c.lost.Store(r.lost)
	c.late.Store(r.late)
	c.held.Store(uint64(len(r.held)))
}

// Stats is safe for any goroutine.
func (c *connection) Stats() Stats {
	conn := c.conn.ConnectionStats()
	s := Stats{
		Mode:         c.hello.mode.String(),
		MsLatency:    c.hello.latency.Milliseconds(),
		MsRTT:        float64(conn.SmoothedRTT) / float64(time.Millisecond),
		PktRecv:      conn.PacketsReceived,
		ByteRecv:     conn.BytesReceived,
		MbpsRecvRate: float64(c.counts.rate.Load()) / 1e6,
		Batches:      c.counts.batches.Load(),
		BatchesLost:  c.counts.lost.Load(),
		BatchesLate:  c.counts.late.Load(),
		BatchesHeld:  c.counts.held.Load(),
		Moves:        c.counts.moves.Load(),
	}
	if r := c.counts.sender.Load(); r != nil {
		s.PktSnd, s.PktSndLoss, s.BatchesSndDrop = r.packetsSent, r.packetsLost, r.dropped
	}
	if d := c.demuxer.Load(); d != nil {
		s.TS = d.Stats()
	}
	return s
}
