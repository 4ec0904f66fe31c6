package mpegts

import (
	"slices"

	"github.com/freshet-live/freshet/ingest"
)

const (
	clockBits = 33
	clockWrap = int64(1) << clockBits
	// maxStep is the longest step back that is taken for a fault of one
	// timestamp and repaired. Longer ones are jumps, which stay in.
	maxStep = ingest.Clock
)

// clock unwraps the 33 bit timestamps of all streams of a program against one
// reference, so that they agree on the wrap.
type clock struct {
	ref     int64
	running bool
}

// unwrap gives the value nearest to the one before, whichever stream had that.
func (c *clock) unwrap(ts int64) int64 {
	if !c.running {
		c.running, c.ref = true, ts
		return ts
	}
	c.ref += wrapDiff(ts, c.ref)
	return c.ref
}

// wrapDiff is a-b around the 33 bit circle, within half of it.
func wrapDiff(a, b int64) int64 {
	d := (a - b) & (clockWrap - 1)
	if d >= clockWrap/2 {
		d -= clockWrap
	}
	return d
}

// times are the timestamps of a PES, unwrapped.
type times struct {
	pts, dts       int64
	hasPTS, hasDTS bool
}

// maxMarks bounds the PES begins remembered for bytes not yet consumed.
const maxMarks = 256

type mark struct {
	pos int64
	ts  times
}

// marks remembers at which byte of an elementary stream each PES began.
type marks []mark

func (m *marks) add(pos int64, ts times) {
	if n := len(*m); n > 0 && (*m)[n-1].pos == pos {
		(*m)[n-1].ts = ts
		return
	}
	if len(*m) == maxMarks {
		*m = slices.Delete(*m, 0, 1)
	}
	*m = append(*m, mark{pos, ts})
}

// at tells whether a PES began at byte pos.
func (m *marks) at(pos int64) bool {
	return slices.ContainsFunc(*m, func(k mark) bool { return k.pos == pos })
}

// take gives the timestamps of the PES in which byte pos lies, once: they belong
// to the first access unit that begins in it (ISO/IEC 13818-1, 2.4.3.7).
func (m *marks) take(pos int64) times {
	var ts times
	n := 0
	for n < len(*m) && (*m)[n].pos <= pos {
		ts = (*m)[n].ts
		n++
	}
	*m = append((*m)[:0], (*m)[n:]...)
	return ts
}

// sampleClock turns the times of PES into those of access units.
type sampleClock struct {
	pts, dts int64 // Of the access unit before.
	step     int64 // Between the decode times of the two before.
	running  bool
	reorders bool // PTS and DTS were seen to differ.
}

// video gives a picture's times. One without is a step behind the one before;
// ticks is that step when none was seen. It is not ok while no time is known.
func (c *sampleClock) video(ts times, ticks int64, t *tally) (pts, dts int64, ok bool) {
	if !ts.hasPTS && !c.running {
		t.error(ErrorTimestamp)
		return 0, 0, false
	}
	next := c.dts + c.stepOr(ticks)
	switch {
	case !ts.hasPTS:
		dts, pts = next, next+c.pts-c.dts
	case !ts.hasDTS:
		// Then it equals the PTS (ISO/IEC 13818-1, 2.4.3.7); but where pictures
		// are reordered that can be an encoder's omission.
		if dts, pts = ts.pts, ts.pts; c.reorders && dts > next && dts-next <= maxStep {
			dts = next
			t.error(ErrorTimestamp)
		}
	default:
		dts, pts = ts.dts, ts.pts
		c.reorders = c.reorders || dts != pts
	}
	switch delta := dts - c.dts; {
	case !c.running:
	case delta <= 0 && delta > -maxStep:
		t.error(ErrorTimestamp)
		dts = c.dts + 1
	case delta > 0 && delta < maxStep && ts.hasPTS:
		c.step = delta
	}
	c.pts, c.dts, c.running = pts, dts, true
	return pts, dts, true
}

func (c *sampleClock) stepOr(ticks int64) int64 {
	switch {
	case c.step > 0:
		return c.step
	case ticks > 0:
		return ticks
	default:
		return ingest.Clock / 25
	}
}
