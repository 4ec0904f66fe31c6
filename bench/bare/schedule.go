package bare

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/freshet-live/freshet/bench/steady"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Event is a chunk that is published.
type Event struct {
	At time.Duration // Since the start of the schedule.
	// Priority is that of the track, and tells tracks apart.
	Priority uint8
	// First begins a group.
	First bool
	Size  int
}

// Schedule is what is published, again and again.
type Schedule struct {
	Events []Event
	Length time.Duration
	// Stamped has each payload begin with the time at which it is published, as those
	// of package steady do.
	Stamped bool
}

// Even is a schedule of even chunks, 30 a second in groups of a second, which are
// stamped.
func Even(size int) Schedule {
	const rate = 30
	s := Schedule{Length: time.Second, Stamped: true}
	for i := range rate {
		s.Events = append(s.Events, Event{At: time.Duration(i) * time.Second / rate, First: i == 0, Size: size})
	}
	return s
}

// chunk is an event as it goes out.
type chunk struct {
	at       time.Time
	priority uint8
	group    uint64
	first    bool
	bytes    []byte // The object's header and its payload, for all viewers alike.
}

// stamp is a chunk's bytes as they go out now. Payloads of a chunk alone are its own:
// all viewers share them.
func (s *Schedule) stamp(i int, bytes []byte, now time.Time) []byte {
	size := s.Events[i].Size
	if !s.Stamped || size < steady.StampSize {
		return bytes
	}
	out := slices.Clone(bytes)
	steady.PutStamp(out[len(out)-size:], now)
	return out
}

// payloads makes the bytes of a schedule's chunks, once for all its rounds: an
// Object ID is one more than that before it, and so all headers are alike.
func (s *Schedule) payloads() [][]byte {
	list := make([][]byte, len(s.Events))
	for i, e := range s.Events {
		o := relay.Object{Size: e.Size}
		header := wire.Draft18.AppendSubgroupObject(nil, &wire.SubgroupHeader{}, 0, &o)
		list[i] = append(header, make([]byte, e.Size)...)
		_, _ = rand.Read(list[i][len(header):]) // Never fails.
	}
	return list
}
