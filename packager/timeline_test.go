package packager

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
)

// contribution simulates an encoder: 30 pictures a second with B-frames and
// AAC, whose clocks can be set anew at any time.
type contribution struct {
	t   testing.TB
	tl  timeline
	now time.Time

	source  int64 // True media time of the encoder, never disturbed.
	picture int64
	frame   int64
	shift   [2]int64 // Contribution time less true time, of video and audio.
	last    [2]int64
	maxPTS  int64
	offset  [2]int64 // Media time handed out less true time.
	reasons map[string]int
}

const (
	slotVideo = 0
	slotAudio = 1
	picStep   = 3000
	aacStep   = 1920
)

// reorder is PTS less DTS within a mini GOP of I/P b B b, in pictures.
var reorder = [...]int64{4, 2, 0, 0}

func newContribution(tb testing.TB, start int64) *contribution {
	tb.Helper()
	c := &contribution{
		t: tb, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		shift: [2]int64{start, start}, reasons: make(map[string]int),
	}
	c.tl.onRebase = func(r string) { c.reasons[r]++ }
	c.tl.begin(100 * time.Millisecond)
	return c
}

// run makes n pictures and the audio that belongs to them. Each unit goes
// through edit, which may disturb it.
func (c *contribution) run(n int, edit func(slot int, s *stamp)) {
	c.t.Helper()
	for range n {
		dts := c.source
		gop := c.picture % 60
		s := stamp{dts: dts, pts: dts + (reorder[gop%4]+1)*picStep, random: gop == 0, arrived: c.now, frame: picStep}
		c.put(slotVideo, s, edit)
		for ; c.frame*aacStep < dts+picStep; c.frame++ {
			a := c.frame * aacStep
			c.put(slotAudio, stamp{dts: a, pts: a, random: true, audio: true, arrived: c.now, frame: aacStep}, edit)
		}
		c.source += picStep
		c.picture++
		c.now = c.now.Add(time.Second / 30)
	}
}

func (c *contribution) put(slot int, s stamp, edit func(int, *stamp)) {
	c.t.Helper()
	truth := s.dts
	s.dts += c.shift[slot]
	s.pts += c.shift[slot]
	if edit != nil {
		edit(slot, &s)
	}
	p := c.tl.place(slot, s)
	if p.dts <= c.last[slot] {
		c.t.Fatalf("slot %d: dts %d after %d", slot, p.dts, c.last[slot])
	}
	if slot == slotVideo {
		if s.random && p.pts <= c.maxPTS {
			c.t.Fatalf("random access point at %d, shown until %d", p.pts, c.maxPTS)
		}
		c.maxPTS = max(c.maxPTS, p.pts)
	}
	if p.delta <= 0 || p.delta > ingest.Clock {
		c.t.Fatalf("slot %d: predicts %d", slot, p.delta)
	}
	wall := ticks(c.now.Add(-100 * time.Millisecond))
	if d := p.dts - wall; d > ingest.Clock || d < -ingest.Clock {
		c.t.Fatalf("slot %d: %d ticks off the wall clock", slot, d)
	}
	c.last[slot] = p.dts
	c.offset[slot] = p.dts - truth
}

// synchronous checks that audio and video are where they were to each other.
func (c *contribution) synchronous() {
	c.t.Helper()
	if d := c.offset[0] - c.offset[1]; d > picStep || d < -picStep {
		c.t.Fatalf("audio and video are %d ticks apart", d)
	}
}

func (c *contribution) jump(by int64) {
	c.shift[0] += by
	c.shift[1] += by
}

func (c *contribution) want(reasons map[string]int) {
	c.t.Helper()
	if fmt.Sprint(c.reasons) != fmt.Sprint(reasons) {
		c.t.Errorf("rebases %v, want %v", c.reasons, reasons)
	}
}

func TestTimelineSteady(t *testing.T) {
	c := newContribution(t, 1<<33-30*ingest.Clock) // The 33-bit counter wraps at 30 s.
	c.run(3000, nil)
	c.synchronous()
	c.want(map[string]int{})
	if c.offset[0] != c.offset[1] {
		t.Errorf("offsets %v", c.offset)
	}
}

// TestTimelineJumps sets both clocks to other values, at the same unit and some
// units apart.
func TestTimelineJumps(t *testing.T) {
	for _, by := range []int64{-1 << 32, -90 * ingest.Clock, -ingest.Clock, 6 * ingest.Clock, 1 << 40} {
		for _, apart := range []int{-7, -2, 0, 1, 5, 20} {
			for at := range 8 {
				t.Run(fmt.Sprintf("%d_%d_%d", by, apart, at), func(t *testing.T) {
					c := newContribution(t, 1<<32+5)
					c.run(120+at, nil)
					first, second := slotVideo, slotAudio
					if apart < 0 {
						first, second, apart = slotAudio, slotVideo, -apart
					}
					c.shift[first] += by
					c.run(apart, nil)
					c.shift[second] += by
					c.run(120, nil)
					c.synchronous()
					if c.reasons[rebaseJump] != 1 {
						t.Errorf("rebases %v", c.reasons)
					}
				})
			}
		}
	}
}

