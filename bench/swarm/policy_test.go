package swarm_test

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/swarm"
)

// quick is the steady state in small: it is there after 20 s.
func quick(viewers int) swarm.Config {
	c := swarm.DefaultConfig()
	c.Viewers, c.Seed, c.Ramp = viewers, 1, 2*time.Second
	c.Warm, c.Duration = 18*time.Second, 30*time.Second
	return c
}

// verdicts fails the test for each rule of a scenario that a run did not keep.
func verdicts(t *testing.T, name string, c swarm.Config) *swarm.Result {
	t.Helper()
	s, err := swarm.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	var beside *swarm.Result
	if s.Beside {
		beside = run(t, c)
	}
	s.Apply(&c)
	r := run(t, c)
	for _, v := range s.Judge(r, beside) {
		if !v.Kept {
			t.Errorf("%s: %s: %s", name, v.Rule, v.Seen)
		}
	}
	return r
}

// The policy carries most of what uplinks allow, at next to no hedges, and in time.
func TestSteady(t *testing.T) {
	r := verdicts(t, "steady", quick(100))
	if r.Deepest > 4 || r.Offload < .7 {
		t.Errorf("offload %v, depth %d", r.Offload, r.Deepest)
	}
}

// At three quarters of the delay it still does.
func TestShortDelay(t *testing.T) {
	c := quick(100)
	c.Params.Delay = 750 * time.Millisecond
	if r := run(t, c); r.Ratio < .85 || r.Late > .0005 {
		t.Errorf("%v of the ceiling, late %v", r.Ratio, r.Late)
	}
}

// Most viewers go: the edge bears what is left.
func TestWhistle(t *testing.T) { verdicts(t, "whistle", quick(80)) }

// What one sends who changes bytes is neither played nor passed on, and he is out soon.
func TestPolluter(t *testing.T) {
	r := verdicts(t, "polluter", quick(20))
	if r.Unverified != 0 {
		t.Error("something invalid was passed on")
	}
}

// Where phones upload nothing and half of the audience are phones, they upload nothing.
func TestPhones(t *testing.T) {
	c := quick(40)
	c.NonUploaders = 1
	if r := run(t, c); r.Offload != 0 || r.Late != 0 {
		t.Errorf("offload %v, late %v", r.Offload, r.Late)
	}
}

// Who did not agree has the edge alone, and nothing is worse for him.
func TestNoConsent(t *testing.T) {
	c := quick(40)
	c.Consent = 0
	if r := run(t, c); r.Offload != 0 || r.Late != 0 || r.Revealed != 0 || r.Connected != 0 {
		t.Errorf("offload %v, late %v, %v revealed, %d connected", r.Offload, r.Late, r.Revealed, r.Connected)
	}
}
