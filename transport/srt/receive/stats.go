package receive

import "math"

// Stats have libsrt's names and are totals since the handshake where the name
// does not say otherwise.
type Stats struct {
	PktRecv         uint64 // Everything that came, again and too late included.
	PktRecvUnique   uint64 // What was taken to be delivered.
	PktRcvLoss      uint64 // Missing for longer than the reorder tolerance.
	PktRcvRetrans   uint64 // With the R flag.
	PktRcvDrop      uint64 // Never delivered.
	PktRcvBelated   uint64 // Came when their turn was over, for the first time or again.
	PktRcvDuplicate uint64 // Came again while held.
	PktRcvRefused   uint64 // Beyond MaxPackets or MaxBytes.
	PktSentACK      uint64 // Light ones included.
	PktSentNAK      uint64
	ByteRecv        uint64 // Payload.

	PktRcvAvgBelatedTime float64 // Milliseconds after their turn.

	PktReorderDistance  uint64  // The largest of late, in packets.
	PktReorderTolerance uint64  // What the tolerance is in packets at today's rate.
	MsReorderTolerance  float64 // How long a missing packet is waited for.

	MsRTT         float64
	MsRTTVar      float64
	MbpsRecvRate  float64
	MbpsBandwidth float64 // 0 when unknown.

	PktRcvBuf       uint64 // Held now.
	ByteRcvBuf      uint64
	ByteAvailRcvBuf uint64
	MsRcvBuf        uint64 // From the first to the last that is held.
	MsRcvTsbPdDelay uint64 // The latency.

	MsDrift  float64 // What is added to the sender's clock.
	PpmDrift float64 // How fast that grows: positive when the sender's clock is slow.
}

// Stats are those of the last call of another method.
func (r *Receiver) Stats() Stats {
	s := r.stats
	if s.PktRcvBelated > 0 {
		s.PktRcvAvgBelatedTime = r.belated.Seconds() * 1e3 / float64(s.PktRcvBelated)
	}
	tolerance := r.order.tolerance(r.latency, r.rtt.smoothed)
	s.PktReorderDistance = uint64(r.order.maxDistance())
	s.PktReorderTolerance = uint64(math.Ceil(tolerance.Seconds() * r.rate.packetRate))
	s.MsReorderTolerance = tolerance.Seconds() * 1e3
	s.MsRTT, s.MsRTTVar = r.rtt.smoothed.Seconds()*1e3, r.rtt.variance.Seconds()*1e3
	s.MbpsRecvRate = r.rate.byteRate * 8 / 1e6
	if s.PktRecv > 0 {
		s.MbpsBandwidth = r.probe.capacity() * float64(s.ByteRecv) / float64(s.PktRecv) * 8 / 1e6
	}
	s.PktRcvBuf, s.ByteRcvBuf = uint64(r.ring.held), uint64(r.ring.bytes)
	s.ByteAvailRcvBuf = uint64(max(r.maxBytes-r.ring.bytes, 0))
	s.MsRcvBuf = r.heldTime()
	s.MsRcvTsbPdDelay = uint64(r.latency.Milliseconds())
	s.MsDrift, s.PpmDrift = r.drift.applied.Seconds()*1e3, r.drift.rate*1e6
	return s
}

func (r *Receiver) heldTime() uint64 {
	if r.ring.held == 0 {
		return 0
	}
	last := r.next - 1
	if n := len(r.losses); n > 0 && r.losses[n-1].last == last {
		last = r.losses[n-1].first - 1
	}
	d := r.ring.at(last).sent - r.ring.at(r.available()).sent
	return uint64(max(d.Milliseconds(), 0))
}
