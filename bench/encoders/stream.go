package encoders

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/freshet-live/freshet/ingest/mpegts"
)

// StreamConfig says what one encoder sends.
type StreamConfig struct {
	Source Source
	// Rate, in bits a second, makes the stream exactly that; nil leaves it its pace.
	Rate func(time.Duration) float64
	// Number is the encoder's, from 1 to Count. It begins at Starts, a time of the
	// fleet, which Schedule counts in.
	Number, Count int
	Starts        time.Duration
	Schedule      Schedule
	Seed          uint64
}

// Event is the next that an encoder does.
type Event struct {
	// At counts from the encoder's start.
	At time.Duration
	// Packets go out; they are valid until the next Event.
	Packets []byte
	// Away, in place of packets, is how long the encoder is gone.
	Away time.Duration
	// Fault is what befell the encoder now, in place of packets; nil otherwise.
	Fault *Fault
	// Over is what is over now, in place of packets: damage or drift. When a kill or a
	// stall is over follows from its length.
	Over *Fault
}

// Stream is an encoder's doing: a function of its configuration alone. It is for one
// goroutine.
type Stream struct {
	number   int
	paced    paced
	timeline *timeline
	chance   *rand.Rand // Of damage.

	// The encoder's clock: at its time own it is the time real.
	own, real time.Duration
	ppm       float64
	shift     int64 // Of its clocks, in ticks.
	corrupt   float64
	gone      time.Duration // Nothing is sent before that.

	held   []byte // The next packets,
	heldAt time.Duration
	have   bool
}

// NewStream makes a Stream.
func NewStream(cfg StreamConfig) *Stream {
	s := &Stream{
		number:   cfg.Number,
		paced:    free{cfg.Source},
		timeline: cfg.Schedule.timeline(cfg.Number, max(cfg.Count, 1), cfg.Starts, chance(cfg.Seed, cfg.Number, "churn")),
		chance:   chance(cfg.Seed, cfg.Number, "corrupt"),
	}
	if cfg.Rate != nil {
		s.paced = &shaper{source: cfg.Source, rate: cfg.Rate}
	}
	return s
}

// chance is a sequence of its own for each purpose of each encoder.
func chance(seed uint64, n int, purpose string) *rand.Rand {
	text := binary.BigEndian.AppendUint64(nil, seed)
	text = binary.BigEndian.AppendUint64(text, uint64(n))
	return rand.New(rand.NewChaCha8(sha256.Sum256(append(text, purpose...))))
}

// Wall is the time, from the encoder's start, of a time of its stream, as far as it
// is known: what goes wrong later may change it.
func (s *Stream) Wall(own time.Duration) time.Duration {
	d := own - s.own
	return s.real + d - time.Duration(float64(d)*s.ppm/(1e6+s.ppm))
}

// Next gives what comes next. The error says that the stream cannot be sent so.
func (s *Stream) Next() (Event, error) {
	for {
		if !s.have {
			var err error
			if s.held, s.heldAt, err = s.paced.next(); err != nil {
				return Event{}, err
			}
			s.have = true
		}
		at := s.Wall(s.heldAt)
		if step, ok := s.timeline.until(at); ok {
			return s.befall(step), nil
		}
		s.have = false
		if at < s.gone {
			continue
		}
		return Event{At: at, Packets: s.tamper()}, nil
	}
}

// befall changes the state.
func (s *Stream) befall(p step) Event {
	out := Event{At: p.At, Fault: &p.Fault}
	// The packets that are held are the next: the clock is tied to what went before.
	now := s.ownAt(p.At)
	s.own, s.real = now, p.At
	switch p.Kind {
	case Kill:
		s.gone = max(s.gone, p.At+p.For)
		out.Away = p.For
	case Stall:
		s.real += p.For
	case Jump:
		s.shift += ticks(p.By)
	case Corrupt:
		s.corrupt = p.Share
		if p.ends {
			s.corrupt = 0
		}
	case Drift:
		s.ppm = p.PPM
		if p.ends {
			s.ppm = 0
		}
	}
	if p.ends {
		out.Fault, out.Over = nil, &p.Fault
	}
	return out
}

// ownAt is the inverse of Wall.
func (s *Stream) ownAt(wall time.Duration) time.Duration {
	d := wall - s.real
	return s.own + d + time.Duration(float64(d)*s.ppm/1e6)
}

// tamper does to the held packets what is wrong now.
func (s *Stream) tamper() []byte {
	for i := 0; i+packetSize <= len(s.held); i += packetSize {
		p := s.held[i : i+packetSize]
		if s.shift != 0 {
			mpegts.Shift(p, s.shift)
		}
		if s.corrupt > 0 && s.chance.Float64() < s.corrupt {
			// Any but the sync byte, so that it is one packet that is damaged.
			p[1+s.chance.IntN(packetSize-1)] ^= byte(1 + s.chance.IntN(255))
		}
	}
	return s.held
}
