package packager

import (
	"time"

	"github.com/freshet-live/freshet/ingest"
)

// The limits of what is taken for a jump, in ticks of ingest.Clock.
const (
	maxForward = 5 * ingest.Clock
	// maxUnrelated: a stream that begins so far from the others has a clock of
	// its own.
	maxUnrelated = 10 * ingest.Clock
	// maxComposition bounds PTS less DTS: 16 pictures of reordering at 10 fps.
	maxComposition = 2 * ingest.Clock
	// gapTolerance is how well a silence must fit the wall clock to be believed.
	gapTolerance = ingest.Clock
	// consistentFrames make a new mapping of what began as an outlier.
	consistentFrames = 3
)

// Reasons of rebases: the closed set of label values.
const (
	rebaseReconnect = "reconnect" // A publisher began with clocks of its own.
	rebaseJump      = "jump"      // The clocks jumped and stayed there.
	rebaseOutlier   = "outlier"   // One or two units were stamped anew.
	rebaseUnrelated = "unrelated" // A stream has a clock of its own.
	rebaseOverlap   = "overlap"   // The mapping was moved on, not to go back.
)

// timeline maps the PTS and DTS of a contribution onto the media timeline of
// the broadcast: ticks of ingest.Clock on the Unix epoch, one for all streams,
// rising across jumps and reconnects. The offset between audio and video is
// kept, because all streams share one mapping and follow each other to the next.
type timeline struct {
	onRebase func(reason string)

	delay   time.Duration
	mapping *mapping // The newest; nil until the first unit after begin.
	clocks  []clock  // By slot.
}

// mapping is an offset: media time less contribution time.
type mapping struct{ offset int64 }

// clock is the state of one stream.
type clock struct {
	mapping *mapping // nil until the first unit after begin.
	lastOut int64    // DTS of the newest unit, in media time.
	maxPTS  int64    // The highest PTS handed out.
	arrived time.Time
	started bool // lastOut and maxPTS count.
	cadence cadence
	jump    candidate
}

// candidate is a mapping that some units ask for.
type candidate struct {
	frames int
	lastIn int64
	offset int64
}

// stamp is what the timeline needs of an access unit.
type stamp struct {
	pts, dts int64
	random   bool
	audio    bool
	arrived  time.Time
	// frame is the nominal duration, 0 when unknown.
	frame int64
}

// placed is a stamp in media time. delta is how long the unit is expected to
// last.
type placed struct {
	pts, dts, delta int64
}

// begin starts a contribution whose bytes the transport holds back for delay.
func (t *timeline) begin(delay time.Duration) {
	t.delay = delay
	t.mapping = nil
	for i := range t.clocks {
		t.clocks[i].mapping = nil
		t.clocks[i].jump = candidate{}
	}
}

// clock gives the state of a slot.
func (t *timeline) clock(slot int) *clock {
	for len(t.clocks) <= slot {
		t.clocks = append(t.clocks, clock{})
	}
	return &t.clocks[slot]
}

// place maps a unit of the stream in slot.
func (t *timeline) place(slot int, s stamp) placed {
	c := t.clock(slot)
	c.cadence.audio = s.audio
	c.cadence.suggest(s.frame)
	composition := s.pts - s.dts
	if composition > maxComposition || composition < -maxComposition {
		composition = max(0, min(c.maxPTS-c.lastOut, ingest.Clock))
		t.onRebase(rebaseOutlier)
	}
	var dts int64
	if c.mapping == nil {
		dts = t.enter(c, s, composition)
	} else {
		dts = t.follow(c, s, composition)
	}
	if c.started {
		dts = max(dts, c.lastOut+1)
		c.cadence.observe(dts - c.lastOut)
	}
	pts := dts + composition
	if c.jump.frames == 0 {
		// The PTS is exact even where the DTS had to give way.
		pts = s.dts + composition + c.mapping.offset
	}
	if !c.started {
		c.maxPTS = pts
	}
	c.started = true
	c.maxPTS = max(c.maxPTS, pts)
	c.lastOut, c.arrived = dts, s.arrived
	return placed{pts: pts, dts: dts, delta: c.cadence.delta}
}

// enter puts the first unit of a stream on the current mapping, or makes one.
func (t *timeline) enter(c *clock, s stamp, composition int64) int64 {
	if t.mapping == nil {
		wall := ticks(s.arrived.Add(-t.delay))
		t.mapping = &mapping{offset: max(wall, t.end()) - s.dts}
		c.mapping = t.mapping
		if t.running() {
			t.onRebase(rebaseReconnect)
		}
		return t.pushOn(c, s, composition)
	}
	c.mapping = t.mapping
	dts := s.dts + c.mapping.offset
	if d := dts - t.newest(s.arrived); d > maxUnrelated || d < -maxUnrelated {
		wall := max(ticks(s.arrived.Add(-t.delay)), c.end())
		c.mapping = &mapping{offset: wall - s.dts}
		t.onRebase(rebaseUnrelated)
		return wall
	}
	return t.pushOn(c, s, composition)
}

