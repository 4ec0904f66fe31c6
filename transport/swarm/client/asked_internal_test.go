package client

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

// What was asked for may come, once; of the rest so much that crossing messages are
// nobody's fault, and a flood is.
func TestAsked(t *testing.T) {
	const k = 4
	now := time.Now()
	id := func(n uint32) swarm.PieceID { return swarm.PieceID{Group: 4, N: n} }
	a := newAsked()
	a.sub(1) // Of group 4: pieces 1, 4, 11, 14, ...
	for _, n := range []uint32{1, 4} {
		if !a.wanted(now, id(n), k) || a.wanted(now, id(n), k) {
			t.Errorf("piece %d of a sub-stream is not wanted once", n)
		}
	}
	if a.wanted(now, id(2), k) {
		t.Error("a piece of another sub-stream is wanted")
	}
	a.pull(now, []swarm.PieceID{id(6)})
	if !a.wanted(now, id(6), k) {
		t.Error("a piece that was pulled is not wanted")
	}
	a.unsub(now, 1)
	if !a.wanted(now.Add(grace/2), id(11), k) || a.wanted(now.Add(2*grace), id(14), k) {
		t.Error("pieces are wanted for a while after UNSUB")
	}
}

func TestUnasked(t *testing.T) {
	const k = 4
	now := time.Now()
	a := newAsked()
	taken := 0
	for taken < 1000 && a.take(now, swarm.PieceID{Group: 9, N: uint32(taken)}, 32<<10, k) {
		taken++
	}
	if taken != tolerance/(32<<10) {
		t.Errorf("%d pieces came unasked before it was too much", taken)
	}
	if !a.take(now.Add(20*time.Second), swarm.PieceID{Group: 10}, 32<<10, k) {
		t.Error("nothing is forgotten")
	}
}