// TestTimelineOutliers disturbs single units, which must not move the others.
func TestTimelineOutliers(t *testing.T) {
	for _, by := range []int64{-1 << 33, -10 * ingest.Clock, 20 * ingest.Clock, 1 << 35} {
		c := newContribution(t, 1<<32)
		c.run(60, nil)
		before := c.offset
		n := 0
		c.run(300, func(slot int, s *stamp) {
			if n++; n%40 == 7 {
				s.dts += by
				s.pts += by
			}
		})
		c.run(10, nil)
		if c.offset != before {
			t.Errorf("by %d: offsets %v, want %v", by, c.offset, before)
		}
		if c.reasons[rebaseJump] != 0 || c.reasons[rebaseOutlier] == 0 {
			t.Errorf("by %d: rebases %v", by, c.reasons)
		}
	}
}

// TestTimelinePTSOutlier disturbs the PTS alone.
func TestTimelinePTSOutlier(t *testing.T) {
	c := newContribution(t, 0)
	c.run(60, nil)
	before := c.offset
	c.run(60, func(slot int, s *stamp) {
		if slot == slotVideo && s.dts%(30*picStep) == 7*picStep {
			s.pts += 1 << 32
		}
	})
	if c.offset != before {
		t.Errorf("offsets %v, want %v", c.offset, before)
	}
}

// TestTimelineReconnect begins contributions with clocks of their own after
// silences of all lengths.
func TestTimelineReconnect(t *testing.T) {
	for _, silence := range []time.Duration{0, 50 * time.Millisecond, time.Second, 25 * time.Second} {
		c := newContribution(t, 1<<32)
		c.run(100, nil)
		c.now = c.now.Add(silence)
		c.tl.begin(100 * time.Millisecond)
		c.jump(-1<<32 + 12345)
		c.picture = 0
		c.run(100, nil)
		c.synchronous()
		if c.reasons[rebaseReconnect] != 1 {
			t.Errorf("after %v: rebases %v", silence, c.reasons)
		}
	}
}

// TestTimelineOverlap begins a contribution whose clock is behind where the last
// one had come to, and whose audio comes first and ahead of its video.
func TestTimelineOverlap(t *testing.T) {
	c := newContribution(t, 1<<32)
	c.run(100, nil)
	end := max(c.last[slotVideo], c.last[slotAudio])
	c.tl.begin(900 * time.Millisecond)
	a := stamp{dts: 50_000, pts: 50_000, random: true, audio: true, arrived: c.now, frame: aacStep}
	if got := c.tl.place(slotAudio, a); got.pts <= end {
		t.Errorf("audio goes on at %d, all had come to %d", got.pts, end)
	}
	v := stamp{dts: 5_000, pts: 8_000, random: true, arrived: c.now, frame: picStep}
	got := c.tl.place(slotVideo, v)
	if got.pts <= c.maxPTS || got.dts <= c.last[slotVideo] {
		t.Errorf("video goes on at %d, it was shown until %d", got.pts, c.maxPTS)
	}
	if c.reasons[rebaseOverlap] != 1 {
		t.Errorf("rebases %v", c.reasons)
	}
	a.dts, a.pts = a.dts+aacStep, a.pts+aacStep
	if late := c.tl.place(slotAudio, a); late.dts-got.dts != a.dts-v.dts {
		t.Errorf("audio is %d ticks from video, want %d", late.dts-got.dts, a.dts-v.dts)
	}
}

// TestTimelineSameDTS stamps two units alike.
func TestTimelineSameDTS(t *testing.T) {
	c := newContribution(t, 1<<32)
	n := 0
	c.run(60, func(slot int, s *stamp) {
		if slot != slotVideo {
			return
		}
		if n++; n%10 == 7 {
			s.dts -= picStep
		}
	})
	c.want(map[string]int{})
}

// TestTimelineSilence has the encoder go silent and go on with the same clock:
// the time is real and stays.
func TestTimelineSilence(t *testing.T) {
	c := newContribution(t, 1<<32)
	c.run(100, nil)
	before := c.offset
	c.now = c.now.Add(20 * time.Second)
	c.source += 20 * ingest.Clock
	c.frame += 20 * ingest.Clock / aacStep
	c.run(100, nil)
	if c.offset != before {
		t.Errorf("offsets %v, want %v", c.offset, before)
	}
	c.want(map[string]int{})
}

// TestTimelineMissingDTS takes the DTS from every fifth picture, as a PES with a
// PTS alone does.
func TestTimelineMissingDTS(t *testing.T) {
	c := newContribution(t, 1<<32)
	c.run(60, nil)
	before := c.offset
	n := 0
	c.run(240, func(slot int, s *stamp) {
		if n++; slot == slotVideo && n%5 == 0 {
			s.dts = s.pts
		}
	})
	c.run(10, nil)
	if c.offset != before {
		t.Errorf("offsets %v, want %v", c.offset, before)
	}
	c.want(map[string]int{})
}

// TestTimelineRandom mixes everything.
func TestTimelineRandom(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := newContribution(t, r.Int64N(1<<33))
		for range 8 {
			c.run(30+r.IntN(60), nil)
			switch r.IntN(4) {
			case 0:
				c.jump(r.Int64N(1<<36) + 6*ingest.Clock)
			case 1:
				c.jump(-r.Int64N(1<<36) - 2*ingest.Clock)
			case 2:
				c.now = c.now.Add(time.Duration(r.Int64N(int64(30 * time.Second))))
				c.tl.begin(100 * time.Millisecond)
				c.jump(r.Int64N(1 << 33))
			case 3:
				bad := r.Int64N(1 << 40)
				once := r.IntN(40)
				c.run(20, func(_ int, s *stamp) {
					if once--; once == 0 {
						s.dts += bad
						s.pts += bad
					}
				})
			}
			c.run(30, nil)
			c.synchronous()
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
