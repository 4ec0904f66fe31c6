package mpegts

import (
	"time"

	"github.com/freshet-live/freshet/ingest"
)

const (
	// burstPackets fill an SRT payload of 1316 bytes.
	burstPackets = 7
	// burstTime is how far the packets of a burst may lie apart: they are sent
	// early by no more than that.
	burstTime = 5 * time.Millisecond
)

// Looper repeats a clip for ever: timestamps, clock references and continuity
// counters go on from round to round, through the wrap of the 33 bit clock. It is
// for one goroutine.
type Looper struct {
	clip    *clip
	next    int   // Packet of the clip.
	offset  int64 // Of this round, in ticks of ingest.Clock.
	sent    time.Duration
	counter [8192]uint8
	burst   [burstPackets * packetSize]byte
}

// NewLooper prepares a clip, which it copies. Its audio may be longer than its
// video, but not shorter by more than a frame; the error is ErrClip.
func NewLooper(ts []byte) (*Looper, error) {
	c, err := newClip(ts)
	if err != nil {
		return nil, err
	}
	return &Looper{clip: c}, nil
}

// Period is the length of a round.
func (l *Looper) Period() time.Duration {
	return time.Duration(l.clip.period) * time.Second / ingest.Clock
}

// Next gives up to seven packets and when to send them, counted from the first
// ones. The bytes are valid until Next is called again.
func (l *Looper) Next() (packets []byte, at time.Duration) {
	at = max(l.at(l.next), l.sent)
	l.sent = at
	packets = l.burst[:0]
	for len(packets) < len(l.burst) {
		n := len(packets)
		packets = append(packets, l.clip.packets[l.next*packetSize:(l.next+1)*packetSize]...)
		l.rewrite(packets[n:])
		if l.next++; l.next == len(l.clip.times) {
			l.next = 0
			l.offset += l.clip.period
		}
		if l.at(l.next)-at > burstTime {
			break
		}
	}
	return packets, at
}

// at is when a packet of this round is due.
func (l *Looper) at(i int) time.Duration {
	ticks := l.offset*300 + l.clip.times[i] // 27 MHz, in which a year fits a thousand times.
	return time.Duration(ticks/27)*time.Microsecond + time.Duration(ticks%27)*time.Microsecond/27
}

// rewrite brings the packet b of the clip into this round.
func (l *Looper) rewrite(b []byte) {
	var p packet
	if !parsePacket(b, &p) {
		return
	}
	if p.hasPayload {
		l.counter[p.pid]++
	}
	b[3] = b[3]&0xF0 | (l.counter[p.pid]-1)&0x0F
	if p.hasPCR {
		putPCR(b[6:], p.pcr+l.offset*300)
	}
	if p.start && l.clip.pes[p.pid] {
		shiftPES(p.payload, l.offset)
	}
}
