package receive

import "time"

const (
	ackPeriod = 10 * time.Millisecond  // Of full ACKs (section 3.2.4).
	ackRepeat = 100 * time.Millisecond // At least, of one without ACKACK.
	lightAck  = 64                     // Packets from one ACK to a light one.
	acksKept  = 256                    // Of which an ACKACK is known: 2.56 s.

	nakFloor = 20 * time.Millisecond // Between two NAKs for a loss; half of it at last.

	// nakRanges is how many ranges of 8 bytes fit a packet.
	nakRanges = payloadSize / 8

	trimPeriod = time.Second

	never time.Duration = 1<<63 - 1
)

// ACKInfo is what a full ACK tells the sender (section 3.2.4).
type ACKInfo struct {
	RTT, RTTVar     uint32 // Microseconds.
	AvailableBuffer uint32 // Packets.
	PacketRate      uint32 // Packets a second.
	LinkCapacity    uint32 // Packets a second; 0 when unknown.
	ReceivingRate   uint32 // Bytes a second.
}

// acks are the acknowledgements that were sent.
type acks struct {
	number    uint32
	full      position      // What the last full ACK said,
	told      position      // and the last of any kind.
	at        time.Duration // When the last full ACK was sent.
	confirmed bool          // It was answered.
	sent      [acksKept]sentACK
	trimmed   time.Duration
}

type sentACK struct {
	number uint32
	at     time.Duration
}

func (a *acks) init() { a.at, a.confirmed = -ackPeriod, true }

// Work sends what is to be sent by now. A full ACK goes out each 10 ms at most,
// and only when there is something new to acknowledge or the last one was not
// answered; a NAK as soon as a packet is missing for longer than those take that
// were only overtaken, and again while it does not come.
func (r *Receiver) Work(now time.Time, out Output) {
	at := now.Sub(r.start)
	r.report(at, out)
	r.acknowledge(at, out)
	if at-r.acks.trimmed >= trimPeriod {
		r.acks.trimmed = at
		r.order.turn(at)
		r.rate.update(at, r.stats.PktRecv, r.stats.ByteRecv) // When nothing is acknowledged, too.
		r.buffers.trim(r.ring.held)
	}
}

// ACKACK takes the answer to the full ACK of that number in, with its timestamp:
// a measurement of the round trip and of the sender's clock.
func (r *Receiver) ACKACK(now time.Time, number, timestamp uint32) {
	at := now.Sub(r.start)
	e := &r.acks.sent[number%acksKept]
	if number == 0 || e.number != number {
		return
	}
	rtt := max(at-e.at, time.Microsecond)
	*e = sentACK{}
	if number == r.acks.number {
		r.acks.confirmed = true
	}
	r.rtt.sample(rtt)
	r.nakAt = 0 // It was reckoned with another round trip.
	// Some peers leave the timestamp out; it must not move the stream.
	if sent := r.sent(at, timestamp); (sent - r.lastSent).Abs() <= driftForeign {
		r.drift.sample(at, sent, rtt)
	}
}

// report sends NAKs for the losses whose time has come.
func (r *Receiver) report(at time.Duration, out Output) {
	if len(r.losses) == 0 || at < r.nakAt {
		return
	}
	ranges := r.ranges[:0]
	r.nakAt = never
	for i := range r.losses {
		l := &r.losses[i]
		if l.gone {
			continue
		}
		if at >= r.askAt(l) {
			r.ask(l, at)
			ranges = append(ranges, Range{r.sequence(l.first), r.sequence(l.last)})
		}
		r.nakAt = min(r.nakAt, r.askAt(l))
		if len(ranges) == nakRanges {
			r.sendNAK(ranges, out)
			ranges = ranges[:0]
		}
	}
	if len(ranges) > 0 {
		r.sendNAK(ranges, out)
	}
	r.ranges = ranges
}

func (r *Receiver) sendNAK(ranges []Range, out Output) {
	r.stats.PktSentNAK++
	out.NAK(ranges)
}

