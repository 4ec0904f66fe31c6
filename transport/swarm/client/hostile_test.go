package client_test

import (
	"testing"
	"testing/synctest"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/transport/rtc/rtctest"
	"github.com/freshet-live/freshet/transport/swarm/client"
	"github.com/freshet-live/freshet/transport/swarm/client/clienttest"
)

// fibre is a line of a viewer that can feed others.
var fibre = rtctest.Line{Delay: 10 * time.Millisecond, Up: 10_000_000}

// crowd joins n viewers, and lets them find their places.
func (w *world) crowd(n int) {
	w.t.Helper()
	for range n {
		w.join(viewerConfig{line: fibre})
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(12 * time.Second)
}

// busiest is the viewer that has uploaded most.
func (w *world) busiest() *viewer {
	w.t.Helper()
	best := w.viewers[0]
	for _, v := range w.viewers {
		if v.v.Stats().UploadBytes > best.v.Stats().UploadBytes {
			best = v
		}
	}
	if best.v.Stats().UploadBytes == 0 {
		w.t.Fatal("nobody uploads")
	}
	return best
}

// wantUnharmed: the others saw every chunk as it was published, and in time.
func (w *world) wantUnharmed(bad *viewer) {
	w.t.Helper()
	for _, v := range w.viewers {
		s := v.v.Stats()
		if v == bad {
			continue
		}
		if _, wrong := v.seen(); wrong != 0 || s.Late+s.Missing+s.Stalls != 0 {
			w.t.Errorf("viewer %d: %d chunks wrong; %s", v.n, wrong, s)
		}
	}
}

// Who sends what the packager did not make is found out by the first piece: nothing
// of it is played or passed on, and within a second nobody takes anything from it.
func TestPolluter(t *testing.T) {
	for name, fault := range map[string]clienttest.Fault{
		"pieces": clienttest.Pollute, "pieces with beacons": clienttest.Forge, "pieces as others": clienttest.Splice,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, worldConfig{rate: 1_000_000, every: 100 * time.Millisecond})
				defer w.close()
				crowd := 8
				if fault == clienttest.Pollute {
					crowd = 20
				}
				w.crowd(crowd)
				bad := w.busiest()
				bad.faulty.Set(fault)
				since := time.Now()
				time.Sleep(6 * time.Second)
				w.wantUnharmed(bad)
				w.wantBanned(bad, since)
			})
		})
	}
}

// wantBanned: whoever got something false banned its sender, the first within a
// second, and the edge parted it from all others.
func (w *world) wantBanned(bad *viewer, since time.Time) {
	w.t.Helper()
	id := bad.v.Stats().Self
	victims, first := 0, time.Duration(1<<62)
	for _, v := range w.viewers {
		for _, ban := range v.v.Stats().Banned {
			if ban.Peer != id {
				w.t.Errorf("viewer %d banned %d, who did nothing", v.n, ban.Peer)
				continue
			}
			victims++
			first = min(first, ban.At.Sub(since))
		}
	}
	sent := bad.faulty.Bad.Load()
	w.t.Logf("%d false pieces sent, %d viewers banned it, the first after %v", sent, victims, first)
	if victims == 0 || first > time.Second {
		w.t.Errorf("%d viewers banned it, the first after %v", victims, first)
	}
	time.Sleep(2 * time.Second)
	if now := bad.faulty.Bad.Load(); now != sent {
		w.t.Errorf("it still sends: %d pieces more in 2 s", now-sent)
	}
}

// Who promises and sends nothing, or sends everything many times, harms nobody.
func TestUseless(t *testing.T) {
	for name, fault := range map[string]clienttest.Fault{"starves": clienttest.Starve, "floods": clienttest.Flood} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, worldConfig{rate: 1_000_000, every: 100 * time.Millisecond})
				defer w.close()
				w.crowd(8)
				bad := w.busiest()
				bad.faulty.Set(fault)
				time.Sleep(10 * time.Second)
				w.wantUnharmed(bad)
				t.Log(total(w.viewers))
				banned := 0
				for _, v := range w.viewers {
					banned += len(v.v.Stats().Banned)
				}
				if fault == clienttest.Flood && banned == 0 {
					t.Error("nobody minds a flood")
				}
			})
		})
	}
}

