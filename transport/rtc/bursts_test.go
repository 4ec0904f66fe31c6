package rtc_test

import (
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/transport/rtc"
	"github.com/freshet-live/freshet/transport/rtc/rtctest"
)

// A chunk of 4 Mbit/s is 50 kB. How long it takes over 40 ms round trip, the first
// time and every 400 ms after that, is what decides how deep trees may be.
func TestBursts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		loss   float64
		window int
		cold   time.Duration // Bounds.
		p50    time.Duration
	}{
		{"no loss, as pion has it", 0, 1, 200 * time.Millisecond, 30 * time.Millisecond},
		{"no loss, 64 KiB window", 0, 0, 40 * time.Millisecond, 30 * time.Millisecond},
		{"1 % loss, as pion has it", 0.01, 1, time.Second, 200 * time.Millisecond},
		{"1 % loss, 64 KiB window", 0.01, 0, time.Second, 60 * time.Millisecond},
		{"2 % loss, as pion has it", 0.02, 1, time.Second, 250 * time.Millisecond},
		{"2 % loss, 64 KiB window", 0.02, 0, time.Second, 80 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				line := rtctest.Line{Delay: 20 * time.Millisecond, Loss: tt.loss, Up: 100_000_000}
				p := newPair(t, pairConfig{lineA: line, lineB: rtctest.Line{Loss: tt.loss}, window: tt.window})
				p.open(t)
				took := bursts(t, p, 100)
				cold, warm := took[0], slices.Sorted(slices.Values(took[1:]))
				p50, p95 := warm[len(warm)/2], warm[len(warm)*95/100]
				t.Logf("%s: first %v, then p50 %v, p95 %v", tt.name, cold, p50, p95)
				if cold > tt.cold || p50 > tt.p50 {
					t.Errorf("want at most %v and %v", tt.cold, tt.p50)
				}
			})
		})
	}
}

// bursts sends n chunks of two pieces and tells how long each took. Pieces are told
// apart by their group.
func bursts(t *testing.T, p *pair, n int) []time.Duration {
	t.Helper()
	var took []time.Duration
	for i := range n {
		start := time.Now()
		for j := range uint32(2) {
			p.a.conn.Push(id(uint64(i), j), pieceOf(25_000, 1), nil)
		}
		for range 2 {
			if e := p.b.await(t, rtc.Gave); e.ID.Group != uint64(i) {
				t.Fatalf("piece %v at burst %d", e.ID, i)
			}
		}
		took = append(took, time.Since(start))
		time.Sleep(400*time.Millisecond - time.Since(start))
	}
	return took
}
