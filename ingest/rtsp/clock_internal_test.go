package rtsp

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
)

// bench is a sender with two streams whose RTP timestamps begin anywhere, and
// whose packets come when the test says.
type bench struct {
	clock        clock
	video, audio *streamClock
	begun        time.Time // Of the arrivals.
	wall         time.Time // Of the sender, at its time zero.
}

func newBench() *bench {
	b := &bench{
		begun: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		wall:  time.Date(1987, 6, 5, 4, 3, 2, 0, time.UTC), // Cameras lie.
	}
	b.video = &streamClock{clock: &b.clock, rate: 90_000}
	b.audio = &streamClock{clock: &b.clock, rate: 48_000}
	return b
}

// send stamps what was taken at the sender's time at and came late.
func (b *bench) send(s *streamClock, at, late time.Duration, reported bool) time.Duration {
	start := uint32(4_294_900_000) // Wraps within a second or two.
	timestamp := start + uint32(int64(at)*s.rate/int64(time.Second))
	wall := time.Time{}
	if reported {
		wall = b.wall.Add(at)
	}
	return duration(s.stamp(timestamp, b.begun.Add(at+late), wall))
}

func near(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if off := got - want; off > 50*time.Microsecond || off < -50*time.Microsecond {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestClockByArrival(t *testing.T) {
	b := newBench()
	near(t, "video", b.send(b.video, 0, 100*time.Millisecond, false), 0)
	// Audio is 30 ms faster on its way, and nobody says so.
	near(t, "audio", b.send(b.audio, 40*time.Millisecond, 70*time.Millisecond, false), 10*time.Millisecond)
	// From then on timestamps count, not arrivals, past the end of 32 bits.
	for i := range 100 {
		at := time.Duration(i+1) * 40 * time.Millisecond
		near(t, "video goes on", b.send(b.video, at, time.Second, false), at)
	}
	near(t, "audio goes on", b.send(b.audio, 4*time.Second, 0, false), 3970*time.Millisecond)
}

func TestClockBySenderReports(t *testing.T) {
	b := newBench()
	near(t, "video", b.send(b.video, 0, 100*time.Millisecond, true), 0)
	near(t, "audio", b.send(b.audio, 40*time.Millisecond, 900*time.Millisecond, true), 40*time.Millisecond)
	if !b.video.aligned || !b.audio.aligned {
		t.Error("not aligned")
	}
}

func TestClockLateReports(t *testing.T) {
	b := newBench()
	b.send(b.video, 0, 100*time.Millisecond, false)
	near(t, "audio by arrival", b.send(b.audio, 0, 400*time.Millisecond, false), 300*time.Millisecond)
	// The first report of the second stream puts it right at once.
	near(t, "video", b.send(b.video, time.Second, 0, true), time.Second)
	// But it does not go back over what it said: the others go ahead.
	near(t, "audio goes on", b.send(b.audio, 40*time.Millisecond, 0, true), 340*time.Millisecond)
	near(t, "video aligned", b.send(b.video, 1040*time.Millisecond, 0, true), 1340*time.Millisecond)
	near(t, "audio aligned", b.send(b.audio, time.Second, 0, true), 1300*time.Millisecond)
	near(t, "one that begins", b.send(&streamClock{clock: &b.clock, rate: 90_000}, 1100*time.Millisecond, time.Second, true), 1400*time.Millisecond)
}

// One that reports put later goes there by itself.
func TestClockLateReportsAhead(t *testing.T) {
	b := newBench()
	b.send(b.video, 0, 500*time.Millisecond, false)
	near(t, "audio by arrival", b.send(b.audio, 200*time.Millisecond, 400*time.Millisecond, false), 100*time.Millisecond)
	b.send(b.video, time.Second, 0, true)
	near(t, "audio aligned", b.send(b.audio, time.Second, 0, true), time.Second)
	near(t, "video goes on", b.send(b.video, 1040*time.Millisecond, 0, true), 1040*time.Millisecond)
}

// A drifting clock is followed without a step.
func TestClockDrift(t *testing.T) {
	b := newBench()
	b.send(b.video, 0, 0, true)
	b.send(b.audio, 0, 0, true)
	last := time.Duration(0)
	for i := 1; i <= 500; i++ {
		at := time.Duration(i) * 20 * time.Millisecond
		b.send(b.video, at, 0, true)
		// Its sample clock runs true, but reports see it 40 ms further on.
		wall := b.wall.Add(at + 40*time.Millisecond)
		timestamp := uint32(4_294_900_000) + uint32(int64(at)*48_000/int64(time.Second))
		pts := duration(b.audio.stamp(timestamp, b.begun.Add(at), wall))
		if step := pts - last; step < 19*time.Millisecond || step > 21*time.Millisecond {
			t.Fatalf("frame %d is %v behind the one before", i, step)
		}
		last = pts
	}
	if moved := last - 10*time.Second; moved < 8*time.Millisecond || moved > 25*time.Millisecond {
		t.Errorf("moved by %v in 10 s", moved)
	}
}

// Reports that put a stream far from the others mean nothing.
func TestClockNonsenseReports(t *testing.T) {
	b := newBench()
	b.send(b.video, 0, 0, true)
	b.send(b.audio, 0, 0, false)
	b.wall = b.wall.Add(40 * 365 * 24 * time.Hour)
	near(t, "audio", b.send(b.audio, time.Second, 0, true), time.Second)
	if b.audio.aligned {
		t.Error("aligned by nonsense")
	}
}

// A sender that begins anew, with other timestamps, goes on where time has.
func TestClockJump(t *testing.T) {
	b := newBench()
	b.send(b.video, 0, 0, false)
	b.send(b.video, 40*time.Millisecond, 0, false)
	pts := b.video.stamp(1_000_000, b.begun.Add(3*time.Second), time.Time{})
	near(t, "after the jump", duration(pts), 3*time.Second)
	// But a stall, after which everything comes at once, is none.
	b = newBench()
	b.send(b.video, 0, 0, false)
	near(t, "after a stall", b.send(b.video, 40*time.Millisecond, time.Minute, false), 40*time.Millisecond)
}

func TestReportOfAnother(t *testing.T) {
	r := report{set: true, ssrc: 7, timestamp: 10_000, ntp: time.Unix(100, 0)}
	if got := r.wall(8, 10_000, 90_000); !got.IsZero() {
		t.Errorf("another's report counts: %v", got)
	}
	if got := r.wall(7, 1<<32+10_000-45_000, 90_000); !got.Equal(time.Unix(99, 5e8)) {
		t.Errorf("half a second before: %v", got)
	}
	if got := (report{}).wall(0, 0, 90_000); !got.IsZero() {
		t.Errorf("no report: %v", got)
	}
}

func TestTicks(t *testing.T) {
	for _, d := range []time.Duration{0, time.Second, -90 * time.Second, 300 * 24 * time.Hour} {
		if got := duration(ticks(d)); got != d {
			t.Errorf("%v becomes %v", d, got)
		}
	}
	if got := ticks(1500 * time.Millisecond); got != ingest.Clock*3/2 {
		t.Errorf("1.5 s are %d", got)
	}
}
