package swarm

// MaxPiece bounds the bytes of a piece.
const MaxPiece = 32 << 10

// MaxPieces bounds the pieces of a chunk.
const MaxPieces = 256

// PeerID numbers the viewers of one swarm at one edge. Edge is the edge itself.
type PeerID uint32

// Edge is who feeds what no peer does.
const Edge PeerID = 0

// PieceID names a piece of the swarm's track: N is its running number in the
// group, over all chunks.
type PieceID struct {
	Group uint64 `json:"g"`
	N     uint32 `json:"n"`
}

// Less orders pieces as they were made.
func (p PieceID) Less(q PieceID) bool {
	return p.Group < q.Group || p.Group == q.Group && p.N < q.N
}

// Sub is the sub-stream of a piece among k. Any k pieces from a multiple of k on
// lie in k sub-streams; the group and the row shift them, so that neither the key
// frame nor a period of frame types stays with one.
func (p PieceID) Sub(k int) int {
	n := uint64(p.N)
	return int((p.Group%uint64(k) + n + n/uint64(k)) % uint64(k))
}

// Cut gives the sizes of the pieces of a chunk of size bytes: all the same but
// the last, none over MaxPiece, at least one.
func Cut(size int) []int {
	count := max(1, (size+MaxPiece-1)/MaxPiece)
	each := (size + count - 1) / count
	sizes := make([]int, count)
	for i := range sizes {
		sizes[i] = min(each, size-i*each)
	}
	return sizes
}
