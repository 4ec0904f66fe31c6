package client

import (
	"cmp"
	"slices"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// chunkKey is a chunk's location.
type chunkKey struct{ group, chunk uint64 }

func (k chunkKey) compare(o chunkKey) int {
	return cmp.Or(cmp.Compare(k.group, o.group), cmp.Compare(k.chunk, o.chunk))
}

// chunk is one that a beacon told of.
type chunk struct {
	beacon   *beacon.Verified
	pieces   [][]byte // Verified, nil where it is not there.
	missing  int
	complete time.Time // When the last piece came.
}

func (c *chunk) key() chunkKey { return chunkKey{c.beacon.Group, c.beacon.Chunk} }

func (c *chunk) put(at time.Time, i int, b []byte) {
	if c.pieces[i] != nil {
		return
	}
	c.pieces[i] = b
	if c.missing--; c.missing == 0 {
		c.complete = at
	}
}

// payload is the whole chunk.
func (c *chunk) payload() []byte {
	if len(c.pieces) == 1 {
		return c.pieces[0]
	}
	return slices.Concat(c.pieces...)
}

// store holds the chunks that count, in the order of the stream: those that are to
// be played, and those that peers may still ask for.
type store struct {
	chunks []*chunk
	byKey  map[chunkKey]*chunk
	played int              // Those before it were handed out, or given up.
	before *beacon.Verified // The last of those.
}

func newStore() store { return store{byKey: make(map[chunkKey]*chunk)} }

// add takes a verified beacon that is new.
func (s *store) add(b *beacon.Verified) {
	c := &chunk{beacon: b, pieces: make([][]byte, len(b.Sizes)), missing: len(b.Sizes)}
	i, found := slices.BinarySearchFunc(s.chunks, c.key(), func(c *chunk, k chunkKey) int { return c.key().compare(k) })
	if found {
		return
	}
	s.chunks = slices.Insert(s.chunks, i, c)
	s.byKey[c.key()] = c
	if i < s.played {
		s.played++ // Its time has passed: it may serve peers.
	}
}

// find gives the chunk of a piece and the piece's place in it; nil when there is
// none.
func (s *store) find(v *beacon.Verifier, id swarm.PieceID) (*chunk, int) {
	b, i, ok := v.Find(id)
	if !ok {
		return nil, 0
	}
	return s.byKey[chunkKey{b.Group, b.Chunk}], i
}

// head is the next chunk to be played; nil when none is known.
func (s *store) head() *chunk {
	if s.played >= len(s.chunks) {
		return nil
	}
	return s.chunks[s.played]
}

// pass is past the head. It tells whether something is missing before it, of which
// no beacon has told.
func (s *store) pass() (hole bool) {
	c := s.chunks[s.played].beacon
	if s.before != nil {
		hole = s.before.Group == c.Group && c.First != s.before.End() ||
			s.before.Group != c.Group && (c.First != 0 || c.Group != s.before.Group+1)
	}
	s.before = c
	s.played++
	return hole
}

// prune forgets chunks that were played and have a PTS below.
func (s *store) prune(pts time.Duration) {
	n := 0
	for n < s.played && s.chunks[n].beacon.PTS < pts {
		delete(s.byKey, s.chunks[n].key())
		n++
	}
	clear(s.chunks[:n])
	s.chunks = s.chunks[n:]
	s.played -= n
}
