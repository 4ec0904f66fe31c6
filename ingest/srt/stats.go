package srt

import (
	gosrt "github.com/datarhei/gosrt"

	"github.com/freshet-live/freshet/ingest/mpegts"
)

// Stats are a connection's, with libsrt's names; totals since the handshake
// where the name does not say otherwise.
type Stats struct {
	PktRecv         uint64  `json:"pktRecv"`
	PktRecvUnique   uint64  `json:"pktRecvUnique"`
	PktRcvLoss      uint64  `json:"pktRcvLoss"`
	PktRcvRetrans   uint64  `json:"pktRcvRetrans"`
	PktRcvDrop      uint64  `json:"pktRcvDrop"`      // Never delivered: loss that was not repaired in time.
	PktRcvDiscard   uint64  `json:"pktRcvDiscard"`   // Came too late or twice.
	PktRcvUndecrypt uint64  `json:"pktRcvUndecrypt"` // Could not be decrypted, or came in clear.
	PktSentACK      uint64  `json:"pktSentACK"`
	PktSentNAK      uint64  `json:"pktSentNAK"`
	ByteRecv        uint64  `json:"byteRecv"`
	MsRTT           float64 `json:"msRTT"`
	MbpsRecvRate    float64 `json:"mbpsRecvRate"`
	MbpsBandwidth   float64 `json:"mbpsBandwidth"`
	PktRcvBuf       uint64  `json:"pktRcvBuf"`
	ByteRcvBuf      uint64  `json:"byteRcvBuf"`
	MsRcvBuf        uint64  `json:"msRcvBuf"`
	MsRcvTsbPdDelay uint64  `json:"msRcvTsbPdDelay"`

	// TS is the transport stream's.
	TS mpegts.Stats `json:"ts"`
}

// Stats is safe for any goroutine.
func (c *connection) Stats() Stats {
	conn := c.socket.Load()
	if conn == nil {
		return Stats{}
	}
	var s gosrt.Statistics
	conn.Stats(&s)
	total, now := &s.Accumulated, &s.Instantaneous
	return Stats{
		PktRecv:         total.PktRecv,
		PktRecvUnique:   total.PktRecvUnique,
		PktRcvLoss:      total.PktRecvLoss,
		PktRcvRetrans:   total.PktRecvRetrans,
		PktRcvDrop:      c.lost.Load(),
		PktRcvDiscard:   total.PktRecvDrop,
		PktRcvUndecrypt: total.PktRecvUndecrypt + c.inClear.Load(),
		PktSentACK:      total.PktSentACK,
		PktSentNAK:      total.PktSentNAK,
		ByteRecv:        total.ByteRecv,
		MsRTT:           now.MsRTT,
		MbpsRecvRate:    now.MbpsRecvRate,
		MbpsBandwidth:   now.MbpsLinkCapacity,
		PktRcvBuf:       now.PktRecvBuf,
		ByteRcvBuf:      now.ByteRecvBuf,
		MsRcvBuf:        now.MsRecvBuf,
		MsRcvTsbPdDelay: now.MsRecvTsbPdDelay,
		TS:              c.demuxer.Stats(),
	}
}
