package hls

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
)

// follower reads one broadcast. All fields are owned by run.
type follower struct {
	p          *Presentation
	b          *relay.Broadcast
	wake       chan struct{}
	catalog    feed
	text       []byte // The catalog in force.
	current    *msf.Catalog
	renditions []*Rendition
	leads      bool // The leader had something to read.
	// idle tells whether nobody asks any more; nil when the broadcast is followed to its
	// end.
	idle func() bool
}

// lookAgain is how often a broadcast from upstream is looked at without cause: for
// tracks that were refused or lost, and for whether anybody asks.
const lookAgain = 2 * time.Second

// run follows the broadcast to its end, or until it is idle. The error is ctx's
// cause.
func (f *follower) run(ctx context.Context) error {
	defer f.detach()
	var tick <-chan time.Time // Never, for a broadcast that is published here.
	if f.b.Remote() {
		ticker := time.NewTicker(lookAgain)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		changed := f.attach()
		// Closed tracks are drained below, so nothing is lost by asking first.
		ended := f.b.Err() != nil
		f.readCatalog()
		f.drain()
		if ended {
			f.finish()
			return nil
		}
		f.publish()
		select {
		case <-f.wake:
		case <-changed:
		case <-tick:
			if f.idle != nil && f.idle() {
				return errIdle
			}
			f.renew(ctx)
		case <-f.b.Done():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// attach opens readers for tracks that are wanted and there. The channel is
// closed when another track may be; it is nil when nothing is wanted.
func (f *follower) attach() <-chan struct{} {
	var changed <-chan struct{}
	if f.catalog.reader == nil {
		t, wait := f.want(&f.catalog, msf.TrackName)
		if t == nil {
			return wait
		}
		f.catalog.open(t, relay.Location{}, f.wake)
	}
	f.readCatalog()
	for _, r := range f.renditions {
		if r.source != nil || r.wanted == "" {
			continue
		}
		t, wait := f.want(&r.feed, r.wanted)
		if t == nil {
			changed = wait
			continue
		}
		f.open(r, t)
	}
	return changed
}

// open starts to read the track that a rendition wants.
func (f *follower) open(r *Rendition, t *relay.Track) {
	r.wanted = ""
	h := f.header(r)
	if h == nil {
		r.feed.close()
		f.p.cfg.Logger.Warn("track has no header in the catalog",
			"namespace", string(f.b.Namespace()), "track", t.Name())
		return
	}
	var start relay.Location
	if r.readName == t.Name() {
		start = r.read // It was lost, and goes on.
	}
	r.feed.open(t, start, f.wake)
	r.source = &source{name: t.Name(), timescale: uint64(r.track.Timescale), header: h, reader: r.feed.reader}
}

// header is what the catalog says of a rendition's track, nil when it lacks it.
func (f *follower) header(r *Rendition) *Header {
	init, ok := f.current.Init(r.track)
	if !ok || r.track.Timescale == 0 {
		return nil
	}
	if h := newHeader(init); r.header == nil || !bytes.Equal(r.header.Data, h.Data) {
		return h
	}
	return r.header
}

func (f *follower) readCatalog() {
	for f.catalog.reader != nil {
		item, ok, err := f.catalog.reader.TryNext()
		if err != nil {
			f.catalog.lost = true
			return
		}
		if !ok {
			return
		}
		// Objects behind the first of a group are deltas.
		if item.End || item.Location.Object > 0 || item.Object.Status != relay.StatusNormal || bytes.Equal(item.Object.Payload, f.text) {
			continue
		}
		c, err := msf.Parse(item.Object.Payload)
		if err != nil {
			f.p.metrics.malformed.Inc()
			continue
		}
		f.text, f.current = item.Object.Payload, c
		f.apply(c)
	}
}

// apply takes a new catalog over: new renditions, new tracks of known ones.
func (f *follower) apply(c *msf.Catalog) {
	seen := make(map[*Rendition]bool)
	for _, t := range c.Tracks {
		if t.Packaging == msf.PackagingCMAF {
			t = described(c, t)
		}
		if t.Packaging != msf.PackagingCMAF || t.Role != msf.RoleVideo && t.Role != msf.RoleAudio {
			continue
		}
		r := f.rendition(renditionName(t.Name))
		seen[r] = true
		r.track = t
		if r.source == nil || r.source.name != t.Name {
			r.wanted = t.Name
		} else {
			f.reheader(r)
		}
		r.bitrate.Store(int64(t.Bitrate))
	}
	f.renditions = slices.DeleteFunc(f.renditions, func(r *Rendition) bool {
		if !seen[r] {
			f.end(r)
		}
		return !seen[r]
	})
	slices.SortStableFunc(f.renditions, func(a, b *Rendition) int {
		return role(a) - role(b)
	})
	f.p.setRenditions(f.renditions)
}

// described fills in what a catalog of somebody else may leave out, by the track's
// header.
func described(c *msf.Catalog, t msf.Track) msf.Track {
	if t.Timescale != 0 && t.Role != "" {
		return t
	}
	header, _ := c.Init(t)
	info, err := cmaf.ReadHeader(header)
	if err != nil {
		return t
	}
	t.Timescale = info.Timescale
	if t.Role == "" {
		t.Role = msf.RoleAudio
		if info.IsVideo {
			t.Role = msf.RoleVideo
		}
	}
	return t
}

func role(r *Rendition) int {
	if r.video() {
		return 0
	}
	return 1
}

// renditionName leaves out the number that a track gets when its header
// changes: video.2 goes on in the playlist of video.
func renditionName(track string) string {
	base, number, ok := strings.Cut(track, ".")
	if ok && number != "" && strings.Trim(number, "0123456789") == "" {
		return base
	}
	return track
}

func (f *follower) rendition(name string) *Rendition {
	for _, r := range f.renditions {
		if r.name == name {
			return r
		}
	}
	r := &Rendition{name: name, p: f.p}
	f.renditions = append(f.renditions, r)
	return r
}

// leader is the rendition that makes the cuts: the first video that is live,
// else the first that is.
func (f *follower) leader() *Rendition {
	for _, r := range f.renditions {
		if r.source != nil || r.wanted != "" {
			return r
		}
	}
	return nil
}

// drain reads what is there. The leader goes first, so that its cuts are known
// before the others reach them.
func (f *follower) drain() {
	for progress := true; progress; {
		progress = false
		lead := f.leader()
		for _, r := range f.renditions {
			moved := f.drainRendition(r, r == lead)
			progress = progress || moved
			if r == lead {
				f.leads = moved
			}
		}
		if f.time().started() {
			f.fillGaps()
		}
	}
}

func (f *follower) drainRendition(r *Rendition, lead bool) (moved bool) {
	for r.source != nil {
		item, ok, err := r.source.next()
		if err != nil {
			f.leave(r)
			return true
		}
		if !ok {
			return moved
		}
		if !lead && f.ahead(item) {
			r.source.pending = &item
			return moved
		}
		r.read, r.readName = item.Location, r.source.name
		r.read.Object++
		r.source.enter(item)
		f.take(r, item, lead)
		moved = true
		if lead && item.Location.Object == 0 {
			// A group at a time, so that a long log is read in step.
			return true
		}
	}
	return moved
}

// next is the next object that the rendition has not taken.
func (s *source) next() (relay.Item, bool, error) {
	if s.pending != nil {
		item := *s.pending
		s.pending = nil
		return item, true, nil
	}
	for {
		item, ok, err := s.reader.TryNext()
		if !ok || !item.End && item.Object.Status == relay.StatusNormal {
			return item, ok, err
		}
	}
}

// ahead tells whether a follower has to wait for the leader's next group, which
// it does not do for longer than a segment once the leader has read all there is.
func (f *follower) ahead(item relay.Item) bool {
	t := f.time()
	if t.started() && item.Location.Group <= t.group || f.b.Err() != nil {
		return false
	}
	return f.leads || f.p.cfg.Now().Sub(item.Object.Complete) < f.p.cfg.SegmentDuration
}

func (f *follower) publish() {
	if f.time().target == 0 {
		return
	}
	segments := false
	for _, r := range f.renditions {
		if !r.started {
			continue
		}
		old := r.Playlist()
		r.publish(false)
		segments = segments || old == nil || old.last() != r.Playlist().last()
	}
	if f.settled() {
		f.p.ready(segments)
	}
}

// settled tells whether every rendition has a segment, so that the Multivariant
// Playlist can list it. One that comes late is not waited for.
func (f *follower) settled() bool {
	late := slices.ContainsFunc(f.renditions, func(r *Rendition) bool { return len(r.kept) > 1 })
	missing := slices.ContainsFunc(f.renditions, func(r *Rendition) bool { return r.peak == 0 })
	return late || !missing
}

// end closes a rendition's playlist for good.
func (f *follower) end(r *Rendition) {
	r.source = nil
	r.feed.close()
	if !r.started {
		return
	}
	f.settle(r)
	if r.openDuration() > 0 {
		r.closeSegment(r.expected)
	}
	r.publish(true)
}

func (f *follower) finish() {
	for _, r := range f.renditions {
		f.end(r)
	}
	f.p.ready(true)
}

func (f *follower) detach() {
	f.catalog.close()
	for _, r := range f.renditions {
		r.source = nil
		r.feed.close()
	}
}