func (r *Receiver) ask(l *loss, at time.Duration) {
	if l.asks == 0 {
		r.stats.PktRcvLoss += uint64(l.size())
	}
	l.asks++
	l.asked = at
}

// askAt is when a loss is to be named next. Section 4.8.2 repeats all of them
// each (RTT + 4 RTTVar) / 2, half of the time an answer takes, which makes a
// sender that does not guard against it send everything twice. So the first
// repetition waits for the answer; if that did not come, the period is halved.
//
// Either is shorter where a repetition could not be answered in time else: one
// repair too many costs less than none. What was asked for in vain twice is rare,
// and is asked for the more often the less time there is left.
func (r *Receiver) askAt(l *loss) time.Duration {
	switch left := l.detected + r.latency - r.rtt.smoothed - l.asked; {
	case l.asks == 0:
		return l.detected + r.order.tolerance(r.latency, r.rtt.smoothed)
	case left <= 0: // No answer will be in time.
		return l.asked + max(r.rtt.answer(), nakFloor)
	case l.asks == 1:
		return l.asked + max(min(r.rtt.answer(), left*2/3), nakFloor)
	default:
		return l.asked + min(max(r.rtt.answer()/2, nakFloor), max(left/4, nakFloor/2))
	}
}

// lose notes a new gap.
func (r *Receiver) lose(l loss) {
	if len(r.losses) == 0 {
		r.nakAt = never
	}
	r.losses.add(l)
	r.nakAt = min(r.nakAt, r.askAt(&l))
}

// acknowledged is the first position that is neither received nor given up.
func (r *Receiver) acknowledged() position {
	for i := range r.losses {
		if !r.losses[i].gone {
			return r.losses[i].first
		}
	}
	return r.next
}

func (r *Receiver) acknowledge(at time.Duration, out Output) {
	p := r.acknowledged()
	switch {
	case at >= r.ackAt(p):
		r.sendACK(at, p, out)
	case p >= r.acks.told+lightAck:
		r.acks.told = p
		r.stats.PktSentACK++
		out.LightACK(r.sequence(p))
	}
}

// ackAt is when a full ACK is to be sent, p being the point to acknowledge.
func (r *Receiver) ackAt(p position) time.Duration {
	switch {
	case p > r.acks.full:
		return r.acks.at + ackPeriod
	case !r.acks.confirmed:
		return r.acks.at + max(r.rtt.answer(), ackRepeat)
	default:
		return never
	}
}

func (r *Receiver) sendACK(at time.Duration, p position, out Output) {
	a := &r.acks
	a.number = max(a.number+1, 1)
	a.full, a.told, a.at, a.confirmed = p, p, at, false
	a.sent[a.number%acksKept] = sentACK{number: a.number, at: at}
	r.rate.update(at, r.stats.PktRecv, r.stats.ByteRecv)
	r.stats.PktSentACK++
	out.ACK(a.number, r.sequence(p), ACKInfo{
		RTT:    uint32(r.rtt.smoothed.Microseconds()),
		RTTVar: uint32(r.rtt.variance.Microseconds()),
		// Never 0, which a sender takes for a stop with nothing to end it.
		AvailableBuffer: uint32(max(r.maxPackets-(r.next-r.head), 2)),
		PacketRate:      uint32(r.rate.packetRate),
		LinkCapacity:    uint32(r.probe.capacity()),
		ReceivingRate:   uint32(r.rate.byteRate),
	})
}

// Next is the earliest time from now on at which Work or Pop has something to
// do. The zero time means: not before something comes in.
func (r *Receiver) Next(now time.Time) time.Time {
	next := r.workAt()
	if r.ring.held > 0 {
		next = min(next, r.due(r.ring.at(r.available()).sent))
	}
	if next == never {
		return time.Time{}
	}
	return r.start.Add(max(next, now.Sub(r.start)))
}

func (r *Receiver) workAt() time.Duration {
	p := r.acknowledged()
	next := r.ackAt(p)
	if p >= r.acks.told+lightAck {
		next = min(next, r.acks.at)
	}
	if len(r.losses) > 0 {
		next = min(next, r.nakAt)
	}
	return next
}
