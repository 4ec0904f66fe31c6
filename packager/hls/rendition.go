package hls

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
)

// Rendition is one media playlist of a Presentation.
type Rendition struct {
	// Set when made, then read-only.
	name string
	p    *Presentation

	playlist atomic.Pointer[Playlist]
	bitrate  atomic.Int64 // As the catalog says.

	// Owned by the follower from here on.

	track  msf.Track // As the catalog says now.
	source *source   // The track that is read; nil between two.
	wanted string    // The name of the track to read next.
	feed   feed      // Where source comes from.
	// read is behind the last object that was read, of the track readName.
	read     relay.Location
	readName string
	header   *Header

	kept     []*Segment // Complete segments that can be fetched, rising MSN.
	listed   int        // Index in kept of the first listed segment.
	open     *Segment
	part     *Part // The open part of open.
	started  bool
	expected time.Time     // Where the next chunk's media time should be.
	frame    time.Duration // Duration of the first chunk.
	group    time.Duration // Media in the group so far,
	previous time.Duration // and in the whole group before.
	complete time.Time     // When the open part's last chunk was complete.
	bytes    int
	dirty    bool

	peak    int // Highest bit rate of a segment.
	total   int // Bytes and duration of all segments.
	seconds float64
}

// source is a track that is being read. Owned by the follower.
type source struct {
	name      string
	timescale uint64
	reader    *relay.Reader
	header    *Header
	pending   *relay.Item
	// The header and timescale from the next group on; nil when they stay.
	nextHeader    *Header
	nextTimescale uint64
}

// chunk is an object with what its boxes say.
type chunk struct {
	group       uint64
	first       bool // The first of its group.
	payload     []byte
	complete    time.Time
	at          time.Time
	duration    time.Duration
	independent bool
}

func newChunk(item relay.Item, info cmaf.ChunkInfo, timescale uint64) chunk {
	at := mediaTime(info.DecodeTime, timescale)
	return chunk{
		group:    item.Location.Group,
		first:    item.Location.Object == 0,
		payload:  item.Object.Payload,
		complete: item.Object.Complete,
		at:       at,
		// Differences of rounded times add up without error.
		duration:    mediaTime(info.DecodeTime+info.Duration, timescale).Sub(at),
		independent: info.Independent,
	}
}

// mediaTime maps ticks since the Unix epoch.
func mediaTime(ticks, timescale uint64) time.Time {
	sec, rest := ticks/timescale, ticks%timescale
	return time.Unix(int64(sec), int64(rest*uint64(time.Second)/timescale))
}

// Name is the rendition's name: the first part of its resources' path.
func (r *Rendition) Name() string { return r.name }

// Playlist is the newest version; nil while there is none.
func (r *Rendition) Playlist() *Playlist { return r.playlist.Load() }

func (r *Rendition) video() bool { return r.track.Role == msf.RoleVideo }

// msn is the media sequence number of the open segment.
func (r *Rendition) msn() uint64 { return r.open.MSN }

func (r *Rendition) add(c chunk, target time.Duration) {
	if r.part != nil && r.part.Duration+c.duration > target+rounding {
		r.closePart()
	}
	if r.part == nil {
		r.part = &Part{Independent: c.independent}
	}
	r.part.Payload = append(r.part.Payload, c.payload)
	r.part.Duration += c.duration
	r.part.Size += len(c.payload)
	r.bytes += len(c.payload)
	r.complete = c.complete
	r.expected = c.at.Add(c.duration)
	r.group += c.duration
	// Another such chunk would not fit, so do not wait for it. A picture that
	// lasted long is not taken for the measure.
	next := c.duration
	if r.video() {
		next = min(next, r.frame)
	}
	if r.part.Duration+next > target+rounding {
		r.closePart()
	}
}

// rounding is what the sum of rounded chunk durations may be off.
const rounding = 10 * time.Microsecond

func (r *Rendition) openDuration() time.Duration {
	d := r.open.Duration
	if r.part != nil {
		d += r.part.Duration
	}
	return d
}

func (r *Rendition) closePart() {
	if r.part == nil {
		return
	}
	now := r.p.cfg.Now()
	r.open.add(r.part, now)
	r.p.metrics.parts.Inc()
	if !r.complete.IsZero() {
		r.p.metrics.publishDelay.Observe(now.Sub(r.complete).Seconds())
	}
	r.part = nil
	r.dirty = true
}

