package swarm_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/swarm"
)

// fare has viewers report for a while, each of what it received and how it fared.
func fare(d time.Duration, of map[*guest]wire.Report) {
	for range d / time.Second {
		for g, r := range of {
			g.say(&r)
		}
		time.Sleep(time.Second)
	}
}

// Where the swarm's viewers wait more than the control group's it is switched off for a
// while, by itself; when it is on again it starts with a clean slate.
func TestKillSwitch(t *testing.T) {
	onStage(t, func(c *swarm.Config, _ *moqt.Config) { c.Policy.Control = 0.5 }, func(s *stage) {
		t := s.t
		defer s.publish(4000, 40_000)()
		// As many as it takes for both groups to have somebody.
		of := make(map[*guest]wire.Report)
		var control, in int
		for control < 2 || in < 2 {
			g := s.join(nil)
			defer g.leave()
			r := wire.Report{EdgeBytes: 400_000, PlayTime: wire.Millis(time.Second), Uplink: 20_000_000, Slots: 8}
			if w := wantOne[*wire.Welcome](g); w.Control {
				control++
				if w.Mode != policy.ModeEdge || w.Reason != "control" {
					t.Fatalf("who is of the control group is in mode %q, %q", w.Mode, w.Reason)
				}
			} else {
				in++
				r.PlayTime, r.StallTime, r.Stalls = wire.Millis(900*time.Millisecond), wire.Millis(100*time.Millisecond), 1
			}
			of[g] = r
		}
		fare(9*time.Minute, of)
		if n := metric(t, s.reg, "freshet_swarm_kills_total"); n == 0 {
			t.Fatal("nothing was switched off")
		}
		if n := metric(t, s.reg, "freshet_swarm_viewers", "killed"); int(n) != control+in {
			t.Errorf("%v viewers are in mode edge since the swarm is off", n)
		}
		if n := metric(t, s.reg, "freshet_swarm_killed_cohorts"); n < 1 {
			t.Errorf("%v cohorts are off", n)
		}
		for g, r := range of {
			r.StallTime, r.Stalls, r.PlayTime = 0, 0, wire.Millis(time.Second)
			of[g] = r
		}
		fare(12*time.Minute, of)
		if n := metric(t, s.reg, "freshet_swarm_viewers", "on"); int(n) != in {
			t.Errorf("%v viewers take part again; %d should", n, in)
		}
		if stalls := metric(t, s.reg, "freshet_swarm_stalls_total", "swarm"); stalls == 0 || metric(t, s.reg, "freshet_swarm_stalls_total", "control") != 0 {
			t.Errorf("%v stalls of the swarm were counted", stalls)
		}
	})
}

// Nobody can make up more bytes than the stream had.
func TestReportsArePlausible(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		defer s.publish(60, 50_000)() // 4 Mbit/s.
		g, other := s.join(nil), s.join(nil)
		defer g.leave()
		defer other.leave()
		watch(8*time.Second, other)
		before := metric(t, s.reg, "freshet_swarm_received_bytes_total", "peer")
		g.say(&wire.Report{PeerBytes: 1 << 50, UploadBytes: 1 << 50, Stalls: 1 << 30, StallTime: wire.Millis(99 * 24 * time.Hour)})
		time.Sleep(time.Second)
		g.say(&wire.Report{PeerBytes: 1 << 50})
		time.Sleep(time.Second)
		if got := metric(t, s.reg, "freshet_swarm_received_bytes_total", "peer") - before; got > 500_000*2*16 {
			t.Errorf("%.0f bytes were believed", got)
		}
		if got := metric(t, s.reg, "freshet_swarm_stalls_total"); got > 100 {
			t.Errorf("%.0f stalls were believed", got)
		}
	})
}

// What operators see.
func TestSnapshot(t *testing.T) {
	onStage(t, func(c *swarm.Config, _ *moqt.Config) { c.Policy.Capacity = 1_000_000_000 }, func(s *stage) {
		t := s.t
		defer s.publish(60, 50_000)()
		a, b, _, _ := couple(t, s)
		defer a.leave()
		defer b.leave()
		a.say(&wire.Feed{Subs: 1<<k - 1, Group: 1})
		watch(5*time.Second, a, b)
		state := s.edge.Snapshot()
		if len(state.Swarms) != 1 {
			t.Fatalf("there are %d swarms", len(state.Swarms))
		}
		r := state.Swarms[0]
		if r.Namespace != string(cam) || r.Viewers != 2 || r.Modes["on"] != 2 || r.Fed == 0 || !state.Admit {
			t.Errorf("the swarm is %+v", r)
		}
		if r.Bitrate < 3_600_000 || r.Bitrate > 4_400_000 {
			t.Errorf("the bitrate is measured as %d", r.Bitrate)
		}
		if state.Egress < 1_000_000 || state.Reserve < 10 {
			t.Errorf("egress %d, reserve %f", state.Egress, state.Reserve)
		}
		if r.Ceiling < 0.4 {
			t.Errorf("two viewers with fast uplinks have a ceiling of %f", r.Ceiling)
		}
		if _, err := json.Marshal(state); err != nil {
			t.Error(err)
		}
		if n := metric(t, s.reg, "freshet_swarm_subscriptions", "1"); n == 0 {
			t.Error("no subscription is at the edge")
		}
	})
}

// Who has not consented, or whose machine says no, is fed and learns of nobody.
func TestConsent(t *testing.T) {
	onStage(t, nil, func(s *stage) {
		t := s.t
		defer s.publish(60, 50_000)()
		a, b, _, _ := couple(t, s)
		defer a.leave()
		defer b.leave()
		for reason, change := range map[policy.Reason]func(*wire.Hello){
			"consent":  func(h *wire.Hello) { h.Consent, h.Fingerprint = policy.ConsentUnset, "" },
			"consent ": func(h *wire.Hello) { h.Consent = policy.ConsentDenied },
			// There is no certificate that peers would know it by.
			"consent  ": func(h *wire.Hello) { h.Fingerprint = "" },
			"saveData":  func(h *wire.Hello) { h.SaveData = true },
			"battery":   func(h *wire.Hello) { h.LowBattery = true },
		} {
			g := s.join(change)
			watch(4*time.Second, a, b, g)
			w := wantOne[*wire.Welcome](g)
			if w.Mode != policy.ModeEdge || string(w.Reason) != strings.TrimSpace(string(reason)) || len(said[*wire.Candidates](g)) > 0 {
				t.Errorf("%q: mode %q, reason %q, %d candidates", reason, w.Mode, w.Reason, len(said[*wire.Candidates](g)))
			}
			l, _ := s.video.Largest()
			g.say(&wire.Feed{Subs: 1<<k - 1, Group: l.Group})
			time.Sleep(time.Second)
			if len(g.fed()) == 0 {
				t.Errorf("%q: it is not fed", reason)
			}
			g.leave()
		}
		// Consent that is taken back ends it at once.
		denied := policy.ConsentDenied
		a.say(&wire.Update{Consent: &denied})
		time.Sleep(time.Second)
		modes := said[*wire.Mode](a)
		if last := modes[len(modes)-1]; last.Mode != policy.ModeEdge || last.Reason != "consent" {
			t.Errorf("the last mode is %+v", last)
		}
	})
}
