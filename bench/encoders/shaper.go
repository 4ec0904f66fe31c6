package encoders

import (
	"bytes"
	"fmt"
	"time"

	"github.com/freshet-live/freshet/ingest/mpegts"
)

const (
	// burst is how many packets go out at once: what fills an SRT packet.
	burst = 7
	// maxWait is how late a packet may be for its clock before the rate is too low.
	maxWait = time.Second
)

// paced gives bursts of packets and when to send them. They are valid until the next
// call.
type paced interface {
	next() (packets []byte, at time.Duration, err error)
	// sent is when the burst goes that has what a Source takes for a time.
	sent(at time.Duration) time.Duration
}

// free is the source's own pace.
type free struct{ source Source }

func (f free) next() (packets []byte, at time.Duration, err error) {
	at = f.source.Due()
	return f.source.Take(at), at, nil
}

func (free) sent(at time.Duration) time.Duration { return at }

// shaper sends at a rate, evenly: where nothing is due a null packet goes, and what
// waits gets its clock reference set to when it goes (ISO/IEC 13818-1, 2.4.2.2).
type shaper struct {
	source Source
	// rate is in bits a second.
	rate func(time.Duration) float64

	begin   time.Duration // Of the burst.
	at      time.Duration // Of the next packet.
	rest    float64       // Of its nanosecond.
	waiting []byte
	due     time.Duration // Of what waits.
	anchor  int64         // The clock reference at 0, in ticks of 27 MHz.
	clocked bool
	out     [burst * packetSize]byte
}

func (s *shaper) next() (packets []byte, at time.Duration, err error) {
	s.begin = s.at
	for i := range burst {
		if err := s.packet(s.out[i*packetSize:][:packetSize]); err != nil {
			return nil, s.begin, err
		}
	}
	return s.out[:], s.begin, nil
}

func (s *shaper) sent(time.Duration) time.Duration { return s.begin }

// packet fills the next place.
func (s *shaper) packet(out []byte) error {
	if len(s.waiting) == 0 && s.source.Due() <= s.at {
		s.due = s.source.Due()
		s.waiting = s.source.Take(s.at)
	}
	if len(s.waiting) == 0 {
		copy(out, nullPacket)
	} else {
		copy(out, s.waiting)
		s.waiting = s.waiting[packetSize:]
		s.clock(out)
		if s.at-s.due > maxWait {
			return fmt.Errorf("the rate of %.0f kbit/s is too low: after %v packets wait longer than %v",
				s.rate(s.at)/1e3, s.at.Round(time.Millisecond), maxWait)
		}
	}
	step := packetSize*8*1e9/s.rate(s.at) + s.rest
	s.at += time.Duration(step)
	s.rest = step - float64(time.Duration(step))
	return nil
}

// clock sets the clock reference, which runs evenly in every Source.
func (s *shaper) clock(packet []byte) {
	pcr, ok := mpegts.PCR(packet)
	if !ok {
		return
	}
	now := int64(s.at) * 27 / 1000
	if !s.clocked {
		s.anchor, s.clocked = pcr-now, true
	}
	mpegts.SetPCR(packet, s.anchor+now)
}

// nullPacket is of ISO/IEC 13818-1, 2.4.3.3: what receivers leave out.
var nullPacket = append([]byte{0x47, 0x1F, 0xFF, 0x10}, bytes.Repeat([]byte{0xFF}, packetSize-4)...)
