package wire

import (
	"bufio"
	"io"

	"github.com/freshet-live/freshet/relay/swarm"
)

// PiecesKind says why pieces come.
type PiecesKind uint8

// The kinds.
const (
	PiecesFed    PiecesKind = 0
	PiecesHedged PiecesKind = 1
)

// PiecesHeader begins a stream of pieces, behind its type.
type PiecesHeader struct {
	Swarm uint64
	Kind  PiecesKind
	// ID is the group of fed pieces, the id of a hedge.
	ID uint64
}

// AppendPiecesHeader appends the header.
func AppendPiecesHeader(b []byte, h PiecesHeader) []byte {
	b = appendVarint(b, h.Swarm)
	b = appendVarint(b, uint64(h.Kind))
	return appendVarint(b, h.ID)
}

// AppendPieceHeader appends what goes before the size bytes of a piece.
func AppendPieceHeader(b []byte, id swarm.PieceID, size int) []byte {
	b = appendVarint(b, id.Group)
	b = appendVarint(b, uint64(id.N))
	return appendVarint(b, uint64(size))
}

// Pieces reads a stream of pieces.
type Pieces struct {
	Header PiecesHeader
	r      *bufio.Reader
}

// NewPieces reads the header of a stream, from behind its type on.
func NewPieces(r io.Reader) (*Pieces, error) {
	p := &Pieces{r: bufio.NewReaderSize(r, 4<<10)}
	var kind uint64
	for _, v := range []*uint64{&p.Header.Swarm, &kind, &p.Header.ID} {
		var err error
		if *v, err = readVarint(p.r); err != nil {
			return nil, midway(err)
		}
	}
	if kind > uint64(PiecesHedged) {
		return nil, invalid("pieces of kind %d", kind)
	}
	p.Header.Kind = PiecesKind(kind)
	return p, nil
}

// Next gives the next piece, whose bytes the caller may keep; io.EOF when the stream
// has ended behind the last one.
func (p *Pieces) Next() (swarm.PieceID, []byte, error) {
	group, err := readVarint(p.r)
	if err != nil {
		return swarm.PieceID{}, nil, err
	}
	n, err := readVarint(p.r)
	if err != nil {
		return swarm.PieceID{}, nil, midway(err)
	}
	size, err := readVarint(p.r)
	if err != nil {
		return swarm.PieceID{}, nil, midway(err)
	}
	if n > 1<<32-1 || size > swarm.MaxPiece {
		return swarm.PieceID{}, nil, invalid("piece %d of %d bytes", n, size)
	}
	b, err := readFull(p.r, nil, int(size))
	if err != nil {
		return swarm.PieceID{}, nil, midway(err)
	}
	return swarm.PieceID{Group: group, N: uint32(n)}, b, nil
}
