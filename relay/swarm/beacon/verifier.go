package beacon

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

// Leeway is how much more than the playout delay a beacon's time may be off: for
// the way from the packager, and for two clocks.
const Leeway = 5 * time.Second

// Config configures a Verifier.
type Config struct {
	// Namespace in path form, and the video track.
	Namespace string
	Track     string
	// StreamKey, if set, is the only one that counts; otherwise the catalog is
	// believed, and so is whoever brings it.
	StreamKey ed25519.PublicKey
	// Delay is T.
	Delay time.Duration
}

// Verifier knows the beacons of one track, the newest Window of them.
type Verifier struct {
	keys   keySet
	prefix []byte // Set by NewVerifier, then read-only.
	delay  time.Duration
	known  window

	signed  []byte // Scratch.
	decoded Beacon // Scratch.
}

// NewVerifier makes a Verifier. Before SetKeys no beacon counts.
func NewVerifier(cfg Config) *Verifier {
	return &Verifier{
		keys:   keySet{namespace: cfg.Namespace, pinned: cfg.StreamKey},
		prefix: signedPrefix(cfg.Namespace, cfg.Track),
		delay:  cfg.Delay,
	}
}

// SetKeys takes the keys of the newest catalog in place of those before. Beacons
// that were verified stay. The errors are ErrMalformed, ErrCertificate, for those
// that are left out, and ErrStreamKey, at which nothing changes.
func (v *Verifier) SetKeys(k *Keys) error { return v.keys.set(k) }

// SetDelay takes a new T.
func (v *Verifier) SetDelay(d time.Duration) { v.delay = d }

// Verified is a beacon that counts, with the bytes it came in. Both are immutable.
type Verified struct {
	Beacon
	Raw []byte
}

// Add verifies a beacon and remembers it. now is the server's clock. It gives the
// beacon and whether it is new: one that is known with the same bytes is nothing
// wrong. raw is not retained. After ErrUnknownKey it may count with the next
// catalog; all other errors are final.
func (v *Verifier) Add(now time.Time, raw []byte) (b *Verified, fresh bool, err error) {
	d := &v.decoded
	if err := d.Decode(raw); err != nil {
		return nil, false, err
	}
	old := v.known.chunk(d.Group, d.Chunk)
	if old != nil && bytes.Equal(old.Raw, raw) {
		return old, false, nil
	}
	if err := v.check(now, d, raw); err != nil {
		return nil, false, err
	}
	if old != nil {
		return nil, false, ErrConflict
	}
	b = &Verified{Beacon: *d, Raw: slices.Clone(raw)}
	b.Sizes, b.Hashes = slices.Clone(d.Sizes), slices.Clone(d.Hashes)
	if err := v.known.add(b); err != nil {
		return nil, false, err
	}
	return b, true, nil
}

// check tells whether a beacon counts by itself: what is cheap first.
func (v *Verifier) check(now time.Time, b *Beacon, raw []byte) error {
	keys, err := v.keys.certified(b)
	if err != nil {
		return err
	}
	limit := v.delay + Leeway
	switch age := now.Sub(time.UnixMilli(b.Time)); {
	case age > limit:
		return fmt.Errorf("%w: %v", ErrStale, age)
	case age < -limit:
		return fmt.Errorf("%w: %v", ErrFuture, -age)
	case v.known.left(b.Group, b.Chunk):
		return ErrOld
	}
	return v.verify(keys, b, raw)
}

func (v *Verifier) verify(keys []ed25519.PublicKey, b *Beacon, raw []byte) error {
	v.signed = append(append(v.signed[:0], v.prefix...), raw[:len(raw)-ed25519.SignatureSize]...)
	for _, key := range keys {
		if ed25519.Verify(key, v.signed, b.Signature[:]) {
			return nil
		}
	}
	return ErrSignature
}

// Find gives the beacon that speaks of a piece, and the piece's place in it.
func (v *Verifier) Find(id swarm.PieceID) (b *Verified, index int, ok bool) {
	b = v.known.piece(id)
	if b == nil {
		return nil, 0, false
	}
	return b, int(id.N - b.First), true
}

// Piece tells whether a piece is genuine: nil, ErrPiece, ErrUnknown while no beacon
// speaks of it, ErrOld when none will. piece is not retained.
func (v *Verifier) Piece(id swarm.PieceID, piece []byte) error {
	b, i, ok := v.Find(id)
	switch {
	case !ok && v.known.gone(id):
		return ErrOld
	case !ok:
		return ErrUnknown
	}
	return b.checkPiece(i, piece)
}

// checkPiece compares a piece with what was signed.
func (b *Beacon) checkPiece(i int, piece []byte) error {
	if len(piece) != b.Sizes[i] || sha256.Sum256(piece) != b.Hashes[i] {
		return ErrPiece
	}
	return nil
}

// CheckEvidence tells whether a beacon and a piece prove what their sender is
// accused of: nil when the beacon counts by its signature and its key, speaks of
// the piece, and the piece is another. It says nothing of who sent the piece:
// whoever accuses can make one up. The errors are those of Add, ErrEvidence when
// the piece is genuine or not the beacon's. Nothing is remembered.
func (v *Verifier) CheckEvidence(now time.Time, id swarm.PieceID, raw, piece []byte) error {
	var b Beacon
	if err := b.Decode(raw); err != nil {
		return err
	}
	if old := v.known.chunk(b.Group, b.Chunk); old == nil || !bytes.Equal(old.Raw, raw) {
		if err := v.check(now, &b, raw); err != nil {
			return err
		}
	}
	if id.Group != b.Group || id.N < b.First || id.N >= b.End() {
		return fmt.Errorf("%w: the beacon does not speak of the piece", ErrEvidence)
	}
	if b.checkPiece(int(id.N-b.First), piece) == nil {
		return fmt.Errorf("%w: the piece is genuine", ErrEvidence)
	}
	return nil
}
