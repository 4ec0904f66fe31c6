package receive_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const ms = time.Millisecond

// A clock half a percent off moves 300 ms in a minute, more than the latency.
func TestDriftKeepsTheHoldTime(t *testing.T) {
	for name, c := range map[string]struct {
		clock float64
		path  path
		near  time.Duration
	}{
		"true":               {1, path{delay: 10 * ms}, ms},
		"fast":               {1.005, path{delay: 10 * ms}, 4 * ms},
		"slow":               {.995, path{delay: 10 * ms}, 4 * ms},
		"crystal":            {1.00005, path{delay: 10 * ms}, ms},
		"fast, jitter":       {1.005, path{delay: 10 * ms, jitter: 5 * ms}, 5 * ms},
		"slow, jitter, loss": {.995, path{delay: 10 * ms, jitter: 5 * ms, loss: .02}, 5 * ms},
		"true, much jitter":  {1, path{delay: 10 * ms, jitter: 40 * ms}, 10 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLink(t, 200*ms, func(l *link) { l.clock, l.forward = c.clock, c.path })
			l.run(time.Minute)
			var worst time.Duration
			for i, at := range l.inOrder() {
				hold := at - l.sent[i].at - c.path.delay
				if off := hold - 200*ms; off.Abs() > worst.Abs() {
					worst = off
				}
			}
			t.Logf("worst %v, %+v", worst, l.receiver.Stats())
			if worst.Abs() > c.near {
				t.Errorf("hold time is %v off", worst)
			}
			l.complete()
		})
	}
}

// The way gets 50 ms longer in both directions: that is not the clocks.
func TestDriftIsNotTheNetwork(t *testing.T) {
	l := newLink(t, 300*ms)
	l.until = 1 << 30
	l.after(0, l.submit)
	l.wait(10 * time.Second)
	l.forward.delay += 50 * ms
	l.back.delay += 50 * ms
	l.wait(30 * time.Second)
	if s := l.receiver.Stats(); s.MsDrift < -2 || s.MsDrift > 2 || s.MsRTT < 119 || s.MsRTT > 121 {
		t.Errorf("drift %.2f ms, RTT %.2f ms", s.MsDrift, s.MsRTT)
	}
}

// A queue that fills one way for a while says nothing of how fast the clocks go.
func TestDriftRateIsNotTheNetwork(t *testing.T) {
	l := newLink(t, 500*ms)
	l.until = 1 << 30
	l.after(0, l.submit)
	l.wait(10 * time.Second)
	l.forward.delay += 200 * ms
	for end := l.now + 3*time.Second; l.now < end; {
		l.wait(l.now + 100*ms)
		if s := l.receiver.Stats(); s.PpmDrift < -100 || s.PpmDrift > 100 {
			t.Fatalf("%+v", s)
		}
	}
}

// A sender that was suspended is followed at once rather than over minutes.
func TestDriftJumps(t *testing.T) {
	l := newLink(t, 200*ms)
	l.until = 1 << 30
	l.after(0, l.submit)
	l.wait(5 * time.Second)
	l.peerStart -= 3_000_000 // Its clock is 3 s behind.
	l.wait(8 * time.Second)
	last := l.delivered[len(l.delivered)-1]
	if hold := last.at - l.sent[last.index].at - 10*ms; (hold - 200*ms).Abs() > 5*ms {
		t.Errorf("hold time %v, %+v", hold, l.receiver.Stats())
	}
}

// A correction, here of a handshake that took 100 ms longer than what follows,
// does not make bursts or breaks.
func TestDriftMovesSlowly(t *testing.T) {
	l := newLink(t, 300*ms, func(l *link) { l.forward.delay = 110 * ms })
	l.forward.delay = 10 * ms
	l.run(10 * time.Second)
	l.complete()
	for i, d := range l.delivered[1:] {
		if off := d.at - l.delivered[i].at - l.interval; off.Abs() > ms/2 {
			t.Fatalf("%d came %v off its interval", i, off)
		}
	}
	if s := l.receiver.Stats(); s.MsDrift < -101 || s.MsDrift > -99 {
		t.Errorf("%+v", s)
	}
}

