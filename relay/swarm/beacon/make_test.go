package beacon_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

const (
	namespace = "live/cam1"
	track     = "video"
	delay     = time.Second
	group     = uint64(1_764_200_000_000)
)

// epoch is when the tests' beacons are signed.
var epoch = time.UnixMilli(1_764_200_000_500)

// seeded makes a key of one repeated byte: vectors are the same each time.
func seeded(b byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
}

func public(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.SeedSize:])
}

var (
	streamKey  = seeded(1)
	sessionKey = seeded(2)
)

// certificate is for the hour around epoch.
func certificate(session ed25519.PrivateKey) beacon.Certificate {
	at := epoch.UnixMilli()
	return beacon.Certify(streamKey, namespace, public(session), at-1_800_000, at+1_800_000, group)
}

func keys(list ...beacon.Certificate) *beacon.Keys {
	return &beacon.Keys{StreamKey: public(streamKey), Certificates: list}
}

// payload is a piece that differs from others.
func payload(seed byte, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = seed + byte(i*7)
	}
	return b
}

// chunk is a beacon with its pieces.
type chunk struct {
	beacon beacon.Beacon
	pieces [][]byte
	raw    []byte
}

// newChunk makes a chunk of pieces of the given sizes, unsigned.
func newChunk(id uint64, first uint32, sizes ...int) *chunk {
	c := &chunk{beacon: beacon.Beacon{
		Group: group, Chunk: id, First: first, Time: epoch.UnixMilli() + int64(id)*33, Sizes: sizes,
		PTS: time.Duration(epoch.UnixMilli()+int64(id)*33) * time.Millisecond,
	}}
	for i, size := range sizes {
		piece := payload(byte(id)*16+byte(i), size)
		c.pieces = append(c.pieces, piece)
		c.beacon.Hashes = append(c.beacon.Hashes, sha256.Sum256(piece))
	}
	return c
}

// change alters the beacon before it is signed.
func (c *chunk) change(f func(*beacon.Beacon)) *chunk {
	f(&c.beacon)
	return c
}

func (c *chunk) signed(tb testing.TB) *chunk {
	tb.Helper()
	return c.signedBy(tb, sessionKey, namespace, track)
}

func (c *chunk) signedBy(tb testing.TB, key ed25519.PrivateKey, namespace, track string) *chunk {
	tb.Helper()
	s := beacon.NewSigner(namespace, track)
	s.Use(key)
	raw, err := s.Sign(&c.beacon)
	if err != nil {
		tb.Fatal(err)
	}
	c.raw = raw
	return c
}

// newVerifier has the keys of the catalog.
func newVerifier(tb testing.TB, list ...beacon.Certificate) *beacon.Verifier {
	tb.Helper()
	v := beacon.NewVerifier(beacon.Config{Namespace: namespace, Track: track, Delay: delay})
	if err := v.SetKeys(keys(list...)); err != nil {
		tb.Fatal(err)
	}
	return v
}
