package client_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/transport/rtc/rtctest"
)

// Thirty viewers behind NATs of every type, on lines that lose one packet in a
// hundred: real QUIC, ICE, DTLS and SCTP, in virtual time. Nothing comes late, and
// most of it comes from peers. A minute of it takes a minute or two of CPU time.
func TestThirty(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("too slow with the race detector; scripts/test runs it without")
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, worldConfig{rate: 1_500_000, every: 100 * time.Millisecond, loss: 0.01})
		defer w.close()
		for i := range 30 {
			w.join(viewerConfig{line: rtctest.Line{
				NAT:   rtctest.NATs[i%len(rtctest.NATs)],
				Up:    []int64{2_000_000, 5_000_000, 10_000_000, 20_000_000}[i%4],
				Delay: time.Duration(5+i%4*5) * time.Millisecond,
				Loss:  0.01,
			}})
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(20 * time.Second)
		before := total(w.viewers)
		time.Sleep(40 * time.Second)
		s := minus(total(w.viewers), before)
		t.Logf("after 23 s, for 40 s: %s", s)
		for _, v := range w.viewers {
			t.Logf("viewer %d, %v, %d Mbit/s (estimated %.1f): %s", v.n, v.line.NAT, v.line.Up/1_000_000, float64(v.endpoint.Uplink())/1e6, v.v.Stats())
		}
		if s.Offload() < 0.7 {
			t.Errorf("offload %.2f", s.Offload())
		}
		if all := total(w.viewers); all.Late+all.Missing+all.Stalls != 0 {
			t.Errorf("%d late, %d missing, %d stalls", all.Late, all.Missing, all.Stalls)
		}
		for _, v := range w.viewers {
			if good, wrong := v.seen(); wrong != 0 || good < 500 {
				t.Errorf("viewer %d: %d chunks right, %d wrong", v.n, good, wrong)
			}
		}
	})
}
