package beacon

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/quic-go/quic-go/quicvarint"

	"github.com/freshet-live/freshet/relay/swarm"
)

const (
	version = 1
	// MaxSize bounds the bytes of a beacon: of 256 pieces, with the longest integers.
	MaxSize = 1 + 4 + 5*8 + 2 + swarm.MaxPieces*(4+sha256.Size) + ed25519.SignatureSize
	// maxInt is what every integer stays below, so that a browser can count so far.
	maxInt = 1 << 53
)

// Suffix makes the name of a track's beacons from its own.
const Suffix = ".beacons"

// Hash is the SHA-256 of a piece.
type Hash [sha256.Size]byte

// KeyID is the first four bytes of the SHA-256 of a session key.
type KeyID uint32

// KeyIDOf names a session key.
func KeyIDOf(key ed25519.PublicKey) KeyID {
	sum := sha256.Sum256(key)
	return KeyID(binary.BigEndian.Uint32(sum[:]))
}

// Beacon says what a chunk is made of.
type Beacon struct {
	Key KeyID
	// Group and Chunk are the chunk's location: its Group and Object ID.
	Group uint64
	Chunk uint64
	// First is the number, in the group, of the chunk's first piece.
	First uint32
	// PTS is the presentation time of the first sample, on the broadcast's timeline,
	// to the microsecond.
	PTS time.Duration
	// Time is when it was signed, in ms since the Unix epoch.
	Time int64
	// Sizes and Hashes are those of the pieces.
	Sizes     []int
	Hashes    []Hash
	Signature [ed25519.SignatureSize]byte
}

// End is the number behind that of the last piece.
func (b *Beacon) End() uint32 { return b.First + uint32(len(b.Sizes)) }

// Piece names the piece at index i.
func (b *Beacon) Piece(i int) swarm.PieceID {
	return swarm.PieceID{Group: b.Group, N: b.First + uint32(i)}
}

// Describe makes b speak of a chunk: it cuts it and hashes the pieces. payload is
// not retained. A chunk of more than 256 pieces gives ErrMalformed.
func (b *Beacon) Describe(payload []byte) error {
	if len(payload) > swarm.MaxPieces*swarm.MaxPiece {
		return fmt.Errorf("%w: chunk of %d bytes", ErrMalformed, len(payload))
	}
	b.Sizes = swarm.Cut(len(payload))
	b.Hashes = b.Hashes[:0]
	for _, size := range b.Sizes {
		b.Hashes = append(b.Hashes, sha256.Sum256(payload[:size]))
		payload = payload[size:]
	}
	return nil
}

// appendBody appends all but the signature.
func (b *Beacon) appendBody(dst []byte) []byte {
	dst = slices.Grow(dst, MaxSize-(swarm.MaxPieces-len(b.Sizes))*(4+sha256.Size))
	dst = append(dst, version)
	dst = binary.BigEndian.AppendUint32(dst, uint32(b.Key))
	for _, v := range [...]uint64{
		b.Group, b.Chunk, uint64(b.First), uint64(b.PTS.Microseconds()), uint64(b.Time), uint64(len(b.Sizes)),
	} {
		dst = quicvarint.Append(dst, v)
	}
	for _, size := range b.Sizes {
		dst = quicvarint.Append(dst, uint64(size))
	}
	for i := range b.Hashes {
		dst = append(dst, b.Hashes[i][:]...)
	}
	return dst
}

// Encode appends the beacon to dst. A beacon that breaks a rule gives ErrMalformed.
func (b *Beacon) Encode(dst []byte) ([]byte, error) {
	if err := b.validate(); err != nil {
		return dst, err
	}
	return append(b.appendBody(dst), b.Signature[:]...), nil
}

// Decode reads a beacon, which is all of raw, into b, whose slices it uses anew.
// raw is not retained. Whoever sent it, it allocates no more than the bytes need;
// the error is ErrMalformed.
func (b *Beacon) Decode(raw []byte) error {
	r := reader{b: raw}
	if len(raw) > MaxSize || r.byte() != version {
		return fmt.Errorf("%w: no beacon of version %d", ErrMalformed, version)
	}
	b.Key = KeyID(binary.BigEndian.Uint32(r.take(4)))
	b.Group, b.Chunk = r.int(maxInt), r.int(maxInt)
	b.First = uint32(r.int(math.MaxUint32))
	b.PTS = time.Duration(r.int(maxInt)) * time.Microsecond
	b.Time = int64(r.int(maxInt))
	count := int(r.int(swarm.MaxPieces + 1))
	if !r.ok(count * (1 + sha256.Size)) {
		return fmt.Errorf("%w: cut short", ErrMalformed)
	}
	b.Sizes = b.Sizes[:0]
	for range count {
		b.Sizes = append(b.Sizes, int(r.int(swarm.MaxPiece+1)))
	}
	b.Hashes = b.Hashes[:0]
	for range count {
		b.Hashes = append(b.Hashes, Hash(r.take(sha256.Size)))
	}
	b.Signature = [ed25519.SignatureSize]byte(r.take(ed25519.SignatureSize))
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("%w: not of its length, or an integer out of range", ErrMalformed)
	}
	return b.validate()
}

// validate holds to the rules that the wire format does not.
func (b *Beacon) validate() error {
	n := len(b.Sizes)
	switch {
	case n == 0 || n > swarm.MaxPieces || n != len(b.Hashes):
		return fmt.Errorf("%w: %d pieces, %d hashes", ErrMalformed, n, len(b.Hashes))
	case b.Group >= maxInt || b.Chunk >= maxInt || b.Time < 0 || b.Time >= maxInt || b.PTS < 0 || b.PTS.Microseconds() >= maxInt:
		return fmt.Errorf("%w: an integer out of range", ErrMalformed)
	case uint64(b.First)+uint64(n) > math.MaxUint32:
		return fmt.Errorf("%w: first piece %d", ErrMalformed, b.First)
	}
	for i, size := range b.Sizes {
		last := i == n-1
		if size < 1 || size > swarm.MaxPiece || !last && size != b.Sizes[0] || last && size > b.Sizes[0] {
			return fmt.Errorf("%w: piece %d of %d bytes, the first has %d", ErrMalformed, i, size, b.Sizes[0])
		}
	}
	return nil
}
