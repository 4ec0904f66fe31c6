package swarm_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/relay"
	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/swarm"
)

const k = 4

// expectFed compares what was fed with what should have been.
func expectFed(t *testing.T, g *guest, want map[policy.PieceID]string) {
	t.Helper()
	got := g.fed()
	if diff := cmp.Diff(names(want), names(got)); diff != "" {
		t.Fatalf("pieces (-want +got):\n%s", diff)
	}
	for id, b := range want {
		if got[id] != b {
			t.Errorf("piece %v has other bytes", id)
		}
	}
}

func inSubs(mask uint32) func(policy.PieceID) bool {
	return func(id policy.PieceID) bool { return mask>>id.Sub(k)&1 == 1 }
}

func TestWelcome(t *testing.T) {
	onStage(t, func(c *swarm.Config, _ *moqt.Config) { c.STUN = []string{"stun:edge.example.com:3478"} }, func(t *testing.T, s *stage) {
		s.startGroup(1, 1000)
		a, b := s.join(nil), s.join(nil)
		defer a.leave()
		defer b.leave()
		first, second := wantOne[*wire.Welcome](a), wantOne[*wire.Welcome](b)
		if first.Peer == 0 || first.Peer == second.Peer {
			t.Errorf("the numbers are %d and %d", first.Peer, second.Peer)
		}
		if diff := cmp.Diff(params(), first.Params.Policy()); diff != "" {
			t.Errorf("parameters (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"stun:edge.example.com:3478"}, first.ICE); diff != "" || first.Ask != "ask" {
			t.Errorf("%s, %q", diff, first.Ask)
		}
	})
}

// All of the group comes from where the viewer wants it on, and what follows.
func TestFeedAll(t *testing.T) {
	onStage(t, nil, func(t *testing.T, s *stage) {
		sizes := []int{100_000, 20_000, 5, 32 << 10}
		s.startGroup(7, sizes[0])
		for _, size := range sizes[1:3] {
			s.chunk(size)
		}
		g := s.join(nil)
		defer g.leave()
		g.say(&wire.Feed{Subs: 1<<k - 1, Group: 7, N: 0})
		expectFed(t, g, piecesOf(7, sizes[:3]...))
		s.chunk(sizes[3])
		expectFed(t, g, piecesOf(7, sizes...))
		s.startGroup(8, 70_000)
		expectFed(t, g, merge(piecesOf(7, sizes...), piecesOf(8, 70_000)))
		if d := g.deliveries(wire.PiecesFed); len(d) != 2 || !d[0].done || d[0].err != nil || d[1].done {
			t.Errorf("streams: %+v", len(d))
		}
	})
}

// A viewer that comes within a group has what it asked for alone.
func TestFeedFromWithin(t *testing.T) {
	onStage(t, nil, func(t *testing.T, s *stage) {
		s.startGroup(7, 200_000)
		s.chunk(40_000)
		g := s.join(nil)
		defer g.leave()
		g.say(&wire.Feed{Subs: 0b0101, Group: 7, N: 3})
		expectFed(t, g, only(piecesOf(7, 200_000, 40_000), func(id policy.PieceID) bool { return id.N >= 3 && inSubs(0b0101)(id) }))
	})
}

// The mask changes time and again, for pieces to come and for some that have passed:
// each piece comes once, when it was wanted.
func TestFeedMaskChanges(t *testing.T) {
	onStage(t, nil, func(t *testing.T, s *stage) {
		s.startGroup(3, 100_000)
		g := s.join(nil)
		defer g.leave()
		g.say(&wire.Feed{Subs: 0b1111, Group: 3, N: 0})
		synctest.Wait()
		// From the next group on no more than one sub-stream; the rest of this one as before.
		g.say(&wire.Feed{Subs: 0b0001, Group: 4, N: 0})
		synctest.Wait()
		s.chunk(100_000)
		s.startGroup(4, 300_000)
		want := merge(piecesOf(3, 100_000, 100_000), only(piecesOf(4, 300_000), inSubs(0b0001)))
		expectFed(t, g, want)
		// A parent has failed: its sub-stream is wanted from a piece on that has passed.
		g.say(&wire.Feed{Subs: 0b0011, Group: 4, N: 5})
		want = merge(want, only(piecesOf(4, 300_000), func(id policy.PieceID) bool { return id.N >= 5 && inSubs(0b0010)(id) }))
		expectFed(t, g, want)
		// Nothing more, from the piece after the next on.
		g.say(&wire.Feed{Subs: 0, Group: 4, N: 12})
		synctest.Wait()
		s.chunk(200_000)
		all := piecesOf(4, 300_000, 200_000)
		want = merge(want, only(all, func(id policy.PieceID) bool { return id.N >= 10 && id.N < 12 && inSubs(0b0011)(id) }))
		expectFed(t, g, want)
		// And again, with what came meanwhile.
		s.chunk(100_000)
		g.say(&wire.Feed{Subs: 0b1000, Group: 4, N: 14})
		all = piecesOf(4, 300_000, 200_000, 100_000)
		want = merge(want, only(all, func(id policy.PieceID) bool { return id.N >= 14 && inSubs(0b1000)(id) }))
		expectFed(t, g, want)
	})
}

// Asking for the same once more brings nothing twice, be the group's stream ended.
func TestFeedAgain(t *testing.T) {
	onStage(t, nil, func(t *testing.T, s *stage) {
		s.startGroup(3, 100_000)
		g := s.join(nil)
		defer g.leave()
		g.say(&wire.Feed{Subs: 0b0111, Group: 3, N: 0})
		s.startGroup(4, 1000)
		synctest.Wait()
		g.say(&wire.Feed{Subs: 0b1111, Group: 3, N: 0})
		expectFed(t, g, merge(piecesOf(3, 100_000), piecesOf(4, 1000)))
		if n := len(g.deliveries(wire.PiecesFed)); n != 3 && n != 2 {
			t.Errorf("%d streams", n)
		}
	})
}

// Pieces of a chunk go out while the rest of it is still on its way here.
func TestFeedWhileItArrives(t *testing.T) {
	onStage(t, nil, func(t *testing.T, s *stage) {
		s.startGroup(3, 10)
		g := s.join(nil)
		defer g.leave()
		g.say(&wire.Feed{Subs: 0b1111, Group: 3, N: 0})
		sub, err := s.group.OpenSubgroup(relay.SubgroupConfig{})
		s.must(err)
		b := chunkOf(3, 1, 100_000)
		f, err := sub.Open(relay.Object{ID: 1, Size: len(b), Complete: time.Now()})
		s.must(err)
		_, err = f.Write(b[:30_000])
		s.must(err)
		all := piecesOf(3, 10, 100_000)
		expectFed(t, g, only(all, func(id policy.PieceID) bool { return id.N < 2 }))
		_, err = f.Write(b[30_000:])
		s.must(err)
		s.must(f.Close())
		expectFed(t, g, all)
	})
}

// A viewer that takes nothing for a while is given the newest group when it does again:
// the streams of those between are reset.
func TestFeedTooLate(t *testing.T) {
	onStage(t, func(_ *swarm.Config, m *moqt.Config) { m.MaxLag = time.Second }, func(t *testing.T, s *stage) {
		s.startGroup(1, 10)
		g := s.join(nil)
		defer g.leave()
		g.say(&wire.Feed{Subs: 0b1111, Group: 1, N: 0})
		synctest.Wait()
		g.setPaused(true)
		for id := uint64(2); id < 6; id++ {
			s.startGroup(id, 2<<20)
			time.Sleep(800 * time.Millisecond)
		}
		g.setPaused(false)
		time.Sleep(time.Second)
		s.startGroup(6, 100_000)
		got := g.fed()
		newest := only(got, func(id policy.PieceID) bool { return id.Group == 6 })
		if diff := cmp.Diff(names(piecesOf(6, 100_000)), names(newest)); diff != "" {
			t.Error(diff)
		}
		reset := 0
		for _, d := range g.deliveries(wire.PiecesFed) {
			if d.err != nil {
				reset++
			}
		}
		if skipped := metric(t, s.reg, "freshet_swarm_skipped_groups_total"); skipped == 0 || reset == 0 {
			t.Errorf("%v groups were left out, %d streams reset", skipped, reset)
		}
	})
}

// Groups of which the log does not hold the start cannot be numbered, unless beacons
// tell.
func TestFeedFromTheMiddleOfTheLog(t *testing.T) {
	onStage(t, nil, func(t *testing.T, s *stage) {
		g, err := s.video.NewGroup(5)
		s.must(err)
		s.must(g.Insert(relay.Object{ID: 3, Payload: chunkOf(5, 3, 50_000), Complete: time.Now()}))
		v := s.join(nil)
		defer v.leave()
		v.say(&wire.Feed{Subs: 0b1111, Group: 5, N: 0})
		expectFed(t, v, nil)
		s.startGroup(6, 50_000)
		expectFed(t, v, piecesOf(6, 50_000))
	})
}
