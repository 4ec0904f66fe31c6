package client_test

import (
	"testing"
	"testing/synctest"
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/transport/rtc/rtctest"
	"github.com/freshet-live/freshet/transport/swarm/client"
)

// A viewer alone is fed by the edge, and misses nothing.
func TestAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldConfig{rate: 1_000_000, every: 100 * time.Millisecond})
		defer w.close()
		time.Sleep(1500 * time.Millisecond)
		v := w.join(viewerConfig{line: rtctest.Line{Delay: 10 * time.Millisecond, Up: 10_000_000}})
		time.Sleep(10 * time.Second)
		s := v.v.Stats()
		t.Log(s)
		good, wrong := v.seen()
		if good < 85 || wrong != 0 || s.Late+s.Missing+s.Stalls != 0 {
			t.Errorf("%d chunks right, %d wrong", good, wrong)
		}
		if s.EdgeBytes == 0 || s.StartBytes == 0 {
			t.Errorf("edge %d, start %d bytes", s.EdgeBytes, s.StartBytes)
		}
	})
}

// Six viewers of one stream: most comes from peers.
func TestSix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldConfig{rate: 1_000_000, every: 100 * time.Millisecond})
		defer w.close()
		for range 6 {
			w.join(viewerConfig{line: rtctest.Line{Delay: 10 * time.Millisecond, Up: 10_000_000}})
			time.Sleep(200 * time.Millisecond)
		}
		time.Sleep(15 * time.Second)
		before := total(w.viewers)
		time.Sleep(20 * time.Second)
		s := minus(total(w.viewers), before)
		t.Log(s)
		for _, v := range w.viewers {
			t.Logf("viewer %d: uplink %d; %s", v.n, v.endpoint.Uplink(), v.v.Stats())
		}
		if s.Offload() < 0.7 || s.Late+s.Missing+s.Stalls != 0 {
			t.Errorf("offload %.2f", s.Offload())
		}
	})
}

// A beacon that comes an answer's time after its chunk, since its packet was lost, costs
// nothing: the piece waits for it. Neither with a swarm nor without does the picture
// stand still.
func TestLateBeacons(t *testing.T) {
	for name, situation := range map[string]client.Situation{"alone": {Consent: policy.ConsentDenied}, "swarm": granted} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, worldConfig{rate: 1_000_000, every: 100 * time.Millisecond, late: 90 * time.Millisecond})
				defer w.close()
				for range 3 {
					w.join(viewerConfig{line: fibre, situation: situation})
				}
				time.Sleep(15 * time.Second)
				w.wantUnharmed(nil)
				if s := total(w.viewers); s.UnknownPieces+int(s.HedgeBytes) != 0 {
					t.Errorf("pieces were thrown away: %s", s)
				}
			})
		})
	}
}
