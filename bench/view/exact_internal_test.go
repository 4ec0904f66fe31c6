package view

import (
	"context"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// stage is a studio, its server, and an audience that sees it through an injector, in
// virtual time.
type stage struct {
	*studio
	injector *injector
	audience *Audience
	leave    func()
}

// newStage has the viewers come. bad says which connections the injector works on.
func newStage(t *testing.T, cfg Config, bad func(viewer int) bool) *stage {
	t.Helper()
	s := &stage{studio: newStudio(t), injector: &injector{tb: t, born: time.Now()}}
	server := moqt.NewServer(moqt.Config{Relay: s.relay})
	cfg.URLs, cfg.Namespace = []string{"memory"}, broadcast
	var err error
	if s.audience, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	var sessions sync.WaitGroup
	s.audience.dial = func(_ context.Context, viewer int, url string) (moqt.Conn, string, error) {
		near, far := moqttest.Pair(moqttest.Config{Protocol: s.audience.cfg.protocols()[0]})
		var end moqt.Conn = far
		if url == "memory" && bad(viewer) {
			end = &conn{Conn: far, in: s.injector, viewer: viewer}
		}
		sessions.Go(func() { _ = server.Serve(context.Background(), end) })
		return near, "", nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() { left <- s.audience.Run(ctx) }()
	s.leave = func() {
		cancel()
		if err := <-left; err != nil {
			t.Error(err)
		}
		sessions.Wait()
	}
	return s
}

func everybody(int) bool { return true }

// perform plays for some seconds with faults and two without, and reports when all of
// it can be judged.
func (s *stage) perform(seconds int) Report {
	time.Sleep(900 * time.Millisecond) // The viewers are there before the second second.
	s.play(1, 1+seconds)
	s.injector.healthy.Store(true)
	s.play(1+seconds, 3+seconds)
	time.Sleep(2 * settleAfter)
	return s.audience.Report("")
}

func drafts(t *testing.T, run func(t *testing.T, draft int)) {
	t.Helper()
	for _, d := range wire.Dialects {
		t.Run(d.Protocol, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { run(t, d.Draft) })
		})
	}
}

// What a fault injector did is what is counted: no more, no less.
func TestCountsExactlyTheFaultsMade(t *testing.T) {
	drafts(t, func(t *testing.T, draft int) {
		t.Helper()
		s := newStage(t, Config{Viewers: 6, Draft: draft}, everybody)
		r := s.perform(120)
		s.leave()
		did := s.injector.did
		t.Logf("the injector made %+v", did)
		got := faults{missing: r.Missing, twice: r.Twice, corrupt: int(r.Corrupt), cut: r.Cut, tails: did.tails}
		if got != did {
			t.Errorf("counted %+v; %v", got, r.Errors)
		}
		if min(did.missing, did.twice, did.corrupt, did.cut, did.tails) < 10 {
			t.Error("the injector made too few faults of some kind")
		}
		if r.Watching != 0 || r.Viewers != 6 || r.Ended+r.Failed+r.MissingGroups+r.Wild+r.Starts != 0 {
			t.Errorf("%+v", r.Figures)
		}
	})
}

// With a reference it does not count what most had.
func TestReferenceIsRightAgainstTheMajority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, Config{Viewers: 1, Reference: "origin"}, everybody)
		r := s.perform(120)
		s.leave()
		if did := s.injector.did; int(r.Corrupt) != did.corrupt || did.corrupt < 5 || r.Missing != did.missing || r.Viewers != 1 {
			t.Errorf("counted %d corrupt and %d missing of %+v", r.Corrupt, r.Missing, did)
		}
	})
}

// The delays are those that the injector knows by its own clock.
func TestLatencyAgreesWithASecondClock(t *testing.T) {
	drafts(t, func(t *testing.T, draft int) {
		t.Helper()
		s := newStage(t, Config{Viewers: 4, Draft: draft}, everybody)
		r := s.perform(60)
		s.leave()
		s.injector.mu.Lock()
		written := slices.Sorted(slices.Values(s.injector.written))
		s.injector.mu.Unlock()
		if r.Latency.Count != len(written) {
			t.Errorf("%d delays of %d objects", r.Latency.Count, len(written))
		}
		if longest := written[len(written)-1]; longest < 100*time.Millisecond {
			t.Errorf("the injector held nothing up: %v", longest)
		}
		for _, q := range []struct{ q, got float64 }{
			{.5, r.Latency.P50}, {.9, r.Latency.P90}, {.99, r.Latency.P99}, {.999, r.Latency.P999}, {1, r.Latency.Max},
		} {
			want := ms(written[int(math.Ceil(q.q*float64(len(written))))-1])
			t.Logf("quantile %v: %.3f ms, the injector's %.3f ms", q.q, q.got, want)
			if math.Abs(q.got-want) > 1 {
				t.Errorf("quantile %v is %v ms, want %v ms", q.q, q.got, want)
			}
		}
	})
}
