package srt

import "github.com/freshet-live/freshet/transport/srt/receive"

// Stats are a connection's, with libsrt's names; totals since the handshake where
// the name does not say otherwise.
type Stats struct {
	receive.Stats

	// PktRcvUndecrypt are packets without a key for them, and packets in clear on
	// an encrypted connection. None of them is handed on.
	PktRcvUndecrypt uint64
}

// Stats are for any goroutine. ByteRecv counts the headers of SRT, too.
func (c *Conn) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Stats{PktRcvUndecrypt: c.undecrypted}
	if c.receiver != nil {
		s.Stats = c.receiver.Stats()
	}
	s.ByteRecv = c.bytes
	s.MsRcvTsbPdDelay = uint64(c.latency.Milliseconds())
	return s
}
