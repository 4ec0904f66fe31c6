package swarm

import (
	"cmp"
	"slices"
	"sync"

	"github.com/freshet-live/freshet/relay"
	policy "github.com/freshet-live/freshet/relay/swarm"
)

// maxNumbered bounds the groups whose numbers are kept. A window of 30 s has 30 groups
// of a second.
const maxNumbered = 128

// pieces numbers the pieces of a track's groups, for all viewers of a room at once.
//
// A piece's number counts over all chunks of its group, so it is known where the log
// holds the group from its start on. Where it does not, since this edge came later or
// an object is missing, first is asked, which knows by the beacons.
type pieces struct {
	track *relay.Track
	// first gives the number of a chunk's first piece.
	first func(at relay.Location) (uint32, bool)

	mu     sync.Mutex
	groups map[uint64]*numbered // Guarded by mu.
}

// numbered are the chunks of a group.
type numbered struct {
	group  *relay.Group
	seen   int              // Objects of the log that were looked at.
	byID   map[uint64]chunk // By object ID, and ...
	chunks []chunk          // ... by first piece; those whose number is known.
	open   []chunk          // Those whose number is not known yet, by object ID.
}

// maxOpen bounds the chunks of a group that wait for their number: a beacon is not
// far behind its chunk.
const maxOpen = 64

// maxNumber bounds the pieces of a group: over 100 GB of them.
const maxNumber = 1 << 22

// chunk is an object and its place among the pieces.
type chunk struct {
	id    uint64 // Of the object.
	index int    // In the group's log.
	size  int
	first uint32
}

// end is the number behind its last piece.
func (c *chunk) end() uint32 { return c.first + uint32(len(policy.Cut(c.size))) }

func newPieces(t *relay.Track, first func(relay.Location) (uint32, bool)) *pieces {
	return &pieces{track: t, first: first, groups: make(map[uint64]*numbered)}
}

// number gives the number of the first piece of an object.
func (p *pieces) number(g *relay.Group, id uint64) (uint32, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.groupLocked(g).byID[id]
	return c.first, ok
}

// of gives the bytes of a piece, if they are there.
func (p *pieces) of(id policy.PieceID) ([]byte, bool) {
	g, found := p.track.Group(id.Group)
	if !found {
		return nil, false
	}
	c, found := p.chunkOf(g, id.N)
	if !found {
		return nil, false
	}
	o, gone := g.Progress(c.index)
	if gone || o.Size != c.size {
		return nil, false
	}
	from, size := span(c.size, int(id.N-c.first))
	if len(o.Payload) < from+size {
		return nil, false
	}
	return o.Payload[from : from+size], true
}

// locate gives the chunk that a piece is of.
func (p *pieces) locate(id policy.PieceID) (relay.Location, bool) {
	g, found := p.track.Group(id.Group)
	if !found {
		return relay.Location{}, false
	}
	c, found := p.chunkOf(g, id.N)
	return relay.Location{Group: id.Group, Object: c.id}, found
}

// span is where piece i of a chunk is.
func span(size, i int) (from, length int) {
	sizes := policy.Cut(size)
	return i * sizes[0], sizes[i]
}

func (p *pieces) chunkOf(g *relay.Group, n uint32) (chunk, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	chunks := p.groupLocked(g).chunks
	i, _ := slices.BinarySearchFunc(chunks, n, func(c chunk, n uint32) int {
		if c.end() <= n {
			return -1
		}
		return 1
	})
	if i >= len(chunks) || n < chunks[i].first {
		return chunk{}, false
	}
	return chunks[i], true
}

// groupLocked gives a group's numbers as far as it has come.
func (p *pieces) groupLocked(g *relay.Group) *numbered {
	n := p.groups[g.ID()]
	if n == nil || n.group != g {
		p.makeRoomLocked()
		n = &numbered{group: g, byID: make(map[uint64]chunk)}
		p.groups[g.ID()] = n
	}
	if n.take(g.Len()) || len(n.open) > 0 {
		n.resolve(g.ID(), p.first)
	}
	return n
}

// makeRoomLocked forgets the group with the smallest ID when there are too many.
func (p *pieces) makeRoomLocked() {
	if len(p.groups) < maxNumbered {
		return
	}
	oldest := ^uint64(0)
	for id := range p.groups {
		oldest = min(oldest, id)
	}
	delete(p.groups, oldest)
}

// take looks at new objects of the log. It tells whether there were some.
func (n *numbered) take(length int) (some bool) {
	for ; n.seen < length; n.seen++ {
		o, gone := n.group.Progress(n.seen)
		if o.Status != relay.StatusNormal || gone && o.Size == 0 {
			continue
		}
		n.open = append(n.open, chunk{id: o.ID, index: n.seen, size: o.Size})
		some = true
	}
	return some
}

// resolve numbers what can be: one chunk makes the next one known.
func (n *numbered) resolve(group uint64, first func(relay.Location) (uint32, bool)) {
	slices.SortFunc(n.open, func(a, b chunk) int { return cmp.Compare(a.id, b.id) })
	n.open = slices.DeleteFunc(n.open, func(c chunk) bool {
		before, known := n.byID[c.id-1]
		switch {
		case c.id == 0:
			known = true
		case known:
			c.first = before.end()
		default:
			c.first, known = first(relay.Location{Group: group, Object: c.id})
		}
		if known {
			n.add(c)
		}
		return known
	})
	if over := len(n.open) - maxOpen; over > 0 {
		n.open = slices.Delete(n.open, 0, over)
	}
}

func (n *numbered) add(c chunk) {
	if c.end() > maxNumber {
		return
	}
	n.byID[c.id] = c
	i, _ := slices.BinarySearchFunc(n.chunks, c.first, func(c chunk, first uint32) int { return cmp.Compare(c.first, first) })
	n.chunks = slices.Insert(n.chunks, i, c)
}
