package swarm

import (
	"time"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// How a player that stood still catches up, when it gives a chunk up, and how much media
// it has before it shows the first picture.
const (
	catchUp     = .05
	giveUp      = 3 * time.Second
	startBuffer = 250 * time.Millisecond
)

// player is a model of what a viewer sees. A chunk is due a delay after it reached the
// edge; when it is not there whole the picture stands until it is, and later playback is
// faster until the delay is the old one. Before the first picture nothing is due: on a
// line twice as fast as the stream the group that runs when a viewer comes takes up to
// two seconds, peers or not, and the picture begins that much later.
type player struct {
	started bool
	delay   time.Duration // T.
	behind  time.Duration // How much later than T it plays, after stalls.
	at      time.Duration // When behind was right.
	next    int           // The chunk that is judged next.
	waits   bool          // It stands still for that chunk.
}

// lagging is how much later than T the picture is now.
func (p *player) lagging(now time.Duration) time.Duration {
	return max(0, p.behind-time.Duration(catchUp*float64(now-p.at)))
}

// deadline is when a chunk is displayed.
func (p *player) deadline(v *viewer, chunk int) time.Duration {
	return v.w.stream.chunks[chunk].at + p.delay + p.lagging(v.w.now)
}

// judge looks at the chunks that are due by now.
func (p *player) judge(v *viewer) {
	p.next = max(p.next, v.first)
	if !p.started && !p.start(v) {
		return
	}
	for p.next < len(v.w.stream.chunks) && p.deadline(v, p.next) <= v.w.now {
		if !p.chunk(v, p.next) {
			return
		}
		p.next++
	}
}

// start says whether there is a picture by now; from then on chunks are due.
func (p *player) start(v *viewer) bool {
	end := v.first + int(startBuffer/v.w.cfg.Chunk)
	if end >= len(v.w.stream.chunks) {
		return false
	}
	for i := v.first; i <= end; i++ {
		if _, missing := v.complete(i); missing {
			return false
		}
	}
	p.started = true
	due := p.deadline(v, v.first)
	v.w.start.AddDuration(max(due, v.w.now) - v.joined)
	if late := v.w.now - due; late > 0 {
		p.behind, p.at = late, v.w.now
		v.playout()
	}
	return true
}

// chunk judges one that is due, and says whether it is done with.
func (p *player) chunk(v *viewer, i int) bool {
	due, t := p.deadline(v, i), v.w.tally()
	last, missing := v.complete(i)
	if !p.waits {
		v.w.judge(v, i, due)
	}
	switch {
	case missing && v.w.now < due+giveUp:
		if !p.waits {
			v.stall()
		}
		return false
	case missing:
		t.lost++
		last = v.w.now
	case !p.waits && last > due: // It came between two looks.
		v.stall()
	}
	if p.waits {
		p.waits = false
		p.resume(v, max(last, due)-due)
	}
	return true
}

// stall: the picture stands still. Who does not play by the rules is not counted.
func (v *viewer) stall() {
	v.player.waits = true
	if v.part == nil {
		v.w.tally().stalls++
	}
	v.step(policy.Event{Kind: policy.EventStall})
}

// resume goes on after a stall of some length.
func (p *player) resume(v *viewer, stood time.Duration) {
	v.w.tally().stood += stood
	p.behind, p.at = p.lagging(v.w.now)+stood, v.w.now
	v.playout()
}

// complete says when the last piece of a chunk came, and whether any is missing.
func (v *viewer) complete(i int) (last time.Duration, missing bool) {
	ch := &v.w.stream.chunks[i]
	for p := ch.piece; p < ch.piece+len(ch.sizes); p++ {
		if v.came[p] == 0 {
			missing = true
			continue
		}
		last = max(last, v.cameAt(p))
	}
	return last, missing
}

// playout tells the Brain when media is displayed.
func (v *viewer) playout() {
	p := &v.player
	v.step(policy.Event{Kind: policy.EventPlayout, Offset: v.w.cfg.Chunk + p.delay + p.lagging(v.w.now) - v.w.now})
}