// Who takes and does not give is not asked to, though there are too few who give, and
// costs them nothing but what it takes: at most three quarters can come from peers.
func TestFreeRiders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldConfig{rate: 1_000_000, every: 100 * time.Millisecond})
		defer w.close()
		for range 5 {
			w.join(viewerConfig{line: fibre}).faulty.Set(clienttest.Ride)
		}
		w.crowd(3)
		before := total(w.viewers)
		time.Sleep(10 * time.Second)
		s := minus(total(w.viewers), before)
		t.Log(s)
		w.wantUnharmed(nil)
		if s.Offload() < 0.4 {
			t.Errorf("offload %.2f", s.Offload())
		}
		for _, v := range w.viewers[:5] {
			if s := v.v.Stats(); s.UploadBytes != 0 || s.PeerBytes == 0 {
				t.Errorf("viewer %d uploaded %d; %s", v.n, s.UploadBytes, s)
			}
		}
	})
}

// Most of all peers agree to keep the stream from the rest: they feed them at first,
// then say what they have and send nothing, all at once. The edge brings it in time.
func TestEclipse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldConfig{rate: 1_000_000, every: 100 * time.Millisecond})
		defer w.close()
		w.crowd(10)
		honest := w.viewers[:2]
		before := total(honest)
		for _, v := range w.viewers[2:] {
			v.faulty.Set(clienttest.Starve)
		}
		time.Sleep(15 * time.Second)
		t.Log(total(honest))
		if before.PeerBytes == 0 {
			t.Error("no peer fed them")
		}
		for _, v := range honest {
			s := v.v.Stats()
			if good, wrong := v.seen(); wrong != 0 || good < 200 || s.Late+s.Missing+s.Stalls != 0 {
				t.Errorf("viewer %d: %d chunks right, %d wrong; %s", v.n, good, wrong, s)
			}
		}
	})
}

// Five of six leave at once, some without a word: the last one's picture does not
// stand still.
func TestCollapse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldConfig{rate: 1_000_000, every: 100 * time.Millisecond})
		defer w.close()
		w.crowd(6)
		for i, v := range w.viewers[1:] {
			if i%2 == 0 {
				v.host.SetCut(true)
			} else {
				v.leave()
			}
		}
		time.Sleep(10 * time.Second)
		s := w.viewers[0].v.Stats()
		t.Log(s)
		if _, wrong := w.viewers[0].seen(); s.PeerBytes == 0 || wrong+s.Late+s.Missing+s.Stalls != 0 {
			t.Errorf("%d chunks wrong; %s", wrong, s)
		}
		for _, v := range w.viewers {
			v.host.SetCut(false) // For a quick good-bye.
		}
	})
}

// Who has not consented takes part in nothing, and sees no less.
func TestConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldConfig{rate: 1_000_000, every: 100 * time.Millisecond})
		defer w.close()
		shy := []*viewer{
			w.join(viewerConfig{line: fibre, situation: client.Situation{Consent: policy.ConsentUnset}}),
			w.join(viewerConfig{line: fibre, situation: client.Situation{Consent: policy.ConsentDenied}}),
			w.join(viewerConfig{line: fibre, situation: client.Situation{Consent: policy.ConsentGranted, SaveData: true}}),
		}
		phone := w.join(viewerConfig{line: fibre, situation: client.Situation{Consent: policy.ConsentGranted, Net: policy.NetCellular}})
		w.crowd(4)
		w.wantUnharmed(nil)
		for _, v := range shy {
			s := v.v.Stats()
			if s.Mode != policy.ModeEdge || s.PeerBytes+s.UploadBytes != 0 || s.Opened+s.Failed != 0 {
				t.Errorf("viewer %d, %s because of %s: uploaded %d; %s", v.n, s.Mode, s.Reason, s.UploadBytes, s)
			}
		}
		if s := phone.v.Stats(); s.UploadBytes != 0 || s.PeerBytes == 0 {
			t.Errorf("phone: uploaded %d; %s", s.UploadBytes, s)
		}
	})
}

// The swarm may end at any time; the stream does not.
func TestSwarmEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldConfig{rate: 1_000_000, every: 100 * time.Millisecond})
		defer w.close()
		w.crowd(4)
		w.endSwarm()
		before := total(w.viewers)
		time.Sleep(10 * time.Second)
		s := minus(total(w.viewers), before)
		t.Log(s)
		w.wantUnharmed(nil)
		if s.StartBytes == 0 || s.PeerBytes > s.StartBytes/10 {
			t.Errorf("not from the edge alone: %s", s)
		}
	})
}
