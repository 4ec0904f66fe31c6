package beacon_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

// After Window beacons the oldest are forgotten, and neither they nor their pieces
// come in again: not as new ones, and not as unknown ones.
func TestWindow(t *testing.T) {
	v := newVerifier(t, certificate(sessionKey))
	oldest := newChunk(0, 0, 10).signed(t)
	at := func(i int) *chunk {
		return newChunk(uint64(i%100), uint32(i%100), 10).change(func(b *beacon.Beacon) {
			b.Group, b.Time = group+uint64(i/100), epoch.UnixMilli()
		}).signed(t)
	}
	for i := range beacon.Window + 1 {
		c := at(i)
		if _, fresh, err := v.Add(epoch, c.raw); err != nil || !fresh {
			t.Fatalf("beacon %d: fresh %v, %v", i, fresh, err)
		}
	}
	if _, _, err := v.Add(epoch, oldest.raw); !errors.Is(err, beacon.ErrOld) {
		t.Errorf("the oldest again: %v", err)
	}
	if err := v.Piece(swarm.PieceID{Group: group}, oldest.pieces[0]); !errors.Is(err, beacon.ErrOld) {
		t.Errorf("its piece: %v", err)
	}
	if err := v.Piece(swarm.PieceID{Group: group - 1}, nil); !errors.Is(err, beacon.ErrOld) {
		t.Errorf("a piece of a group before: %v", err)
	}
	for _, i := range []int{1, 99, 100, 555, beacon.Window} {
		c := at(i)
		if err := v.Piece(swarm.PieceID{Group: c.beacon.Group, N: c.beacon.First}, c.pieces[0]); err != nil {
			t.Errorf("piece of beacon %d: %v", i, err)
		}
		if _, fresh, err := v.Add(epoch, c.raw); err != nil || fresh {
			t.Errorf("beacon %d again: fresh %v, %v", i, fresh, err)
		}
	}
}

// Pieces are found whatever order beacons come in.
func TestFindOutOfOrder(t *testing.T) {
	v := newVerifier(t, certificate(sessionKey))
	all := []*chunk{
		newChunk(0, 0, 10, 10, 4).signed(t), newChunk(1, 3, 5).signed(t), newChunk(2, 4, 7, 7).signed(t), newChunk(3, 6, 9).signed(t),
	}
	for _, i := range []int{2, 0, 3, 1} {
		if _, _, err := v.Add(epoch, all[i].raw); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range all {
		for j, piece := range c.pieces {
			id := c.beacon.Piece(j)
			b, index, ok := v.Find(id)
			if !ok || b.Chunk != uint64(i) || index != j {
				t.Errorf("%v is found in %v at %d, %v", id, b, index, ok)
			}
			if err := v.Piece(id, piece); err != nil {
				t.Errorf("%v: %v", id, err)
			}
		}
	}
	if err := v.Piece(swarm.PieceID{Group: group, N: 7}, nil); !errors.Is(err, beacon.ErrUnknown) {
		t.Errorf("the piece behind: %v", err)
	}
	if err := v.Piece(swarm.PieceID{Group: group + 1}, nil); !errors.Is(err, beacon.ErrUnknown) {
		t.Errorf("the group behind: %v", err)
	}
}

// What was handed out does not change with what comes later.
func TestVerifiedIsImmutable(t *testing.T) {
	v := newVerifier(t, certificate(sessionKey))
	first := newChunk(0, 0, 10, 10, 4).signed(t)
	raw := append([]byte(nil), first.raw...)
	b, _, err := v.Add(epoch, raw)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	if _, _, err := v.Add(epoch, newChunk(1, 3, 8, 8).signed(t).raw); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(b.Sizes) != "[10 10 4]" || b.Hashes[0] != first.beacon.Hashes[0] || string(b.Raw) != string(first.raw) {
		t.Errorf("it became %v", b)
	}
}

// One flipped bit anywhere, and the beacon does not count.
func TestEveryBitCounts(t *testing.T) {
	good := newChunk(5, 9, 10, 4).signed(t).raw
	for i := range len(good) * 8 {
		raw := append([]byte(nil), good...)
		raw[i/8] ^= 1 << (i % 8)
		v := newVerifier(t, certificate(sessionKey))
		if _, _, err := v.Add(epoch, raw); err == nil {
			t.Errorf("bit %d of byte %d", i%8, i/8)
		}
	}
}

// Certificates that were verified before are not verified again, and others are.
func TestSetKeysAgain(t *testing.T) {
	v := newVerifier(t, certificate(sessionKey))
	changed := certificate(sessionKey)
	changed.NotAfter += 60_000 // Its signature stays.
	if err := v.SetKeys(keys(changed)); !errors.Is(err, beacon.ErrCertificate) {
		t.Errorf("a prolonged certificate: %v", err)
	}
	if _, _, err := v.Add(epoch, newChunk(0, 0, 10).signed(t).raw); !errors.Is(err, beacon.ErrUnknownKey) {
		t.Errorf("signed by a key that is no longer there: %v", err)
	}
	// Under another stream key the same certificate is worth nothing.
	other := keys(certificate(sessionKey))
	other.StreamKey = public(seeded(9))
	if err := errors.Join(v.SetKeys(keys(certificate(sessionKey)))); err != nil {
		t.Fatal(err)
	}
	if err := v.SetKeys(other); !errors.Is(err, beacon.ErrCertificate) {
		t.Errorf("another stream key: %v", err)
	}
}

func TestSetDelay(t *testing.T) {
	v := newVerifier(t, certificate(sessionKey))
	raw := newChunk(0, 0, 10).signed(t).raw
	late := epoch.Add(delay + beacon.Leeway + time.Millisecond)
	if _, _, err := v.Add(late, raw); !errors.Is(err, beacon.ErrStale) {
		t.Errorf("late: %v", err)
	}
	v.SetDelay(delay + time.Millisecond)
	if _, _, err := v.Add(late, raw); err != nil {
		t.Errorf("with a longer delay: %v", err)
	}
}

// Every error has a word of its own.
func TestReason(t *testing.T) {
	seen := make(map[string]bool)
	for _, err := range []error{
		beacon.ErrMalformed, beacon.ErrStreamKey, beacon.ErrCertificate, beacon.ErrUnknownKey, beacon.ErrKeyTime, beacon.ErrKeyGroup,
		beacon.ErrStale, beacon.ErrFuture, beacon.ErrOld, beacon.ErrSignature, beacon.ErrConflict, beacon.ErrFirst,
		beacon.ErrUnknown, beacon.ErrPiece, beacon.ErrEvidence,
	} {
		word := beacon.Reason(fmt.Errorf("wrapped: %w", err))
		if word == "" || word == "other" || seen[word] {
			t.Errorf("%v is %q", err, word)
		}
		seen[word] = true
	}
	if beacon.Reason(nil) != "" || beacon.Reason(errors.New("x")) != "other" {
		t.Error("nil, or an error of somebody else")
	}
}