func TestReorderingIsNotLoss(t *testing.T) {
	for name, interval := range map[string]time.Duration{"5 Mbit/s": 2 * ms, "20 Mbit/s": ms / 2} {
		t.Run(name, func(t *testing.T) {
			l := newLink(t, 120*ms, func(l *link) { l.forward.jitter, l.interval = 5*ms, interval })
			l.run(10 * time.Second)
			l.complete()
			if n := l.asked(); n > len(l.sent)/500 {
				t.Errorf("%d of %d packets asked for", n, len(l.sent))
			}
			if s := l.receiver.Stats(); s.MsReorderTolerance < 3 || s.MsReorderTolerance > 7 || s.PktReorderDistance == 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestLossIsReportedInTime(t *testing.T) {
	for name, c := range map[string]struct {
		jitter, most time.Duration
	}{
		"in order":       {0, 2 * ms},
		"5 ms of jitter": {5 * ms, 8 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			const lost = 2500
			l := newLink(t, 120*ms, func(l *link) {
				l.forward.jitter = c.jitter
				l.lose = func(index, attempt int) bool { return index == lost && attempt == 0 }
			})
			l.run(6 * time.Second)
			l.complete()
			detected := l.sent[lost].at + l.forward.delay + l.interval
			for _, n := range l.naks {
				for _, r := range n.ranges {
					if l.index(r.First) != lost {
						continue
					}
					if n.at < detected || n.at > detected+c.jitter+c.most {
						t.Errorf("lost at %v, asked for at %v", detected, n.at)
					}
					return
				}
			}
			t.Error("not asked for")
		})
	}
}

// The tolerance is forgotten some time after the last packet out of order.
func TestToleranceFades(t *testing.T) {
	l := newLink(t, 120*ms, func(l *link) { l.forward.jitter = 5 * ms })
	l.until = 1 << 30
	l.after(0, l.submit)
	l.wait(5 * time.Second)
	l.forward.jitter = 0
	l.wait(30 * time.Second)
	if s := l.receiver.Stats(); s.MsReorderTolerance != 1 || s.PktReorderDistance != 0 {
		t.Errorf("%+v", s)
	}
}

// A sender without a guard repeats whatever a NAK names. With all repairs
// arriving it must not be asked twice.
func TestAsksOnceWhileTheAnswerIsOnItsWay(t *testing.T) {
	l := newLink(t, 300*ms, func(l *link) {
		l.forward.delay, l.back.delay = 40*ms, 40*ms
		l.lose = func(index, attempt int) bool { return index%50 == 49 && attempt == 0 && index > 500 && index < 4900 }
	})
	l.run(10 * time.Second)
	l.complete()
	if n, lost := l.asked(), 88; n != lost {
		t.Errorf("asked for %d, lost %d", n, lost)
	}
}

// Repairs that get lost too are asked for until they come.
func TestAsksAgain(t *testing.T) {
	l := newLink(t, 300*ms, func(l *link) {
		l.lose = func(index, attempt int) bool { return index == 700 && attempt < 5 }
	})
	l.run(3 * time.Second)
	l.complete()
	if s := l.receiver.Stats(); s.PktRcvLoss != 1 || s.PktSentNAK != 5 || s.MsReorderTolerance != 1 {
		t.Errorf("%+v", s)
	}
}

// The first repetition leaves time for its answer: when the round trip is still a
// guess, and when it is half of the latency. Those after it come the more often
// the less time there is.
func TestAsksAgainInTime(t *testing.T) {
	for name, c := range map[string]struct {
		latency, delay time.Duration
		lost, attempts int
	}{
		"at the start":         {160 * ms, 20 * ms, 5, 2},
		"a long way":           {120 * ms, 30 * ms, 1000, 2},
		"at last":              {160 * ms, 20 * ms, 1000, 7},
		"when it can no more":  {120 * ms, 70 * ms, -1, 1},
		"at three round trips": {120 * ms, 20 * ms, -1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLink(t, c.latency, func(l *link) {
				l.forward.delay, l.back.delay = c.delay, c.delay
				l.lose = func(index, attempt int) bool {
					return attempt < c.attempts && (index == c.lost || c.lost < 0 && index%100 == 99 && index > 1000)
				}
			})
			l.run(4 * time.Second)
			if c.lost >= 0 {
				l.complete()
			} else if n, lost := l.asked(), (l.until-1000)/100; n > lost {
				t.Errorf("asked for %d, lost %d", n, lost)
			}
		})
	}
}

// What never comes does not hold up what follows beyond its time.
func TestTooLateIsSkipped(t *testing.T) {
	l := newLink(t, 120*ms, func(l *link) {
		l.lose = func(index, attempt int) bool { return index >= 100 && index < 110 || attempt == 0 && index == 200 }
		l.keep = 100 * ms
	})
	l.run(time.Second)
	at := l.inOrder()
	if want := l.sent[110].at + 130*ms; (at[110] - want).Abs() > 2*ms {
		t.Errorf("delivered at %v, want %v", at[110], want)
	}
	if s := l.receiver.Stats(); s.PktRcvDrop != 10 || s.PktRcvLoss != 11 || len(at) != len(l.sent)-10 {
		t.Errorf("%d delivered, %+v", len(at), s)
	}
}

// Whatever the network does: in order, nothing twice, nothing made up, all that
// the sender repeated in time, and each packet at its time.
func TestSchedules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		latency := time.Duration(rapid.IntRange(20, 400).Draw(t, "latency")) * ms
		draw := func(name string) path {
			return path{
				delay:     time.Duration(rapid.IntRange(0, 80).Draw(t, name+" delay")) * ms,
				jitter:    time.Duration(rapid.IntRange(0, 30).Draw(t, name+" jitter")) * ms,
				loss:      float64(rapid.IntRange(0, 30).Draw(t, name+" loss")) / 100,
				duplicate: float64(rapid.IntRange(0, 30).Draw(t, name+" duplicates")) / 100,
			}
		}
		l := newLink(t, latency, func(l *link) {
			l.rng = rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
			l.forward, l.back = draw("forward"), draw("back")
			l.initial = rapid.SampledFrom([]uint32{0, 5, sequenceMask, sequenceMask - 100, 1 << 30}).Draw(t, "initial")
			l.peerStart = rapid.SampledFrom([]uint32{0, 1<<32 - 500_000, 1<<31 - 100_000}).Draw(t, "start")
			l.interval = time.Duration(rapid.IntRange(200, 20_000).Draw(t, "interval")) * time.Microsecond
			l.guard = rapid.Bool().Draw(t, "guard")
			l.clock = 1 + float64(rapid.IntRange(-500, 500).Draw(t, "drift"))/1e6
		})
		l.run(2 * time.Second)
		at := l.inOrder()
		// What jitter does to the sender's clock as it is seen here.
		slack := l.forward.jitter + l.back.jitter/2 + 5*ms
		for i, p := range l.sent {
			due := p.at + l.forward.delay + latency
			d, ok := at[i]
			switch {
			case ok && !p.arrived:
				t.Fatalf("%d was made up", i)
			case !ok && p.arrived && p.arrival < due-slack:
				t.Fatalf("%d came at %v, was due at %v, and is missing", i, p.arrival, due)
			case ok && (d < due-slack || d > max(due, p.arrival)+slack):
				t.Fatalf("%d came at %v, was due at %v, and was delivered at %v", i, p.arrival, due, d)
			}
		}
		s := l.receiver.Stats()
		if err := l.receiver.Check(); err != nil || s.PktRcvBuf != 0 || s.PktRecvUnique != uint64(len(at)) {
			t.Fatalf("%d delivered, %+v, %v", len(at), s, err)
		}
		if s.PktRecv != s.PktRecvUnique+s.PktRcvBelated+s.PktRcvDuplicate {
			t.Fatalf("counted twice or not at all: %+v", s)
		}
	})
}
