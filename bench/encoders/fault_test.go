package encoders_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/encoders"
)

const faultRate = 1e6

// clean is what the faults befall.
func clean(t *testing.T) []dated {
	t.Helper()
	return play(t, 10*time.Second, 1, faultRate)
}

// A stall is a pause; nothing is lost, and all comes later by it.
func TestStall(t *testing.T) {
	want, got := clean(t), play(t, 12*time.Second, 1, faultRate, "3s stall 2s")
	for i := range want {
		late := time.Duration(0)
		if want[i].at >= 3*time.Second {
			late = 2 * time.Second
		}
		if got[i].at != want[i].at+late || !bytes.Equal(got[i].packets, want[i].packets) {
			t.Fatalf("burst %d at %v, want %v", i, got[i].at, want[i].at+late)
		}
	}
}

// A kill takes exactly what is due while it lasts.
func TestKill(t *testing.T) {
	got := play(t, 10*time.Second, 1, faultRate, "3s kill 1500ms")
	i := 0
	for _, w := range clean(t) {
		if w.at >= 3*time.Second && w.at < 4500*time.Millisecond {
			continue
		}
		if got[i].at != w.at || !bytes.Equal(got[i].packets, w.packets) {
			t.Fatalf("burst %d at %v, want %v", i, got[i].at, w.at)
		}
		i++
	}
	if i != len(got) {
		t.Errorf("%d bursts, want %d", len(got), i)
	}
}

// A jump moves all clocks, once; back before zero they wrap.
func TestJump(t *testing.T) {
	for text, by := range map[string]int64{"3s pts-jump +10s": 10 * 27e6, "3s pts-jump -5s": -5 * 27e6} {
		_, want := pcrs(joined(clean(t)))
		_, got := pcrs(joined(play(t, 10*time.Second, 1, faultRate, text)))
		moved := 0
		for i := range want {
			const turn = 1 << 33 * 300
			switch d := (got[i] - want[i] + turn) % turn; d {
			case 0:
				if moved > 0 {
					t.Fatalf("%s: clock reference %d is where it was", text, i)
				}
			case (by + turn) % turn:
				moved++
			default:
				t.Fatalf("%s: clock reference %d moved by %d", text, i, d)
			}
		}
		if moved < len(want)/2 || moved == len(want) {
			t.Errorf("%s: %d of %d moved", text, moved, len(want))
		}
	}
}

// Damage hits the share that was asked for, one byte a packet, as long as it lasts.
func TestCorrupt(t *testing.T) {
	want, got := joined(clean(t)), joined(play(t, 10*time.Second, 1, faultRate, "2s corrupt 5% for 6s"))
	hit, first, last := 0, len(want), 0
	for i := 0; i < len(want); i += 188 {
		differ := 0
		for k := range 188 {
			if want[i+k] != got[i+k] {
				differ++
			}
		}
		if differ > 1 || got[i] != 0x47 {
			t.Fatalf("packet %d differs in %d bytes", i/188, differ)
		}
		if differ == 1 {
			hit, first, last = hit+1, min(first, i), i
		}
	}
	packets := faultRate * 6 / 8 / 188
	if share := float64(hit) / packets; math.Abs(share-0.05) > 0.015 {
		t.Errorf("%.3f are damaged", share)
	}
	if begin, end := float64(first)*8/faultRate, float64(last)*8/faultRate; begin < 1.99 || end > 8.02 || end < 7 {
		t.Errorf("from %v to %v s", begin, end)
	}
}

// A fast clock sends what it made earlier, and the bytes are the same.
func TestDrift(t *testing.T) {
	want, got := clean(t), play(t, 10*time.Second, 1, faultRate, "2s drift +200ppm for 5s")
	for i, w := range want {
		ahead := min(max(w.at-2*time.Second, 0), 5*time.Second).Seconds() * 200e-6
		if d := (w.at - got[i].at).Seconds() - ahead; math.Abs(d) > 2e-6 || !bytes.Equal(got[i].packets, w.packets) {
			t.Fatalf("burst %d at %v is %v s ahead, want %v", i, w.at, (w.at - got[i].at).Seconds(), ahead)
		}
	}
}

// What comes again comes again; what is another's does not come.
func TestEveryAndWho(t *testing.T) {
	got := play(t, 10*time.Second, 1, faultRate, "1s stall 100ms every 2s", "1s stall 3s @2")
	pauses := 0
	for i := range got[1:] {
		switch d := got[i+1].at - got[i].at; {
		case d > 2*time.Second:
			t.Fatal("another's stall")
		case d > 100*time.Millisecond:
			pauses++
		}
	}
	if pauses != 5 {
		t.Errorf("%d pauses", pauses)
	}
}

// Encoders leave at the rate that was asked for, each at its own times.
func TestChurn(t *testing.T) {
	total, times := 0, map[time.Duration]bool{}
	for n := 1; n <= 20; n++ {
		s := encoders.NewStream(encoders.StreamConfig{
			Source: newClip(t), Number: n, Count: 20, Seed: 3,
			Schedule: encoders.Schedule{Churn: 2, Away: time.Second},
		})
		for {
			e, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			if e.At > 60*time.Second {
				break
			}
			if e.Away > 0 {
				total, times[e.At] = total+1, true
			}
		}
	}
	// 2 a second for 60 s, less what they are away: 110 in the mean, 10.5 deviation.
	if total < 70 || total > 150 || len(times) != total {
		t.Errorf("%d left, at %d times", total, len(times))
	}
}

func TestBadFaults(t *testing.T) {
	for _, text := range []string{
		"", "3s", "kill", "3s stall", "3s stall -1s", "3s stall 2s 3s", "3s pts-jump 10s", "3s pts-jump +0s", "3s corrupt 1", "3s corrupt 101%",
		"3s corrupt NaN%", "3s drift 200", "3s drift 1e9ppm", "3s kill @0", "3s kill @x", "3s explode", "-3s kill", "3s kill 2s every 1s",
		"3s kill every 1ms", "9999999h kill", "3s kill @3 every 5s",
	} {
		var f encoders.Fault
		if err := f.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, f)
		}
	}
}

func FuzzFault(f *testing.F) {
	for _, text := range []string{
		"30s kill", "30s kill 2s every 1m @3", "30s stall 2s", "1m pts-jump +10s", "1m pts-jump -5s", "1m corrupt 0.1% for 5s", "0s drift -20.5ppm",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got, again encoders.Fault
		if got.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(got.String())); err != nil {
			t.Fatalf("%q becomes %q: %v", text, got, err)
		}
		again.Share = got.Share // Percent and back may differ in the last bit.
		if got != again {
			t.Fatalf("%+v becomes %+v", got, again)
		}
	})
}
