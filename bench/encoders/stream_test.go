package encoders_test

import (
	"bytes"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/encoders"
	"github.com/freshet-live/freshet/bench/mark"
	"github.com/freshet-live/freshet/bench/pattern"
	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

func newClip(tb testing.TB) encoders.Source {
	tb.Helper()
	ts, err := os.ReadFile("../../cmd/freshet/demo/clip.ts")
	if err != nil {
		tb.Fatal(err)
	}
	source, err := encoders.NewClip(ts)
	if err != nil {
		tb.Fatal(err)
	}
	return source
}

func fixed(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

// dated is a burst as an independent reader gets it.
type dated struct {
	at      time.Duration
	packets []byte
}

// play gives what a clip's encoder sends within a time.
func play(tb testing.TB, length time.Duration, seed uint64, rate float64, faults ...string) []dated {
	tb.Helper()
	cfg := encoders.StreamConfig{Source: newClip(tb), Number: 1, Count: 1, Seed: seed}
	if rate > 0 {
		cfg.Rate = fixed(rate)
	}
	for _, text := range faults {
		var f encoders.Fault
		if err := f.UnmarshalText([]byte(text)); err != nil {
			tb.Fatal(err)
		}
		cfg.Schedule.Faults = append(cfg.Schedule.Faults, f)
	}
	s := encoders.NewStream(cfg)
	var out []dated
	for {
		e, err := s.Next()
		if err != nil {
			tb.Fatal(err)
		}
		if e.At >= length {
			return out
		}
		if len(e.Packets) > 0 {
			out = append(out, dated{e.At, bytes.Clone(e.Packets)})
		}
	}
}

func joined(bursts []dated) []byte {
	var out []byte
	for _, b := range bursts {
		out = append(out, b.packets...)
	}
	return out
}

// pcrs are the clock references of a stream and the packets that have them.
func pcrs(ts []byte) (at []int, values []int64) {
	for i := 0; i < len(ts); i += 188 {
		if pcr, ok := mpegts.PCR(ts[i:]); ok {
			at, values = append(at, i/188), append(values, pcr)
		}
	}
	return at, values
}

// Bytes come evenly, and clock references say when each went out.
func TestRateIsExact(t *testing.T) {
	const rate = 1e6
	bursts := play(t, 20*time.Second, 1, rate)
	for i, b := range bursts {
		ideal := time.Duration(float64(i) * 7 * 188 * 8 / rate * 1e9)
		if (b.at-ideal).Abs() > time.Microsecond || len(b.packets) != 7*188 {
			t.Fatalf("burst %d of %d bytes at %v, want %v", i, len(b.packets), b.at, ideal)
		}
	}
	ts := joined(bursts)
	if got := float64(len(ts)*8) / 20; math.Abs(got-rate) > 7*188*8/20 {
		t.Errorf("%v bit/s", got)
	}
	at, values := pcrs(ts)
	if len(at) < 200 {
		t.Fatalf("%d clock references", len(at))
	}
	for i := range at {
		ideal := float64(at[i]-at[0]) * 188 * 8 / rate * 27e6
		if got := float64(values[i] - values[0]); math.Abs(got-ideal) > 2 {
			t.Fatalf("clock reference %d is %v ticks from its place", i, got-ideal)
		}
	}
}

// What is not null is the clip's, in its order, clock references aside.
func TestRateKeepsTheMedia(t *testing.T) {
	strip := func(ts []byte) []byte {
		var out []byte
		for p := range slices.Chunk(ts, 188) {
			if p[1]&0x1F == 0x1F && p[2] == 0xFF {
				continue
			}
			p = bytes.Clone(p)
			mpegts.SetPCR(p, 0)
			out = append(out, p...)
		}
		return out
	}
	want := strip(joined(play(t, 20*time.Second, 1, 0)))
	got := strip(joined(play(t, 20*time.Second, 1, 2e6)))
	if n := min(len(got), len(want)); n < 700_000 || !bytes.Equal(got[:n], want[:n]) {
		t.Errorf("%d and %d bytes, equal %v", len(got), len(want), bytes.Equal(got[:n], want[:n]))
	}
}

func TestRateTooLow(t *testing.T) {
	s := encoders.NewStream(encoders.StreamConfig{Source: newClip(t), Rate: fixed(100e3), Number: 1, Count: 1})
	for {
		e, err := s.Next()
		if err != nil {
			if !strings.Contains(err.Error(), "100 kbit/s is too low") {
				t.Error(err)
			}
			return
		}
		if e.At > 30*time.Second {
			t.Fatal("nobody complains")
		}
	}
}

// The rate follows a trace.
func TestRateFollowsATrace(t *testing.T) {
	s := encoders.NewStream(encoders.StreamConfig{Source: newClip(t), Number: 1, Count: 1, Rate: func(at time.Duration) float64 {
		if at%(2*time.Second) < time.Second {
			return 1e6
		}
		return 3e6
	}})
	var bits [4]float64
	for {
		e, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.At >= 4*time.Second {
			break
		}
		bits[e.At/time.Second] += float64(len(e.Packets) * 8)
	}
	for i, want := range []float64{1e6, 3e6, 1e6, 3e6} {
		if math.Abs(bits[i]-want) > 2*7*188*8 {
			t.Errorf("second %d has %v bits, want %v", i, bits[i], want)
		}
	}
}

// One seed, one sequence of bytes and times; another's damage is elsewhere.
func TestSeed(t *testing.T) {
	a := play(t, 10*time.Second, 1, 1e6, "1s corrupt 3%", "2s kill", "5s stall 300ms", "6s drift 50ppm")
	b := play(t, 10*time.Second, 1, 1e6, "1s corrupt 3%", "2s kill", "5s stall 300ms", "6s drift 50ppm")
	if !slices.EqualFunc(a, b, func(x, y dated) bool { return x.at == y.at && bytes.Equal(x.packets, y.packets) }) {
		t.Error("two runs differ")
	}
	if bytes.Equal(joined(a), joined(play(t, 10*time.Second, 2, 1e6, "1s corrupt 3%", "2s kill", "5s stall 300ms", "6s drift 50ppm"))) {
		t.Error("another seed, the same damage")
	}
}

// Marks tell the number, the contents and the time of each picture, in a clip that is
// taken apart and in a pattern.
func TestMarksAreTrue(t *testing.T) {
	epoch := time.Unix(1_700_000_000, 0)
	wall := epoch.Add
	for name, source := range map[string]func(m *encoders.Marker) (encoders.Source, error){
		"clip": func(m *encoders.Marker) (encoders.Source, error) { return encoders.NewMarked(newClip(t), m) },
		"pattern": func(m *encoders.Marker) (encoders.Source, error) {
			return pattern.New(pattern.Config{Rate: 2e6, Width: 320, Height: 180, Mark: func(units [][]byte, at time.Duration) []byte {
				return m.Mark(units, at, false)
			}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := encoders.Config{Count: 1, Mark: true, Rate: fixed(2e6), Source: func(_ int, m *encoders.Marker) (encoders.Source, error) { return source(m) }}
			s, err := cfg.Stream(1, wall)
			if err != nil {
				t.Fatal(err)
			}
			found := &marks{t: t}
			d := mpegts.New(mpegts.Config{Sink: found})
			for {
				e, err := s.Next()
				if err != nil {
					t.Fatal(err)
				}
				if e.At > 12*time.Second {
					break
				}
				found.now = wall(e.At)
				if err := d.Write(e.Packets, found.now); err != nil {
					t.Fatal(err)
				}
			}
			if found.next < 250 {
				t.Errorf("%d pictures", found.next)
			}
		})
	}
}

// marks is a sink that checks them.
type marks struct {
	t    *testing.T
	now  time.Time
	next uint64
}

func (m *marks) SetProgram(ingest.Program) error { return nil }

func (m *marks) Push(au ingest.AccessUnit) error {
	if au.Format != nil {
		return nil
	}
	got, ok := mark.Find(au.Units, false)
	age := m.now.Sub(got.Sent)
	if !ok || got.Sequence != m.next || got.Sum != mark.Sum(au.Units, false) || age < 0 || age > 500*time.Millisecond {
		m.t.Fatalf("picture %d: found %v, %+v, %v old, sum %08X", m.next, ok, got, age, mark.Sum(au.Units, false))
	}
	m.next++
	return nil
}
