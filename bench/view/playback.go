package view

import "time"

// playback models the buffer of a player: it begins when the target is there of every
// track, plays at the speed of life, stands still when one track has no more, and goes
// on when the target is there again. What is missing is played over: a hole costs its
// time and is no stall. It has no clock of its own.
type playback struct {
	target time.Duration
	tracks map[string]*played

	began   time.Time // When it played first; zero before.
	playing bool
	at      time.Time     // When it stood at position.
	place   time.Duration // Media played since the beginning.
	stood   time.Time     // Since when it stands still, once it has begun.

	stalls  int
	stalled time.Duration // The stalls that are over.
}

// played is how much there is of a track.
type played struct {
	base, end time.Duration // Media times: of the first item, and behind the last.
}

// leap is a step of a track's media time that means another timeline.
const leap = 10 * time.Second

// expect names the tracks that are played together.
func (p *playback) expect(name string) {
	if p.tracks == nil {
		p.tracks = make(map[string]*played)
	}
	if p.tracks[name] == nil {
		p.tracks[name] = nil
	}
}

// drop says that a track is over.
func (p *playback) drop(name string) { delete(p.tracks, name) }

// add takes what came of a track.
func (p *playback) add(name string, m media, now time.Time) {
	if m.end <= m.start {
		return
	}
	p.advance(now)
	t := p.tracks[name]
	switch {
	case t == nil:
		// One that joins later begins where the others are.
		p.tracks[name] = &played{base: m.start - p.place, end: m.end}
	case m.start-t.end > leap || t.end-m.start > leap:
		t.base += m.start - t.end
		t.end = m.end
	default:
		t.end = max(t.end, m.end)
		if p.began.IsZero() {
			t.base = min(t.base, m.start) // What was fetched comes behind what is live.
		}
	}
	if p.playing || p.there()-p.place < p.target {
		return
	}
	if p.began.IsZero() {
		p.began = now
	} else {
		p.stalled += now.Sub(p.stood)
	}
	p.playing, p.at = true, now
}

// there is the media that can be played, of the track that has least.
func (p *playback) there() time.Duration {
	least := time.Duration(-1)
	for _, t := range p.tracks {
		if t == nil {
			return 0
		}
		if d := t.end - t.base; least < 0 || d < least {
			least = d
		}
	}
	return max(least, 0)
}

// advance plays until now.
func (p *playback) advance(now time.Time) {
	if !p.playing {
		return
	}
	place, end := p.place+now.Sub(p.at), p.there()
	if place <= end {
		p.place, p.at = place, now
		return
	}
	p.playing = false
	p.stalls++
	p.stood = p.at.Add(end - p.place)
	p.place = end
}

// read gives the stalls until now, one that lasts included.
func (p *playback) read(now time.Time) (stalls int, length time.Duration) {
	p.advance(now)
	length = p.stalled
	if !p.playing && !p.began.IsZero() {
		length += now.Sub(p.stood)
	}
	return p.stalls, length
}
