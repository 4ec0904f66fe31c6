package beacon

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/freshet-live/freshet/relay/swarm"
)

// Window is how many beacons a Verifier remembers: 17 s of 60 pictures a second.
const Window = 1024

// window holds the newest beacons of a track, by group and chunk.
type window struct {
	groups []*group // Ascending IDs, none of them empty.
	count  int
	// Beacons before this place have left; those that come late are too old.
	floorGroup, floorChunk uint64
	floorPiece             uint32
}

// group holds beacons in the order of their chunks, which is that of their pieces.
type group struct {
	id      uint64
	beacons []*Verified
}

// add remembers a verified beacon whose chunk is not known yet, and forgets the
// oldest if there are too many. The error is ErrFirst.
func (w *window) add(b *Verified) error {
	g := w.group(b.Group)
	if g == nil {
		if err := fits(nil, b, nil); err != nil {
			return err
		}
		g = &group{id: b.Group}
		i, _ := w.search(b.Group)
		w.groups = slices.Insert(w.groups, i, g)
	}
	if err := g.add(b); err != nil {
		return err
	}
	w.count++
	if w.count > Window {
		w.forget()
	}
	return nil
}

func (g *group) add(b *Verified) error {
	i, _ := g.search(b.Chunk)
	var before, after *Verified
	if i > 0 {
		before = g.beacons[i-1]
	}
	if i < len(g.beacons) {
		after = g.beacons[i]
	}
	if err := fits(before, b, after); err != nil {
		return err
	}
	g.beacons = slices.Insert(g.beacons, i, b)
	return nil
}

// fits tells whether the numbers of a chunk's pieces go with those of the chunks
// that are known beside it. Pieces are numbered without a hole; object IDs rise,
// and mostly by one.
func fits(before, b, after *Verified) error {
	switch {
	case b.Chunk == 0 && b.First != 0,
		before != nil && b.First < before.End(),
		before != nil && b.Chunk == before.Chunk+1 && b.First != before.End(),
		after != nil && b.End() > after.First,
		after != nil && after.Chunk == b.Chunk+1 && b.End() != after.First:
		return fmt.Errorf("%w: chunk %d of group %d begins with piece %d", ErrFirst, b.Chunk, b.Group, b.First)
	}
	return nil
}

// forget drops the oldest beacon.
func (w *window) forget() {
	g := w.groups[0]
	b := g.beacons[0]
	w.floorGroup, w.floorChunk, w.floorPiece = b.Group, b.Chunk+1, b.End()
	g.beacons[0] = nil
	g.beacons = g.beacons[1:]
	if len(g.beacons) == 0 {
		w.groups = slices.Delete(w.groups, 0, 1)
	}
	w.count--
}

// left tells whether a chunk is from before the window.
func (w *window) left(group, chunk uint64) bool {
	return group < w.floorGroup || group == w.floorGroup && chunk < w.floorChunk
}

// gone tells whether a piece is from before the window.
func (w *window) gone(id swarm.PieceID) bool {
	return id.Group < w.floorGroup || id.Group == w.floorGroup && id.N < w.floorPiece
}

func (w *window) search(id uint64) (int, bool) {
	return slices.BinarySearchFunc(w.groups, id, func(g *group, id uint64) int { return cmp.Compare(g.id, id) })
}

func (w *window) group(id uint64) *group {
	if i, ok := w.search(id); ok {
		return w.groups[i]
	}
	return nil
}

func (g *group) search(chunk uint64) (int, bool) {
	return slices.BinarySearchFunc(g.beacons, chunk, func(b *Verified, chunk uint64) int { return cmp.Compare(b.Chunk, chunk) })
}

// chunk gives the beacon of a chunk; nil when there is none.
func (w *window) chunk(group, chunk uint64) *Verified {
	if g := w.group(group); g != nil {
		if i, ok := g.search(chunk); ok {
			return g.beacons[i]
		}
	}
	return nil
}

// piece gives the beacon that speaks of a piece; nil when there is none.
func (w *window) piece(id swarm.PieceID) *Verified {
	g := w.group(id.Group)
	if g == nil {
		return nil
	}
	// The first whose pieces end behind it.
	i, _ := slices.BinarySearchFunc(g.beacons, id.N, func(b *Verified, n uint32) int {
		if b.End() <= n {
			return -1
		}
		return 1
	})
	if i < len(g.beacons) && g.beacons[i].First <= id.N {
		return g.beacons[i]
	}
	return nil
}
