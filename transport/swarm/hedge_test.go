package swarm_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
)

// bitsOf is a hedge's bitmap for n and the numbers after it.
func bitsOf(from uint32, numbers ...uint32) []byte {
	b := make([]byte, wire.MaxBits)
	for _, n := range numbers {
		b[(n-from)/8] |= 1 << ((n - from) % 8)
	}
	return b
}

func TestHedge(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		s.startGroup(3, 200_000)
		g := s.join(nil)
		defer g.leave()
		// Piece 100 is not there yet, and will not be waited for.
		g.say(&wire.Hedge{ID: 77, Group: 3, N: 2, Bits: bitsOf(2, 2, 5, 6, 100)})
		all := g.deliveries(wire.PiecesHedged)
		if len(all) != 1 || all[0].header.ID != 77 || !all[0].done || all[0].err != nil {
			t.Fatalf("streams are %+v", all)
		}
		want := only(piecesOf(3, 200_000), func(id policy.PieceID) bool { return id.N == 2 || id.N == 5 || id.N == 6 })
		if diff := cmp.Diff(want, all[0].bytes); diff != "" {
			t.Error("the pieces are others")
		}
	})
}

// The same piece is hedged once, and what is not there costs nothing.
func TestHedgeTwiceAndForNothing(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		s.startGroup(3, 200_000)
		g := s.join(nil)
		defer g.leave()
		for id := range uint64(20) {
			g.say(&wire.Hedge{ID: id, Group: 3 + id%2, N: 1, Bits: bitsOf(1, 1, 2)})
			synctest.Wait()
		}
		pieces := 0
		for _, d := range g.deliveries(wire.PiecesHedged) {
			pieces += len(d.pieces)
		}
		if pieces != 2 || metric(t, s.reg, "freshet_swarm_edge_bytes_total", "hedged") != 2*float64(len(piecesOf(3, 200_000)[policy.PieceID{Group: 3, N: 1}])) {
			t.Errorf("%d pieces were sent", pieces)
		}
	})
}

// Whoever asks for everything that the log holds gets 1.2 times the bitrate, and keeps what it is fed.
func TestHedgeBucket(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		const chunk, rate = 50_000, chunkRate // 4 Mbit/s.
		stop := s.publish(20, chunk)
		g := s.join(nil)
		defer g.leave()
		defer stop()
		time.Sleep(8 * time.Second) // The bitrate is known.
		before := bytesHedged(g)
		const seconds = 10
		for id := range uint64(seconds * 20) {
			time.Sleep(50 * time.Millisecond)
			l, _ := s.video.Largest()
			g.say(&wire.Hedge{ID: id, Group: max(l.Group-id%10, 1), N: 0, Bits: bitsOf(0, every(40)...)})
		}
		got := float64(bytesHedged(g)-before) * 8 / seconds / (chunk * rate * 8)
		if got > 1.35 || got < 0.5 { // A second's burst over ten.
			t.Errorf("hedges came to %.2f of the bitrate", got)
		}
	})
}

func every(n uint32) (all []uint32) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

func bytesHedged(g *guest) (n int) {
	for _, d := range g.deliveries(wire.PiecesHedged) {
		for _, b := range d.bytes {
			n += len(b)
		}
	}
	return n
}

// A viewer that does not read has eight hedges open, and no more are begun.
func TestHedgesOutstanding(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		s.startGroup(3, 6<<20)
		g := s.join(nil)
		defer g.leave()
		g.setPaused(true)
		for id := range uint64(40) {
			g.say(&wire.Hedge{ID: id, Group: 3, N: uint32(id) * 4, Bits: bitsOf(0, 0, 1, 2, 3)})
		}
		synctest.Wait()
		if busy := metric(t, s.reg, "freshet_swarm_hedges_total", "busy"); busy == 0 {
			t.Error("all were begun")
		}
		g.setPaused(false)
		time.Sleep(2 * time.Second)
		// What was cancelled, or late, may be asked for again.
		g.say(&wire.Hedge{ID: 100, Group: 3, N: 180, Bits: bitsOf(0, 0)})
		last := g.deliveries(wire.PiecesHedged)
		if d := last[len(last)-1]; d.header.ID != 100 || len(d.pieces) != 1 {
			t.Errorf("the last stream is %+v with %d pieces", d.header, len(d.pieces))
		}
	})
}

func TestHedgeCancelled(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		s.startGroup(3, 2<<20)
		g := s.join(nil)
		defer g.leave()
		g.setPaused(true)
		g.say(&wire.Hedge{ID: 1, Group: 3, N: 0, Bits: bitsOf(0, every(60)...)})
		synctest.Wait()
		g.say(&wire.Cancel{ID: 1})
		synctest.Wait()
		if n := metric(t, s.reg, "freshet_swarm_hedges_total", "cancelled"); n != 1 {
			t.Errorf("%v were cancelled", n)
		}
		g.setPaused(false)
		time.Sleep(time.Second)
	})
}
