package swarm_test

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

func TestFiguresShares(t *testing.T) {
	f := swarm.Figures{
		PeerBytes: 700, EdgeBytes: 200, HedgeBytes: 50, LateBytes: 50, DuplicateBytes: 200, InvalidBytes: 50,
		Stalls: 3, StallTime: 36 * time.Second, PlayTime: time.Hour - 36*time.Second,
	}
	for _, tt := range []struct {
		name      string
		got, want float64
	}{
		{"offload", f.Offload(), .7},
		{"hedged", f.Hedged(), .05},
		{"late", f.Late(), .05},
		{"waste", f.Waste(), .24},
		{"rebuffer", f.Rebuffer(), .01},
		{"nothing", swarm.Figures{}.Offload() + swarm.Figures{}.StallsPerHour() + swarm.Figures{}.Rebuffer(), 0},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

// watched plays an hour of each side in each minute.
func watched(h *swarm.Health, now time.Duration, swarmStood, controlStood time.Duration) {
	h.Add(now, "de", false, swarm.Figures{Stalls: int64(swarmStood / time.Second), StallTime: swarmStood, PlayTime: time.Hour})
	h.Add(now, "de", true, swarm.Figures{Stalls: int64(controlStood / time.Second), StallTime: controlStood, PlayTime: time.Hour})
}

func TestHealthKillsWhatIsWorse(t *testing.T) {
	for _, tt := range []struct {
		name           string
		swarm, control time.Duration
		off            bool
	}{
		{"equal", 10 * time.Second, 10 * time.Second, false},
		{"a little worse", 12 * time.Second, 10 * time.Second, false},
		{"worse by more than a tenth of a point", 15 * time.Second, 10 * time.Second, true},
		{"better", 0, 10 * time.Second, false},
		{"two stalls are no evidence", 2 * time.Second, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := swarm.NewHealth(swarm.HealthConfig{})
			watched(h, time.Minute, tt.swarm, tt.control)
			changes := h.Step(2 * time.Minute)
			if got := len(changes) == 1 && changes[0].Off; got != tt.off || h.Off("de") != tt.off {
				t.Errorf("%+v, off %v", changes, h.Off("de"))
			}
		})
	}
}

func TestHealthWantsAControlGroup(t *testing.T) {
	h := swarm.NewHealth(swarm.HealthConfig{})
	h.Add(0, "de", false, swarm.Figures{Stalls: 99, StallTime: time.Minute, PlayTime: time.Hour})
	if changes := h.Step(time.Second); len(changes) > 0 {
		t.Errorf("%+v without anything to compare with", changes)
	}
}

func TestHealthPausesLongerEachTime(t *testing.T) {
	h := swarm.NewHealth(swarm.HealthConfig{})
	now := time.Duration(0)
	for _, pause := range []time.Duration{10 * time.Minute, 20 * time.Minute} {
		watched(h, now, time.Minute, 0)
		if changes := h.Step(now); len(changes) != 1 || !changes[0].Off {
			t.Fatalf("%+v", changes)
		}
		if changes := h.Step(now + pause - time.Second); len(changes) != 0 {
			t.Errorf("on again before %v: %+v", pause, changes)
		}
		now += pause
		if changes := h.Step(now); len(changes) != 1 || changes[0].Off {
			t.Errorf("not on after %v: %+v", pause, changes)
		}
	}
}

func TestHealthForgets(t *testing.T) {
	h := swarm.NewHealth(swarm.HealthConfig{})
	watched(h, 0, time.Minute, 0)
	if changes := h.Step(11 * time.Minute); len(changes) != 0 {
		t.Errorf("%+v from eleven minutes ago", changes)
	}
}
