package rtsp

import (
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/ntp"
	"github.com/pion/rtcp"

	"github.com/freshet-live/freshet/ingest"
)

const (
	// maxSkew is the most that sender reports may move a stream: streams that are
	// further apart than this have reports that mean nothing.
	maxSkew = 2 * ingest.Clock
	// deadZone is how exact sender reports are: many encoders round to 1 ms, and
	// nobody hears 5.
	deadZone = ingest.Clock / 200
	// slewRatio: 1 ms in a second of media is what drifting clocks are followed
	// by, without a step.
	slewRatio = 1000
	// A timestamp is a jump when it goes on by more than maxStep, and the time of
	// arrival by another amount: the sender began anew.
	maxStep  = 10 * ingest.Clock
	maxStray = 5 * ingest.Clock
)

// clock puts the streams of a session on one timeline in ticks of ingest.Clock,
// which is zero when the first packet comes. RTP timestamps of different streams
// have nothing in common (RFC 3550, section 5.1): until a sender report says what
// they mean, the time of arrival does.
type clock struct {
	started bool
	begun   time.Time // Of the timeline, by arrival.
	// leader is the first stream with a sender report. The others are put where
	// they belong beside it.
	leader *streamClock
	wall   time.Time // What the leader's sender calls the timeline's zero.
	later  int64     // What all streams were moved on by, not to move one back.
}

// streamClock is one stream on a clock.
type streamClock struct {
	clock *clock
	rate  int64 // Of the RTP timestamps.

	started bool
	prev    uint32
	elapsed int64 // Since the stream's first packet, in its own rate.
	offset  int64 // From there to the timeline, in ticks, but for clock.later.
	arrived time.Time
	// aligned: a sender report has put it beside the leader.
	aligned bool
}

// stamp gives the PTS of a timestamp. wall is what sender reports make of it,
// zero before the first.
func (s *streamClock) stamp(timestamp uint32, arrived, wall time.Time) int64 {
	c := s.clock
	if !c.started {
		c.started, c.begun = true, arrived
	}
	step := int64(int32(timestamp - s.prev))
	waited := ticks(arrived.Sub(s.arrived))
	first := !s.started
	if first {
		s.started = true
		step, waited = 0, 0
		s.offset = ticks(arrived.Sub(c.begun))
	}
	s.prev, s.arrived = timestamp, arrived
	s.elapsed += step
	step = s.ticks(step)
	if away := step - waited; abs(step) > maxStep && abs(away) > maxStray {
		s.offset -= away
		s.aligned = false
	}
	pts := s.ticks(s.elapsed) + s.offset + c.later
	if wall.IsZero() {
		return pts
	}
	moved := s.align(pts, step, wall)
	s.offset += moved
	if moved < -abs(step) && !first {
		c.moveOn(-moved)
		moved = 0
	}
	return pts + moved
}

// moveOn has all streams go ahead rather than one go back over what it said: a gap is
// played over, but who goes back is taken for one whose clock has jumped, and put
// where it was.
func (c *clock) moveOn(by int64) {
	c.later += by
	c.wall = c.wall.Add(-duration(by))
}

// align says how far pts is to be moved to where the sender reports see it.
func (s *streamClock) align(pts, step int64, wall time.Time) int64 {
	c := s.clock
	if c.leader == nil {
		c.leader = s
	}
	if c.leader == s {
		s.aligned = true
		c.wall = wall.Add(-duration(pts))
		return 0
	}
	away := ticks(wall.Sub(c.wall)) - pts
	switch {
	case abs(away) > maxSkew:
		return 0
	case !s.aligned:
		s.aligned = true
		return away
	case abs(away) <= deadZone:
		return 0
	}
	most := abs(step)/slewRatio + 1
	return max(-most, min(away, most))
}

// ticks converts from the stream's rate; the parts keep it from overflowing.
func (s *streamClock) ticks(v int64) int64 {
	return v/s.rate*ingest.Clock + v%s.rate*ingest.Clock/s.rate
}

func ticks(d time.Duration) int64 {
	s, rest := d/time.Second, d%time.Second
	return int64(s)*ingest.Clock + int64(rest)*ingest.Clock/int64(time.Second)
}

func duration(ticks int64) time.Duration {
	s, rest := ticks/ingest.Clock, ticks%ingest.Clock
	return time.Duration(s)*time.Second + time.Duration(rest)*time.Second/ingest.Clock
}

func abs(v int64) int64 { return max(v, -v) }

// report is what a sender report says (RFC 3550, section 6.4.1): its wall clock at
// an RTP timestamp. gortsplib keeps them, too, but drops one that comes before the
// first packet of its stream, and that is where many encoders send one.
type report struct {
	set       bool
	ssrc      uint32
	timestamp uint32
	ntp       time.Time
}

func newReport(r *rtcp.SenderReport) report {
	return report{true, r.SSRC, r.RTPTime, ntp.Decode(r.NTPTime)}
}

// wall is the sender's time of a packet; zero when nothing is known.
func (r report) wall(ssrc, timestamp uint32, rate int64) time.Time {
	if !r.set || r.ssrc != ssrc {
		return time.Time{}
	}
	since := int64(int32(timestamp - r.timestamp))
	return r.ntp.Add(time.Duration(since/rate)*time.Second + time.Duration(since%rate)*time.Second/time.Duration(rate))
}