// follow maps a unit of a running stream and looks for jumps.
func (t *timeline) follow(c *clock, s stamp, composition int64) int64 {
	if t.missingDTS(c, s) {
		return c.lastOut + c.cadence.delta
	}
	if t.continues(c, s) {
		if c.jump.frames > 0 {
			t.onRebase(rebaseOutlier)
			c.jump = candidate{}
		}
		return s.dts + c.mapping.offset
	}
	if c.mapping != t.mapping && t.explains(c, s) {
		c.mapping, c.jump = t.mapping, candidate{}
		return t.pushOn(c, s, composition)
	}
	return t.suspect(c, s, composition)
}

// missingDTS recognises a unit whose PES carried a PTS alone in a stream that
// reorders: its DTS reads as its PTS, ahead of its turn.
func (t *timeline) missingDTS(c *clock, s stamp) bool {
	reorders := c.maxPTS > c.lastOut
	ahead := s.dts + c.mapping.offset - c.lastOut
	return reorders && s.pts == s.dts && ahead > c.cadence.delta*3/2 && ahead < ingest.Clock
}

// continues tells whether a unit fits the stream's mapping: at most five
// seconds on, at most one frame back, or later by as much as the wall clock.
func (t *timeline) continues(c *clock, s stamp) bool {
	d := s.dts + c.mapping.offset - c.lastOut
	if d >= -c.cadence.delta && d <= maxForward {
		return true
	}
	silence := toTicks(s.arrived.Sub(c.arrived))
	return d > 0 && d-silence < gapTolerance && silence-d < gapTolerance
}

// explains tells whether the newest mapping, which another stream started,
// makes a jump continuous.
func (t *timeline) explains(c *clock, s stamp) bool {
	if t.mapping == nil {
		return false
	}
	d := s.dts + t.mapping.offset - c.lastOut
	return d >= -maxForward && d <= maxForward
}

// suspect stamps a unit that jumped as if it had followed the one before. Some
// that agree with each other start a new mapping.
func (t *timeline) suspect(c *clock, s stamp, composition int64) int64 {
	since := s.dts - c.jump.lastIn
	if c.jump.frames == 0 || since < -c.cadence.delta || since > maxForward {
		next := c.lastOut + t.advance(c, s)
		if s.random {
			// Pictures after it come later than all before.
			next = max(next, c.maxPTS+c.cadence.delta-composition)
		}
		c.jump = candidate{offset: next - s.dts}
	}
	c.jump.frames++
	c.jump.lastIn = s.dts
	dts := s.dts + c.jump.offset
	if c.jump.frames == consistentFrames {
		t.mapping = &mapping{offset: c.jump.offset}
		c.mapping, c.jump = t.mapping, candidate{}
		t.onRebase(rebaseJump)
	}
	return dts
}

// advance is how far a unit that jumped is put after the last: one frame, or
// the silence before it.
func (t *timeline) advance(c *clock, s stamp) int64 {
	if silence := toTicks(s.arrived.Sub(c.arrived)); silence > ingest.Clock {
		return silence
	}
	return c.cadence.delta
}

// pushOn moves the newest mapping on when the stream would go back by more than
// a frame on it. Others have a gap then, which is better than an overlap. Audio
// is not worth that: its late frames are dropped.
func (t *timeline) pushOn(c *clock, s stamp, composition int64) int64 {
	dts := s.dts + c.mapping.offset
	if !c.started || s.audio {
		return dts
	}
	back := c.lastOut + c.cadence.delta - dts
	if s.random {
		back = max(back, c.maxPTS+c.cadence.delta-(dts+composition))
	}
	if back > c.cadence.delta {
		t.mapping = &mapping{offset: c.mapping.offset + back}
		for i := range t.clocks {
			if t.clocks[i].mapping == c.mapping && &t.clocks[i] != c {
				t.clocks[i].mapping = t.mapping
			}
		}
		c.mapping = t.mapping
		t.onRebase(rebaseOverlap)
		return dts + back
	}
	return dts
}

// end is where the streams have come to.
func (t *timeline) end() int64 {
	var end int64
	for i := range t.clocks {
		end = max(end, t.clocks[i].end())
	}
	return end
}

func (c *clock) end() int64 {
	if !c.started {
		return 0
	}
	return max(c.lastOut, c.maxPTS) + c.cadence.delta
}

func (t *timeline) running() bool {
	for i := range t.clocks {
		if t.clocks[i].started {
			return true
		}
	}
	return false
}

// newest is the latest time on the current mapping, or now.
func (t *timeline) newest(arrived time.Time) int64 {
	var newest int64
	for i := range t.clocks {
		if c := &t.clocks[i]; c.started && c.mapping == t.mapping {
			newest = max(newest, c.lastOut)
		}
	}
	if newest == 0 {
		return ticks(arrived.Add(-t.delay))
	}
	return newest
}

// ticks is t on the media timeline.
func ticks(t time.Time) int64 {
	return t.Unix()*ingest.Clock + toTicks(time.Duration(t.Nanosecond()))
}

func toTicks(d time.Duration) int64 {
	seconds, rest := d/time.Second, d%time.Second
	return int64(seconds)*ingest.Clock + int64(rest)*ingest.Clock/int64(time.Second)
}
