package client

import (
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

// Playback.
const (
	// giveUp is how long a chunk is waited for after its deadline, while the picture
	// stands still.
	giveUp = 2 * time.Second
	// keepPlayed is how long chunks are kept that were played, for peers.
	keepPlayed = 3 * time.Second
	// slew is how much faster than real time lost time is made good, as a player
	// does that plays a little faster.
	slew = 0.05
	// leadSpan is how long an arrival counts for the least way from the packager.
	leadSpan = 10 * time.Second
)

// Chunk is a chunk that is due.
type Chunk struct {
	Group, Object uint64
	// PTS is the presentation time of its first sample, on the broadcast's timeline.
	PTS time.Duration
	// Deadline is when that is displayed.
	Deadline time.Time
	// Late is by how much the last byte missed it; zero when it did not.
	Late time.Duration
	// Payload is the chunk, verified. It is nil when it did not come: the picture
	// stood still, and went on behind it.
	Payload []byte
}

// playout is the clock of what is displayed: media time 0 is displayed at offset,
// as since the viewer's start. A beacon comes at once after its chunk has reached
// the edge, so the least of arrival - PTS, and the delay, is that clock.
type playout struct {
	delay time.Duration // T.
	known bool
	lead  leastOf
	// offset is where the clock is, target where it would be.
	offset, target time.Duration
	playing        bool
	told           time.Duration // The offset that the policy knows.

	stalled   bool
	moved     time.Duration // When the clock was looked at.
	stallTime time.Duration // Since it was taken.
	takenAt   time.Duration
}

// leastOf is the least of the values of some time, forgotten in two steps.
type leastOf struct {
	now, before time.Duration
	since       time.Duration
	any         bool
}

func (l *leastOf) add(at, v time.Duration) time.Duration {
	if !l.any {
		*l = leastOf{now: v, before: v, since: at, any: true}
	}
	if at-l.since > leadSpan {
		l.before, l.now, l.since = l.now, v, at
	}
	l.now = min(l.now, v)
	return min(l.now, l.before)
}

// beacon takes a beacon's arrival. It tells whether the clock has changed.
func (p *playout) beacon(at, pts time.Duration) bool {
	p.target = p.lead.add(at, at-pts) + p.delay
	if !p.playing {
		p.offset, p.known = p.target, true
	}
	return p.changed()
}

// changed tells whether the policy should hear of the clock again.
func (p *playout) changed() bool {
	d := p.offset - p.told
	return p.known && (d >= time.Millisecond || d <= -time.Millisecond)
}

// move brings the clock nearer to where it would be.
func (p *playout) move(now time.Duration) {
	step := time.Duration(float64(now-p.moved) * slew)
	p.moved = now
	if !p.playing || p.stalled {
		return
	}
	p.offset += min(max(p.target-p.offset, -step), step)
}

// deadline is when a chunk is displayed.
func (p *playout) deadline(c *chunk) time.Duration { return c.beacon.PTS + p.offset }

// latency is how long after its arrival at the edge a chunk is displayed.
func (p *playout) latency() time.Duration { return p.delay + p.offset - p.target }

func (p *playout) takeStallTime() time.Duration {
	d := p.stallTime
	p.stallTime = 0
	return d
}

func (p *playout) takePlayTime(now time.Duration) time.Duration {
	d := now - p.takenAt
	p.takenAt = now
	if !p.playing {
		return 0
	}
	return d
}

// tellPlayout tells the policy where the clock is.
func (m *machine) tellPlayout(now time.Time) {
	p := &m.playout
	p.told = p.offset
	m.v.count(func(s *Stats) { s.Delay = p.latency() })
	m.step(now, swarm.Event{Kind: swarm.EventPlayout, Offset: p.offset - m.since(now)})
}

// play hands out what is due.
func (m *machine) play(at time.Time) {
	now := m.since(at)
	m.playout.move(now)
	for c := m.store.head(); c != nil && m.playChunk(at, now, c); c = m.store.head() {
		if m.store.pass() && m.playout.playing {
			m.v.count(func(s *Stats) { s.Missing++ })
		}
	}
	m.store.prune(now - m.playout.offset - keepPlayed)
	if m.playout.changed() {
		m.tellPlayout(at)
	}
}

// playChunk hands the next chunk out when its time has come; false when it has not,
// or when it is waited for.
func (m *machine) playChunk(at time.Time, now time.Duration, c *chunk) bool {
	p := &m.playout
	due := p.deadline(c)
	switch {
	case now < due:
		return false
	case c.missing > 0:
		return m.await(at, now, due, c)
	}
	late := max(0, m.since(c.complete)-due)
	switch {
	case !p.playing && late > 0:
		m.v.count(func(s *Stats) { s.Preroll++ })
	case late > 0:
		m.stalls(at)
		m.resume(now - due)
		m.v.count(func(s *Stats) { s.Late++ })
	default:
		p.playing = true
		m.v.count(func(s *Stats) { s.OnTime++ })
	}
	m.hand(c, due, late, c.payload())
	return true
}

// await is at a chunk that is not there: the picture stands still, for so long.
func (m *machine) await(at time.Time, now, due time.Duration, c *chunk) bool {
	p := &m.playout
	if p.playing {
		m.stalls(at)
	}
	if now < due+giveUp {
		return false
	}
	if p.playing {
		m.resume(now - due)
		m.v.count(func(s *Stats) { s.Missing++ })
	}
	m.hand(c, due, now-due, nil)
	return true
}

// stalls tells that the picture stands still, once.
func (m *machine) stalls(at time.Time) {
	if m.playout.stalled {
		return
	}
	m.playout.stalled = true
	m.v.count(func(s *Stats) { s.Stalls++ })
	m.step(at, swarm.Event{Kind: swarm.EventStall})
}

// resume goes on after a stall: all that follows is displayed later by it, until it
// has been made good.
func (m *machine) resume(late time.Duration) {
	p := &m.playout
	p.stalled = false
	p.offset += late
	p.stallTime += late
	m.v.count(func(s *Stats) { s.StallTime += late })
}

// hand gives a chunk to Next, in place of the oldest when nobody takes them.
func (m *machine) hand(c *chunk, due, late time.Duration, payload []byte) {
	out := Chunk{
		Group: c.beacon.Group, Object: c.beacon.Chunk, PTS: c.beacon.PTS,
		Deadline: m.start.Add(due), Late: late, Payload: payload,
	}
	for {
		select {
		case m.v.chunks <- out:
			return
		default:
		}
		select {
		case <-m.v.chunks:
			m.v.count(func(s *Stats) { s.Dropped++ })
		default:
		}
	}
}
