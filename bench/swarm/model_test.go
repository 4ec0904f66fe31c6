package swarm_test

import (
	"math"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/swarm"
	policy "github.com/freshet-live/freshet/relay/swarm"
)

func run(t *testing.T, c swarm.Config) *swarm.Result {
	t.Helper()
	r, err := swarm.Run(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("offload %.1f %% of %.1f %%, hedged %.2f %%, pulled %.2f %%, waste %.2f %%, late %.4f %% of %d, %d stalls, depth %.2f to %d, edge %.1f Mbit/s, peak %.1f, lag p50 %.0f ms p99 %.0f ms, queue %v, %d happenings in %v",
		100*r.Offload, 100*r.Ceiling, 100*r.Hedged, 100*r.Pulled, 100*r.Waste, 100*r.Late, r.Pieces, r.Stalls, r.Depth, r.Deepest,
		r.EdgeSteady/1e6, r.EdgePeak/1e6, 1e3*r.Lag.Quantile(.5), 1e3*r.Lag.Quantile(.99), r.Queue, r.Happened, r.Took)
	return r
}

func within(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if math.Abs(got-want) > by {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// Without a swarm the edge sends everybody everything, and nobody waits.
func TestEdgeOnly(t *testing.T) {
	r := run(t, still(10))
	within(t, "viewers", r.Viewers, 10, 0)
	within(t, "offload", r.Offload, 0, 0)
	within(t, "egress", r.EdgeSteady, 40e6, 2e6)
	if r.Late != 0 || r.Stalls != 0 || r.Lost != 0 {
		t.Errorf("late %v, %d stalls, %d lost", r.Late, r.Stalls, r.Lost)
	}
	if want := 10 * 360 * 1; r.Pieces < want {
		t.Errorf("%d pieces were due, want over %d", r.Pieces, want)
	}
}

func followers(c *swarm.Config, careless bool) {
	c.NewBrain = func(policy.ViewerConfig) swarm.Brain {
		return &follower{have: make(map[policy.PieceID]bool), careless: careless}
	}
	c.NewWarden = func(policy.TrackerConfig) swarm.Warden { return &chain{} }
}

// In a chain of five all but the first are fed by peers: four fifths of the video. What
// always comes from the edge is in the whole.
func TestChain(t *testing.T) {
	c := still(5)
	followers(&c, false)
	c.Country, c.Params.Delay = "fr", 2*time.Second
	c.Network.Window = 1 << 20
	c.Network.WindowMost = 1 << 20
	c.Cast = []swarm.Part{{Role: swarm.FreeRider, Every: 1, From: time.Hour}} // Fast lines, no more.
	r := run(t, c)
	within(t, "offload", r.Offload, .8*(1-.128/4-.011), .01)
	within(t, "egress", r.EdgeSteady, 4e6*(1+4*.043), .3e6)
	within(t, "depth", r.Depth, 2.5, .01)
	if r.Deepest != 4 || r.Loops != 0 || r.Unverified != 0 {
		t.Errorf("deepest %d, %d loops, %d unverified", r.Deepest, r.Loops, r.Unverified)
	}
	if lag := r.Lag.Quantile(.5); lag < .02 || lag > .2 {
		t.Errorf("pieces come %v s after they are made", lag)
	}
	if r.Late != 0 || r.Stalls != 0 {
		t.Errorf("late %v, %d stalls", r.Late, r.Stalls)
	}
}

// An uplink below the bitrate cannot carry the stream: what comes too late is late, and
// the picture stands.
func TestSlowUplink(t *testing.T) {
	c := still(2)
	followers(&c, false)
	c.Country = "ng"
	c.Seed = slowSeed(t)
	r := run(t, c)
	if r.Late < .01 || r.Stalls == 0 || r.Offload > .05 {
		t.Errorf("late %v, %d stalls, offload %v", r.Late, r.Stalls, r.Offload)
	}
}

// slowSeed is one whose first two viewers have slow uplinks.
func slowSeed(t *testing.T) uint64 {
	t.Helper()
	for seed := uint64(1); seed < 50; seed++ {
		c := still(2)
		c.Country, c.Duration, c.Warm, c.Seed = "ng", 4*time.Second, time.Second, seed
		r, err := swarm.Run(c)
		if err != nil {
			t.Fatal(err)
		}
		if r.Ceiling < .15 {
			return seed
		}
	}
	t.Fatal("no such seed")
	return 0
}

// Who pushes what it has not got is found out.
func TestUnverified(t *testing.T) {
	c := still(3)
	followers(&c, true)
	if r := run(t, c); r.Unverified == 0 {
		t.Error("pushes of what was not there are not counted")
	}
}

// When people leave and come the audience is as the scenario says.
func TestCrowd(t *testing.T) {
	c := still(100)
	c.Warm, c.Duration = 5*time.Second, 30*time.Second
	c.Happenings = []swarm.Happening{
		{Kind: swarm.Leave, At: 8 * time.Second, Share: .5, Within: 4 * time.Second},
		{Kind: swarm.Join, At: 20 * time.Second, Share: .25, Within: 2 * time.Second},
	}
	r := run(t, c)
	at := func(second int) float64 { return r.Seconds[second-1].Viewers }
	within(t, "before", at(7), 100, 0)
	within(t, "after half left", at(19), 50, 12)
	within(t, "after a quarter came", at(26)-at(19), 25, 0)
}

// A run is a function of its seed.
func TestDeterminism(t *testing.T) {
	c := still(20)
	followers(&c, false)
	c.Network = swarm.DefaultNetwork()
	a, b := run(t, c), run(t, c)
	c.Seed = 2
	other := run(t, c)
	if a.Happened != b.Happened || a.Offload != b.Offload || a.Late != b.Late || a.EdgePeak != b.EdgePeak {
		t.Error("the same seed gave another run")
	}
	if a.Happened == other.Happened {
		t.Error("another seed gave the same run")
	}
}

func TestConfigCheck(t *testing.T) {
	bad := swarm.DefaultConfig()
	bad.Viewers, bad.Country, bad.NonUploaders = 0, "xx", 2
	err := bad.Check()
	if err == nil {
		t.Fatal("was taken")
	}
	good := swarm.DefaultConfig()
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}
