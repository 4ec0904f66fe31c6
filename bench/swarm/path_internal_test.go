package swarm

import (
	"testing"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// nobody decides nothing.
type nobody struct{}

func (nobody) Step(time.Duration, policy.Event) []policy.Action { return nil }

type nowhere struct{}

func (nowhere) Step(time.Duration, policy.TrackerEvent) []policy.TrackerAction { return nil }

// twoPeers are connected, 40 ms apart, the first with an uplink of that rate.
func twoPeers(t *testing.T, uplink int64, change func(*Network)) (*world, *path) {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Viewers, cfg.Session = 1, 0
	cfg.NewBrain = func(policy.ViewerConfig) Brain { return nobody{} }
	cfg.NewWarden = func(policy.TrackerConfig) Warden { return nowhere{} }
	cfg.Network.Loss, cfg.Network.Jitter, cfg.Network.Overhead = 0, 0, 1
	if change != nil {
		change(&cfg.Network)
	}
	w, err := newWorld(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	a, b := w.visit(w.newHost()), w.visit(w.newHost())
	a.host.uplink, b.host.downlink = uplink, 1e9
	p := &path{w: w, from: a, to: b, oneWay: 20 * time.Millisecond, window: cfg.Network.Window}
	return w, p
}

// burst sends pieces of 50 kB in all and gives when the last was there.
func burst(w *world, p *path, rest time.Duration) time.Duration {
	start := w.now
	var there time.Duration
	for i := range 4 {
		c := &parcel{from: p.from, piece: i, bytes: 12_500}
		p.send(c)
		defer func() { there = max(there, c.there) }()
	}
	w.run(w.now + rest)
	last := time.Duration(0)
	for i := range 4 {
		if p.to.came[i] == 0 {
			return 0
		}
		last = max(last, p.to.cameAt(i))
		p.to.came[i] = 0
	}
	return last - start
}

// A burst on a new association waits for its window to open, twice; later ones take no
// more than the way and the line. Reference: 148 ms from a window of 4,380 bytes, 23 to
// 26 ms when warm.
func TestColdBurst(t *testing.T) {
	w, p := twoPeers(t, 1e9, nil)
	cold := burst(w, p, 400*time.Millisecond)
	warm := burst(w, p, 400*time.Millisecond)
	warmer := burst(w, p, 400*time.Millisecond)
	if cold < 90*time.Millisecond || cold > 110*time.Millisecond {
		t.Errorf("cold %v, want 20 ms and two round trips", cold)
	}
	if warmer > warm || warmer > 30*time.Millisecond {
		t.Errorf("warm %v, then %v: want the way alone", warm, warmer)
	}
}

// After silence the window is small again.
func TestIdleWindow(t *testing.T) {
	w, p := twoPeers(t, 1e9, nil)
	burst(w, p, 400*time.Millisecond)
	burst(w, p, 400*time.Millisecond)
	w.run(w.now + 10*time.Second)
	if again := burst(w, p, 400*time.Millisecond); again < 90*time.Millisecond {
		t.Errorf("%v after ten seconds of silence, want a cold burst", again)
	}
}

// A line sends all that it is given at its rate, whoever it is for.
func TestLineRate(t *testing.T) {
	w, p := twoPeers(t, 4_000_000, func(n *Network) { n.Window, n.WindowMost = 1<<20, 1<<20 })
	if took := burst(w, p, 400*time.Millisecond); took != 120*time.Millisecond {
		t.Errorf("50 kB at 4 Mbit/s took %v, want 100 ms and the way", took)
	}
}

// A lost packet costs a round trip at least, and halves the window.
func TestLoss(t *testing.T) {
	w, p := twoPeers(t, 1e9, func(n *Network) { n.Loss = 1 })
	p.window = 128 << 10
	if took := burst(w, p, 2*time.Second); took < 60*time.Millisecond {
		t.Errorf("%v with every packet lost once", took)
	}
	if p.window > 20_000 {
		t.Errorf("the window is still %d", p.window)
	}
}

// Small messages wait behind what the line has to send.
func TestControlWaits(t *testing.T) {
	w, p := twoPeers(t, 1_000_000, func(n *Network) { n.Window, n.WindowMost = 1<<20, 1<<20 })
	l := &link{ends: [2]*viewer{p.from, p.to}, rtt: 40 * time.Millisecond, open: true}
	before := l.control(p.from)
	p.send(&parcel{from: p.from, bytes: 25_000})
	if before != 20*time.Millisecond || l.control(p.from) != 220*time.Millisecond {
		t.Errorf("%v, then %v", before, l.control(p.from))
	}
	if w.now != 0 {
		t.Error("time passed")
	}
}
