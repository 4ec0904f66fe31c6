package beacon_test

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

const ms = time.Millisecond

func piece(n uint32) swarm.PieceID { return swarm.PieceID{Group: group, N: n} }

func TestPendingTake(t *testing.T) {
	p := beacon.NewPending()
	for i, from := range []swarm.PeerID{1, 2, 1, 1} {
		if !p.Add(time.Duration(i)*ms, from, piece([]uint32{5, 5, 6, 9}[i]), payload(byte(i), 100)) {
			t.Fatalf("piece %d refused", i)
		}
	}
	c := newChunk(2, 5, 10, 10, 10) // Pieces 5 to 7.
	got := p.Take(&c.beacon)
	if len(got) != 3 || got[0].From != 1 || got[1].From != 2 || got[2].ID != piece(6) {
		t.Errorf("taken %v", got)
	}
	if again := p.Take(&c.beacon); len(again) != 0 {
		t.Errorf("taken twice: %v", again)
	}
	other := newChunk(2, 9, 10).change(func(b *beacon.Beacon) { b.Group++ })
	if got := p.Take(&other.beacon); len(got) != 0 {
		t.Errorf("taken by another group's beacon: %v", got)
	}
}

func TestPendingExpires(t *testing.T) {
	p := beacon.NewPending()
	p.Add(10*ms, 1, piece(1), nil)
	p.Add(30*ms, 1, piece(2), nil)
	if at, ok := p.Next(); !ok || at != beacon.Hold+10*ms {
		t.Errorf("next at %v, %v", at, ok)
	}
	if got := p.Expire(beacon.Hold + 9*ms); len(got) != 0 {
		t.Errorf("given up early: %v", got)
	}
	if got := p.Expire(beacon.Hold + 10*ms); len(got) != 1 || got[0].ID != piece(1) {
		t.Errorf("given up %v", got)
	}
	p.Drop(1)
	if at, ok := p.Next(); ok {
		t.Errorf("something waits until %v", at)
	}
}

// What waits is bounded, for one sender and for all, and what is let go of makes
// room.
func TestPendingIsBounded(t *testing.T) {
	p := beacon.NewPending()
	fill := func(from swarm.PeerID, size int) (n int) {
		for n = range 10_000 {
			if !p.Add(0, from, piece(uint32(n)), make([]byte, size)) {
				return n
			}
		}
		return n
	}
	if n := fill(1, swarm.MaxPiece); n != beacon.SenderBytes/swarm.MaxPiece {
		t.Errorf("%d whole pieces of one sender", n)
	}
	if n := fill(2, 1); n != 64 {
		t.Errorf("%d tiny pieces of one sender", n)
	}
	all := 2
	for from := swarm.PeerID(3); from < 100 && fill(from, swarm.MaxPiece) > 0; from++ {
		all++
	}
	if all != beacon.PendingBytes/beacon.SenderBytes {
		t.Errorf("%d senders fill it", all)
	}
	p.Drop(1)
	if p.Add(0, 1, piece(0), make([]byte, swarm.MaxPiece)); fill(99, swarm.MaxPiece) != 7 {
		t.Error("what was dropped makes no room")
	}
	if n := fill(swarm.Edge, swarm.MaxPiece); n != beacon.EdgeBytes/swarm.MaxPiece {
		t.Errorf("%d pieces of the edge beside what fills the room of peers", n)
	}
	p.Expire(beacon.Hold)
	if n := fill(1, swarm.MaxPiece); n != 8 {
		t.Errorf("room for %d when all has expired", n)
	}
}

func TestPendingHoldsOnce(t *testing.T) {
	p := beacon.NewPending()
	if !p.Add(0, 1, piece(1), payload(1, 10)) || p.Add(0, 1, piece(1), payload(2, 10)) {
		t.Error("a sender may send a piece once")
	}
}
