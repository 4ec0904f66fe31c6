package receive

import "time"

// maxAhead bounds how far the sender's clock may seem to be ahead of ours: a
// packet cannot come before it was sent, but its timestamp is the peer's word.
const maxAhead = time.Second

// sent unwraps a timestamp: the sender's time since the handshake that is
// nearest to what its clock must show by ours, 35 minutes to either side
// (section 4.5.1.1 has a wrapping period instead, which needs packets in it).
func (r *Receiver) sent(at time.Duration, timestamp uint32) time.Duration {
	expected := (at - r.drift.applied).Microseconds()
	d := int32(timestamp - r.peerStart - uint32(expected))
	return time.Duration(expected+int64(d)) * time.Microsecond
}

// due is PktTsbpdTime of section 4.5.1.
func (r *Receiver) due(sent time.Duration) time.Duration {
	return sent + r.drift.applied + r.latency
}

// Pop gives the next payload if its time has come, in order of sending. What is
// missing before a packet that is due is given up and counted (TLPKTDROP,
// section 4.6). The payload is valid until the next Pop or Flush.
func (r *Receiver) Pop(now time.Time) (payload []byte, ok bool) {
	r.reclaim()
	if r.ring.held == 0 {
		return nil, false
	}
	p := r.available()
	if now.Sub(r.start) < r.due(r.ring.at(p).sent) {
		return nil, false
	}
	return r.deliver(p), true
}

// Flush gives the next payload whatever its time, for a connection that is shut
// down: nothing that is missing will come any more. The payload is valid until
// the next Pop or Flush.
func (r *Receiver) Flush() (payload []byte, ok bool) {
	r.reclaim()
	if r.ring.held == 0 {
		return nil, false
	}
	return r.deliver(r.available()), true
}

// available is the first position that is held; there has to be one.
func (r *Receiver) available() position {
	p := r.head
	for i := 0; i < len(r.losses) && r.losses[i].first == p; i++ {
		p = r.losses[i].last + 1
	}
	return p
}

func (r *Receiver) deliver(p position) []byte {
	if p > r.head {
		r.skip(p)
	}
	r.lent = r.ring.take(p)
	r.head = p + 1
	return r.lent
}

// skip gives up everything before p, all of which is missing.
func (r *Receiver) skip(p position) {
	n := 0
	for ; n < len(r.losses) && r.losses[n].last < p; n++ {
		if r.losses[n].asks == 0 {
			r.stats.PktRcvLoss += uint64(r.losses[n].size())
		}
	}
	r.losses.drop(n)
	r.stats.PktRcvDrop += uint64(p - r.head)
	r.head = p
}

func (r *Receiver) reclaim() {
	if r.lent != nil {
		r.buffers.give(r.lent)
		r.lent = nil
	}
}
