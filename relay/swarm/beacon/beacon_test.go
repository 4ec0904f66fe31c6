package beacon_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// A beacon written by hand, field by field of docs/swarm-protocol.md.
func TestDecodeByHand(t *testing.T) {
	text := "01" + // Version
		"0badf00d" + // Key ID
		"25" + // Group 37
		"7bbd" + // Chunk 15293: the example of RFC 9000, appendix A.1
		"9d7f3e7d" + // First 494878333: likewise
		"c000000000000fa0" + // PTS 4000 us
		"40c8" + // Time 200
		"02" + // Count
		"4400" + "21" // Sizes 1024, 33
	hashes := bytes.Repeat([]byte{0xaa}, 32)
	hashes = append(hashes, bytes.Repeat([]byte{0xbb}, 32)...)
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	raw = append(append(raw, hashes...), bytes.Repeat([]byte{0xcc}, 64)...)
	want := beacon.Beacon{
		Key: 0x0badf00d, Group: 37, Chunk: 15293, First: 494878333, PTS: 4 * time.Millisecond, Time: 200,
		Sizes:  []int{1024, 33},
		Hashes: []beacon.Hash{beacon.Hash(hashes[:32]), beacon.Hash(hashes[32:])},
	}
	copy(want.Signature[:], bytes.Repeat([]byte{0xcc}, 64))
	var got beacon.Beacon
	if err := got.Decode(raw); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.Piece(1) != (swarm.PieceID{Group: 37, N: 494878334}) || got.End() != 494878335 {
		t.Errorf("pieces %v to %d", got.Piece(0), got.End())
	}
}

// malformed are bytes that are no beacon, made of one that is.
func malformed(tb testing.TB) map[string][]byte {
	tb.Helper()
	good := newChunk(3, 7, 10, 10, 4).signed(tb).raw
	with := func(at int, b ...byte) []byte {
		out := slices.Clone(good)
		copy(out[at:], b)
		return out
	}
	// Behind version, key, three integers of 8, 1 and 1 bytes, and two of 8.
	const count = 1 + 4 + 8 + 1 + 1 + 8 + 8
	if good[count] != 3 {
		tb.Fatalf("the count is not at %d", count)
	}
	out := map[string][]byte{
		"empty":                    {},
		"version alone":            {1},
		"another version":          with(0, 2),
		"a byte less":              good[:len(good)-1],
		"a byte more":              append(slices.Clone(good), 0),
		"no pieces":                with(count, 0),
		"more pieces":              with(count, 4),
		"fewer pieces":             with(count, 2),
		"more pieces than may":     with(count, 0x41, 0x01),
		"a size of zero":           with(count+3, 0),
		"a size that is larger":    with(count+3, 11),
		"sizes that differ":        with(count+2, 9),
		"a size beyond a piece":    with(count+1, 0x80, 0, 0x80, 1),
		"a group beyond 2^53":      with(5, 0xc0, 0x20, 0, 0, 0, 0, 0, 0),
		"an integer that runs out": good[:7],
	}
	big := newChunk(3, 7, 10).change(func(b *beacon.Beacon) { b.First = math.MaxUint32 - 1 }).signed(tb).raw
	big = slices.Clone(big)
	big[1+4+8+1+7]++
	out["pieces beyond 2^32"] = big
	return out
}

func TestMalformed(t *testing.T) {
	for name, raw := range malformed(t) {
		t.Run(name, func(t *testing.T) {
			var b beacon.Beacon
			if err := b.Decode(raw); !errors.Is(err, beacon.ErrMalformed) {
				t.Errorf("%v, decoded %+v", err, b)
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, change := range map[string]func(*beacon.Beacon){
		"no pieces":       func(b *beacon.Beacon) { b.Sizes, b.Hashes = nil, nil },
		"too few hashes":  func(b *beacon.Beacon) { b.Hashes = b.Hashes[:1] },
		"too many pieces": func(b *beacon.Beacon) { b.Sizes, b.Hashes = make([]int, 257), make([]beacon.Hash, 257) },
		"time before":     func(b *beacon.Beacon) { b.Time = -1 },
		"PTS before":      func(b *beacon.Beacon) { b.PTS = -time.Second },
		"group":           func(b *beacon.Beacon) { b.Group = 1 << 53 },
		"chunk":           func(b *beacon.Beacon) { b.Chunk = 1 << 53 },
		"first":           func(b *beacon.Beacon) { b.First = math.MaxUint32 },
	} {
		t.Run(name, func(t *testing.T) {
			c := newChunk(0, 0, 10, 10)
			change(&c.beacon)
			if _, err := c.beacon.Encode(nil); !errors.Is(err, beacon.ErrMalformed) {
				t.Errorf("encode: %v", err)
			}
			s := beacon.NewSigner(namespace, track)
			s.Use(sessionKey)
			if _, err := s.Sign(&c.beacon); !errors.Is(err, beacon.ErrMalformed) {
				t.Errorf("sign: %v", err)
			}
		})
	}
}

// A chunk of the largest size makes a beacon of the largest number of pieces, and
// one byte more makes none.
func TestLargestChunk(t *testing.T) {
	largest := make([]byte, swarm.MaxPieces*swarm.MaxPiece+1)
	var b beacon.Beacon
	if err := b.Describe(largest); !errors.Is(err, beacon.ErrMalformed) {
		t.Errorf("one byte too many: %v", err)
	}
	if err := b.Describe(largest[1:]); err != nil {
		t.Fatal(err)
	}
	b.Group, b.Chunk, b.Time, b.PTS = 1<<53-1, 1<<53-1, 1<<53-1, (1<<53-1)*time.Microsecond
	b.First = math.MaxUint32 - swarm.MaxPieces
	raw, err := b.Encode(nil)
	if err != nil || len(raw) != beacon.MaxSize {
		t.Fatalf("%d bytes, MaxSize is %d; %v", len(raw), beacon.MaxSize, err)
	}
	var got beacon.Beacon
	if err := got.Decode(raw); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(newChunk(3, 7, 10, 10, 4).signed(f).raw)
	f.Add(newChunk(0, 0, 32768, 100).signed(f).raw)
	for _, raw := range malformed(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var b beacon.Beacon
		if err := b.Decode(raw); err != nil {
			if !errors.Is(err, beacon.ErrMalformed) {
				t.Errorf("error %v", err)
			}
			return
		}
		again, err := b.Encode(nil)
		if err != nil {
			t.Fatalf("decoded, but does not encode: %v", err)
		}
		// The fewest bytes for each integer: not always what came.
		var c beacon.Beacon
		if err := c.Decode(again); err != nil || len(again) > len(raw) {
			t.Fatalf("%d bytes became %d: %v", len(raw), len(again), err)
		}
		if diff := cmp.Diff(b, c); diff != "" {
			t.Error(diff)
		}
	})
}
