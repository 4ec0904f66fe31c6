package srt

import "github.com/freshet-live/freshet/ingest/mpegts"

// Stats are a connection's, with libsrt's names; totals since the handshake
// where the name does not say otherwise.
type Stats struct {
	PktRecv             uint64  `json:"pktRecv"`
	PktRecvUnique       uint64  `json:"pktRecvUnique"`
	PktRcvLoss          uint64  `json:"pktRcvLoss"`
	PktRcvRetrans       uint64  `json:"pktRcvRetrans"`
	PktRcvDrop          uint64  `json:"pktRcvDrop"`      // Never delivered: loss that was not repaired in time.
	PktRcvDiscard       uint64  `json:"pktRcvDiscard"`   // Came too late or twice.
	PktRcvBelated       uint64  `json:"pktRcvBelated"`   // Of these, what came too late.
	PktRcvRefused       uint64  `json:"pktRcvRefused"`   // More than is held back of one encoder.
	PktRcvUndecrypt     uint64  `json:"pktRcvUndecrypt"` // Could not be decrypted, or came in clear.
	PktReorderTolerance uint64  `json:"pktReorderTolerance"`
	PktSentACK          uint64  `json:"pktSentACK"`
	PktSentNAK          uint64  `json:"pktSentNAK"`
	ByteRecv            uint64  `json:"byteRecv"`
	MsRTT               float64 `json:"msRTT"`
	MbpsRecvRate        float64 `json:"mbpsRecvRate"`
	MbpsBandwidth       float64 `json:"mbpsBandwidth"`
	PktRcvBuf           uint64  `json:"pktRcvBuf"`
	ByteRcvBuf          uint64  `json:"byteRcvBuf"`
	MsRcvBuf            uint64  `json:"msRcvBuf"`
	MsRcvTsbPdDelay     uint64  `json:"msRcvTsbPdDelay"`
	MsDrift             float64 `json:"msDrift"`  // What is added to the encoder's clock.
	PpmDrift            float64 `json:"ppmDrift"` // How fast that grows.

	// TS is the transport stream's.
	TS mpegts.Stats `json:"ts"`
}

// Stats is safe for any goroutine.
func (c *connection) Stats() Stats {
	socket := c.socket.Load()
	if socket == nil {
		return Stats{}
	}
	s := socket.Stats()
	return Stats{
		PktRecv:             s.PktRecv,
		PktRecvUnique:       s.PktRecvUnique,
		PktRcvLoss:          s.PktRcvLoss,
		PktRcvRetrans:       s.PktRcvRetrans,
		PktRcvDrop:          s.PktRcvDrop,
		PktRcvDiscard:       s.PktRcvBelated + s.PktRcvDuplicate,
		PktRcvBelated:       s.PktRcvBelated,
		PktRcvRefused:       s.PktRcvRefused,
		PktRcvUndecrypt:     s.PktRcvUndecrypt,
		PktReorderTolerance: s.PktReorderTolerance,
		PktSentACK:          s.PktSentACK,
		PktSentNAK:          s.PktSentNAK,
		ByteRecv:            s.ByteRecv,
		MsRTT:               s.MsRTT,
		MbpsRecvRate:        s.MbpsRecvRate,
		MbpsBandwidth:       s.MbpsBandwidth,
		PktRcvBuf:           s.PktRcvBuf,
		ByteRcvBuf:          s.ByteRcvBuf,
		MsRcvBuf:            s.MsRcvBuf,
		MsRcvTsbPdDelay:     s.MsRcvTsbPdDelay,
		MsDrift:             s.MsDrift,
		PpmDrift:            s.PpmDrift,
		TS:                  c.demuxer.Stats(),
	}
}