// cut ends the open segment and begins the one behind c. at is the time of the
// first chunk there.
func (r *Rendition) cut(c cut, at time.Time, discontinuity bool) {
	if r.open != nil {
		r.closeSegment(at)
	}
	r.open = &Segment{
		MSN: c.msn, Start: at, Header: r.header,
		Discontinuity: discontinuity, DiscontinuitySequence: c.discontinuitySequence,
		Modified: r.p.cfg.Now(),
	}
	r.started = true
}

// silence is where a segment starts whose media does not come: behind the media
// there is, and at most a whole gap behind the gap before.
func (r *Rendition) silence(at time.Time) time.Time {
	if r.openDuration() > 0 {
		return r.expected
	}
	if latest := r.open.Start.Add(r.p.limit()); at.After(latest) {
		return latest
	}
	return at
}

func (r *Rendition) closeSegment(next time.Time) {
	r.closePart()
	s := r.open
	if len(s.Parts) == 0 {
		s.Gap = true
		s.Duration = min(max(next.Sub(s.Start), time.Millisecond), r.p.limit())
	}
	r.kept = append(r.kept, s)
	r.open = nil
	r.dirty = true
	r.p.metrics.segments.Inc()
	r.measure(s)
	r.unlist()
	r.evict()
}

// measure keeps the peak over segments of half to one and a half target
// durations, as Apple's rules count it, and the average.
func (r *Rendition) measure(s *Segment) {
	if s.Gap || s.Duration <= 0 {
		return
	}
	r.total += s.Size
	r.seconds += s.Duration.Seconds()
	rate := int(float64(s.Size) * 8 / s.Duration.Seconds())
	if r.peak == 0 || s.Duration >= r.p.timeline.target/2 {
		r.peak = max(r.peak, rate)
	}
}

// minListed is Apple's rule 8.11.
const minListed = 6

// unlist takes segments out of the playlist that are out of the window. What
// stays lasts at least the window, and that at least three target durations
// (6.2.2).
func (r *Rendition) unlist() {
	window := max(r.p.cfg.Window, 3*r.p.timeline.target)
	var sum time.Duration
	for _, s := range r.kept[r.listed:] {
		sum += s.Duration
	}
	for len(r.kept)-r.listed > minListed {
		s := r.kept[r.listed]
		if sum -= s.Duration; sum < window {
			return
		}
		s.removed = r.p.cfg.Now()
		r.listed++
	}
}

// evict drops segments that left the playlist longer ago than their duration
// plus that of the longest playlist (6.2.2), or that are over the budget.
func (r *Rendition) evict() {
	window := max(r.p.cfg.Window, 3*r.p.timeline.target) + r.p.limit()
	now, drop := r.p.cfg.Now(), 0
	for ; drop < r.listed; drop++ {
		s := r.kept[drop]
		if now.Sub(s.removed) < s.Duration+window && r.bytes <= r.p.cfg.MaxBytes {
			break
		}
		r.bytes -= s.Size
	}
	// Over the budget the window shrinks, but to no less than the rule allows.
	for r.bytes > r.p.cfg.MaxBytes && len(r.kept)-drop > minListed {
		r.bytes -= r.kept[drop].Size
		drop++
	}
	if drop > 0 {
		// A fresh slice lets the collector free the dropped segments.
		r.kept = slices.Clone(r.kept[drop:])
		r.listed = max(r.listed-drop, 0)
	}
}

// publish swaps a new version in and wakes who waits for it.
func (r *Rendition) publish(ended bool) {
	old := r.playlist.Load()
	if !r.dirty && (old == nil || old.Ended == ended) {
		return
	}
	r.dirty = false
	next := r.snapshot(ended)
	r.playlist.Store(next)
	if old != nil {
		close(old.changed)
	}
}

func (r *Rendition) snapshot(ended bool) *Playlist {
	l := &Playlist{
		rendition: r, target: r.p.timeline.target, part: r.p.timeline.part,
		kept: slices.Clip(r.kept), listed: r.listed,
		Ended: ended, Modified: r.p.cfg.Now(), changed: make(chan struct{}),
	}
	if r.open != nil && !ended {
		l.open = r.open.view()
	}
	return l
}
