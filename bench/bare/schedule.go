package bare

import (
	"crypto/rand"
	"time"

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
}

// chunk is an event as it goes out.
type chunk struct {
	at       time.Time
	priority uint8
	group    uint64
	first    bool
	bytes    []byte // The object's header and its payload, for all viewers alike.
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
