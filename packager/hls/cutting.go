package hls

import (
	"time"

	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/relay"
)

// take puts an object into its rendition. lead says that the rendition makes
// the cuts.
func (f *follower) take(r *Rendition, item relay.Item, lead bool) {
	info, err := cmaf.ParseChunk(item.Object.Payload)
	if err != nil || info.Samples == 0 || info.Duration/r.source.timescale > maxChunkSeconds {
		f.p.metrics.malformed.Inc()
		return
	}
	c := newChunk(item, info, r.source.timescale)
	if c.duration < 0 {
		f.p.metrics.malformed.Inc()
		return
	}
	if c.first {
		r.previous, r.group = r.group, 0
	}
	if !r.started {
		if !f.start(r, c) {
			return
		}
	} else {
		if f.late(r, c) {
			f.p.metrics.late.Inc()
			return
		}
		jumped := f.jumped(r, c)
		jumped = !f.catchUp(r, c, jumped) && jumped
		if lead {
			f.lead(r, c)
		} else {
			f.follow(r, c, jumped || r.header != r.source.header)
		}
	}
	if lead || f.time().group == 0 {
		f.time().group = max(f.time().group, c.group)
	}
	r.add(c, f.time().part)
}

// maxChunkSeconds refuses chunks whose boxes lie about time.
const maxChunkSeconds = 60

func (f *follower) time() *timeline { return &f.p.timeline }

// start begins a rendition at its first independent chunk, in the segment that
// the others are in.
func (f *follower) start(r *Rendition, c chunk) bool {
	if !c.independent {
		return false
	}
	t := f.time()
	if !t.started() {
		t.begin(c.group, c.at, f.p.cfg.SegmentDuration)
		f.settlePart(r, c.duration)
	}
	at, ok := t.containing(c.group, c.at)
	if !ok {
		return false
	}
	r.header, r.frame = r.source.header, c.duration
	r.cut(at, c.at, at.discontinuity)
	return true
}

// catchUp applies the cuts that were made and that the chunk, which may have
// jumped, is behind. A segment that the rendition has nothing for becomes a gap.
// It tells whether one of the cuts is a discontinuity.
func (f *follower) catchUp(r *Rendition, c chunk, jumped bool) (discontinuity bool) {
	t := f.time()
	for {
		next, ok := t.find(r.msn() + 1)
		if !ok || !next.reached(c.group, c.at) {
			return discontinuity
		}
		discontinuity = discontinuity || next.discontinuity
		r.header = r.source.header
		at := c.at
		after, ok := t.find(next.msn + 1)
		if ok && after.reached(c.group, c.at) || jumped && !discontinuity {
			at = r.silence(next.at)
		}
		r.cut(next, at, next.discontinuity)
	}
}

// lead decides whether a segment of all renditions ends before the chunk.
func (f *follower) lead(r *Rendition, c chunk) {
	t := f.time()
	next := cut{group: c.group, at: c.at, byTime: !c.first}
	empty := r.openDuration() == 0
	switch {
	case r.header != r.source.header, f.jumped(r, c):
		next.discontinuity = true
	case c.first && c.independent && f.complete(r):
	case !empty && r.openDuration()+c.duration > f.p.limit():
		next.byTime = true
	default:
		return
	}
	f.settle(r)
	next = t.add(next)
	r.header = r.source.header
	if r.msn() < next.msn {
		r.cut(next, c.at, next.discontinuity)
	}
}

// late tells whether a chunk belongs before the open segment: its time was covered
// by a gap while nothing came (fillGaps), and that is in the playlist.
func (f *follower) late(r *Rendition, c chunk) bool {
	if n := len(r.kept); n == 0 || !r.kept[n-1].Gap {
		return false
	}
	at, ok := f.time().find(r.msn())
	return ok && !at.reached(c.group, c.at) && c.at.Before(r.open.Start)
}

// jumped tells whether the media time is not where the last chunk ended: then
// the decoders and PROGRAM-DATE-TIME start again.
func (f *follower) jumped(r *Rendition, c chunk) bool {
	expected := r.expected
	if r.openDuration() == 0 {
		expected = r.open.Start
	}
	return c.at.Sub(expected).Abs() > f.p.cfg.PartDuration
}

// complete tells whether whole groups fill the open segment: a tenth of
// tolerance keeps 1.92 s and 1.999 s groups from being paired, and a group that
// would pass the target is not waited for.
func (f *follower) complete(r *Rendition) bool {
	d := r.openDuration()
	return f.time().early || d >= f.p.cfg.SegmentDuration*9/10 ||
		d > 0 && d+r.previous > f.p.limit()
}

// settle fixes the target duration for good at the end of the first segment
// (6.2.1).
func (f *follower) settle(r *Rendition) {
	if t := f.time(); t.target == 0 {
		t.target = max(ceilSecond(f.p.cfg.SegmentDuration), r.openDuration().Round(time.Second))
	}
}

// settlePart fixes the part target before the first part. Parts must last at
// least 85 % of it and never pass it (4.4.4.9): frames that make that impossible
// get the target that they fill. Independent parts, all of audio's, are free.
func (f *follower) settlePart(r *Rendition, frame time.Duration) {
	t := f.time()
	t.part = f.p.cfg.PartDuration
	if !r.video() || frame <= 0 {
		return
	}
	fits := frame
	if frame <= t.part {
		fits = t.part - t.part%frame
	}
	if fits > t.part || fits < t.part*85/100 {
		t.part = (fits + rounding).Truncate(time.Microsecond)
	}
}

// follow keeps a rendition that does not make the cuts within the rules when
// none comes in time. changed says that the chunk has another header, or is not
// where the last one ended.
func (f *follower) follow(r *Rendition, c chunk, changed bool) {
	t := f.time()
	if !changed && r.openDuration()+c.duration <= f.p.limit() {
		return
	}
	for next, ok := t.find(r.msn() + 1); ok; next, ok = t.find(r.msn() + 1) {
		if !changed || next.discontinuity {
			// The cut is made, but this chunk would make the segment too long.
			r.header = r.source.header
			r.cut(next, c.at, next.discontinuity)
			return
		}
		r.cut(next, r.silence(c.at), false) // It was made without a discontinuity.
	}
	if r.msn() > t.last().msn || !changed {
		f.force(r, c, changed)
		f.catchUp(r, c, false)
		return
	}
	// A discontinuity wants a segment of its own now. The others begin theirs
	// with their next group, so media sequence numbers stay equal.
	t.early = true
	r.header = r.source.header
	r.cut(cut{msn: r.msn() + 1, discontinuitySequence: t.last().discontinuitySequence + 1}, c.at, true)
}

// force makes a cut on behalf of a leader that stalls.
func (f *follower) force(r *Rendition, c chunk, discontinuity bool) {
	t := f.time()
	f.settle(r)
	made := t.add(cut{group: c.group, at: c.at, byTime: true, discontinuity: discontinuity})
	lead := f.leader()
	if lead == nil || lead == r || !lead.started || lead.msn() >= made.msn {
		return
	}
	lead.cut(made, lead.silence(c.at), made.discontinuity)
}

// fillGaps ends segments of renditions that were silent while the others made
// two more.
func (f *follower) fillGaps() {
	t := f.time()
	for _, r := range f.renditions {
		for r.started && r.msn()+2 <= t.last().msn {
			next, ok := t.find(r.msn() + 1)
			if !ok {
				break
			}
			r.cut(next, r.silence(next.at), next.discontinuity)
		}
	}
}
