package hls

import (
	"context"

	"github.com/freshet-live/freshet/relay"
)

// feed is how a track comes: held upstream, if it comes from there, and read.
// Owned by the follower.
type feed struct {
	demand *relay.Demand // Of a broadcast from upstream.
	reader *relay.Reader
	stop   func()
	lost   bool // The track has ended.
}

func (d *feed) open(t *relay.Track, start relay.Location, wake chan<- struct{}) {
	d.stop = t.Notify(wake)
	d.reader = t.NewReader(relay.ReaderConfig{Start: start, Whole: true})
}

func (d *feed) close() {
	if d.stop != nil {
		d.stop()
	}
	if d.demand != nil {
		d.demand.Release()
	}
	*d = feed{}
}

// want gives a track if it is there, or what is closed when it may be.
func (f *follower) want(d *feed, name string) (*relay.Track, <-chan struct{}) {
	if f.b.Remote() && d.demand == nil {
		d.demand = f.b.Demand(name)
	}
	t, wait, _ := f.b.WaitTrack(name)
	return t, wait
}

// renew asks again for what upstream has refused, or has ended although the
// catalog goes on naming it.
func (f *follower) renew(ctx context.Context) {
	if f.catalog.lost || refused(ctx, &f.catalog) {
		f.catalog.close()
	}
	for _, r := range f.renditions {
		switch {
		case r.source != nil:
		case r.feed.lost:
			r.feed.lost, r.wanted = false, r.track.Name
		case refused(ctx, &r.feed):
			r.feed.close()
		}
	}
}

func refused(ctx context.Context, d *feed) bool {
	if d.demand == nil || d.reader != nil {
		return false
	}
	select {
	case <-d.demand.Settled():
		_, err := d.demand.Track(ctx)
		return err != nil
	default:
		return false
	}
}

// leave stops to read a rendition's track, which has ended. One from upstream is
// asked for again if the catalog still names it.
func (f *follower) leave(r *Rendition) {
	name := r.source.name
	r.source = nil
	r.feed.close()
	r.feed.lost = f.b.Remote() && r.wanted == "" && r.track.Name == name
}

// reheader notes that the catalog names another header for the track that is being
// read: its publisher has been replaced. It counts from the next group on.
func (f *follower) reheader(r *Rendition) {
	h := f.header(r)
	if h == nil || string(h.Data) == string(r.source.header.Data) {
		r.source.nextHeader = nil
		return
	}
	r.source.nextHeader, r.source.nextTimescale = h, uint64(r.track.Timescale)
}

// enter takes a new header over at the start of a group.
func (s *source) enter(item relay.Item) {
	if s.nextHeader != nil && item.Location.Object == 0 {
		s.header, s.timescale, s.nextHeader = s.nextHeader, s.nextTimescale, nil
	}
}
