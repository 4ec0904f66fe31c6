package client

import (
	"fmt"
	"slices"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

// Stats are what a viewer has seen, in bytes of verified pieces unless another unit
// is said.
//
//nolint:recvcheck // A value that is handed out, and read by value; it counts by pointer.
type Stats struct {
	// Mode and Reason are what people are shown.
	Mode   swarm.Mode
	Reason swarm.Reason
	// Self is the viewer's number.
	Self swarm.PeerID

	// Where what was played came from: each piece counts once, by who brought it
	// first. StartBytes are the subscription's, EdgeBytes fed, HedgeBytes hedged.
	PeerBytes, StartBytes, EdgeBytes, HedgeBytes int64
	// DuplicateBytes came again.
	DuplicateBytes int64
	// UploadBytes were handed to peers.
	UploadBytes int64

	// Chunks that were due: in time, after their deadline, never.
	OnTime, Late, Missing int
	// Preroll are chunks from before the place where playback began.
	Preroll int
	// Stalls is how often the picture stood still, StallTime how long.
	Stalls    int
	StallTime time.Duration
	// Dropped were due and not taken by Next.
	Dropped int

	// InvalidPieces and InvalidBeacons are false ones, UnknownPieces those whose
	// beacon did not come.
	InvalidPieces, InvalidBeacons, UnknownPieces int
	// Banned are peers that sent what is false, with when it was seen.
	Banned []Ban

	// Opened, Failed and Closed count connections.
	Opened, Failed, Closed int
	// Connect is how long those that opened took.
	Connect []time.Duration
	// Parents are who feeds which sub-stream now; Edge is the edge.
	Parents []swarm.PeerID
	// Delay is how long after its beacon a chunk is displayed, at present.
	Delay time.Duration
}

// Ban is a peer that was banned.
type Ban struct {
	Peer swarm.PeerID
	At   time.Time
}

func (s *Stats) clone() Stats {
	c := *s
	c.Banned, c.Connect, c.Parents = slices.Clone(s.Banned), slices.Clone(s.Connect), slices.Clone(s.Parents)
	return c
}

// Offload is the part of all media that peers brought.
func (s Stats) Offload() float64 {
	all := s.PeerBytes + s.StartBytes + s.EdgeBytes + s.HedgeBytes
	if all == 0 {
		return 0
	}
	return float64(s.PeerBytes) / float64(all)
}

// counters are those that add up.
func (s *Stats) counters() (bytes []*int64, numbers []*int) {
	return []*int64{&s.PeerBytes, &s.StartBytes, &s.EdgeBytes, &s.HedgeBytes, &s.DuplicateBytes, &s.UploadBytes},
		[]*int{
			&s.OnTime, &s.Late, &s.Missing, &s.Preroll, &s.Stalls, &s.Dropped,
			&s.InvalidPieces, &s.InvalidBeacons, &s.UnknownPieces, &s.Opened, &s.Failed, &s.Closed,
		}
}

// Add adds another viewer's counters.
func (s *Stats) Add(o Stats) { s.combine(o, 1) }

// Subtract takes what was before from the counters.
func (s *Stats) Subtract(before Stats) { s.combine(before, -1) }

func (s *Stats) combine(o Stats, sign int) {
	bytes, numbers := s.counters()
	otherBytes, otherNumbers := o.counters()
	for i, b := range otherBytes {
		*bytes[i] += int64(sign) * *b
	}
	for i, n := range otherNumbers {
		*numbers[i] += sign * *n
	}
	s.StallTime += time.Duration(sign) * o.StallTime
}

// String tells the counters.
func (s Stats) String() string {
	all := max(1, float64(s.PeerBytes+s.StartBytes+s.EdgeBytes+s.HedgeBytes)) / 100
	return fmt.Sprintf("peers %.1f %%, start %.1f %%, fed %.1f %%, hedged %.1f %%, twice %.1f %%; on time %d, late %d, missing %d, stalls %d; connections %d, failed %d, closed %d; false pieces %d, false beacons %d, unknown %d",
		float64(s.PeerBytes)/all, float64(s.StartBytes)/all, float64(s.EdgeBytes)/all, float64(s.HedgeBytes)/all, float64(s.DuplicateBytes)/all,
		s.OnTime, s.Late, s.Missing, s.Stalls, s.Opened, s.Failed, s.Closed, s.InvalidPieces, s.InvalidBeacons, s.UnknownPieces)
}

// maxKept bounds lists in Stats.
const maxKept = 1000

func keep[T any](list []T, v T) []T {
	if len(list) >= maxKept {
		return list
	}
	return append(list, v)
}
