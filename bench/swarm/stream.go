package swarm

import (
	"math"
	"math/rand/v2"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// firstGroup is the ID of the first group: packagers start at some Unix time.
const firstGroup = 1_764_200_000_000

// chunk is one object of the video track.
type chunk struct {
	group uint64
	first uint32 // n of its first piece
	sizes []int
	pts   time.Duration
	at    time.Duration // when the edge has it
	// piece is the running number of its first piece in the whole stream, beacon the
	// size of its beacon.
	piece, beacon int
}

// piece is one of the stream's.
type piece struct {
	id    policy.PieceID
	size  int
	chunk int
	sub   int
}

// stream is the video of a run, known beforehand.
type stream struct {
	chunks []chunk
	pieces []piece
	// groups are the running numbers of each group's first piece and chunk.
	groups, opens []int
}

// newStream makes the chunks of a run. Frames vary by a quarter, as an encoder's that
// keeps its rate over a group do; key frames are larger.
func newStream(c *Config) *stream {
	s, r := &stream{}, rand.New(rand.NewPCG(c.Seed, 0x57ea))
	perGroup := int(math.Round(float64(c.Group) / float64(c.Chunk)))
	for start := time.Duration(0); start < c.Duration+c.Params.Delay; start += time.Duration(perGroup) * c.Chunk {
		s.groups, s.opens = append(s.groups, len(s.pieces)), append(s.opens, len(s.chunks))
		for i, size := range groupSizes(c, r, perGroup) {
			s.add(c, start+time.Duration(i)*c.Chunk, size)
		}
	}
	return s
}

// groupSizes are the bytes of a group's chunks. A chunk of several frames has one key
// frame among them.
func groupSizes(c *Config, r *rand.Rand, count int) []int {
	const frame = time.Second / 30
	frames := max(1, math.Round(float64(c.Chunk)/float64(frame)))
	weights, sum := make([]float64, count), 0.0
	for i := range weights {
		weights[i] = frames * math.Exp(r.NormFloat64()*.25/math.Sqrt(frames))
		if i == 0 {
			weights[i] += c.KeyRatio - 1
		}
		sum += weights[i]
	}
	total := float64(c.Bitrate-c.Audio)/8*float64(count)*c.Chunk.Seconds() - float64(count*beaconSize(2))
	out := make([]int, count)
	for i, w := range weights {
		out[i] = max(200, int(total*w/sum))
	}
	return out
}

// beaconSize is that of docs/swarm-protocol.md with the MoQ object's header.
func beaconSize(pieces int) int { return 1 + 4 + 8 + 3 + 2 + 8 + 8 + 2 + 64 + 6 + pieces*(32+3) }

func (s *stream) add(c *Config, pts time.Duration, size int) {
	group := len(s.groups) - 1
	ch := chunk{
		group: firstGroup + uint64(group), first: uint32(len(s.pieces) - s.groups[group]),
		sizes: policy.Cut(size), pts: pts, at: pts + c.Chunk, piece: len(s.pieces),
	}
	ch.beacon = beaconSize(len(ch.sizes))
	for i, size := range ch.sizes {
		id := policy.PieceID{Group: ch.group, N: ch.first + uint32(i)}
		s.pieces = append(s.pieces, piece{id, size, len(s.chunks), id.Sub(c.Params.Subs)})
	}
	s.chunks = append(s.chunks, ch)
}

// index is the running number of a piece, -1 where the stream has none of that name.
func (s *stream) index(id policy.PieceID) int {
	if id.Group < firstGroup || id.Group-firstGroup >= uint64(len(s.groups)) {
		return -1
	}
	group := int(id.Group - firstGroup)
	i, end := s.groups[group]+int(id.N), len(s.pieces)
	if group+1 < len(s.groups) {
		end = s.groups[group+1]
	}
	if i >= end {
		return -1
	}
	return i
}

// from is the running number of the first piece that is not before id.
func (s *stream) from(id policy.PieceID) int {
	switch i := s.index(id); {
	case i >= 0:
		return i
	case id.Group < firstGroup:
		return 0
	case id.Group-firstGroup+1 < uint64(len(s.groups)):
		return s.groups[id.Group-firstGroup+1]
	}
	return len(s.pieces)
}
