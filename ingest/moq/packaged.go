package moq

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/moq/loc"
	"github.com/freshet-live/freshet/packager"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
)

// packaged turns the LOC tracks of a broadcast into CMAF. It does nothing before a
// catalog has some.
type packaged struct {
	b *broadcast

	mu      sync.Mutex
	sink    *packager.Packager // Guarded by mu. nil before the first LOC track.
	own     *relay.Broadcast   // Guarded by mu. What sink publishes, in a relay of its own.
	tracks  []msf.Track        // Guarded by mu. Those that are packaged.
	feed    *locFeed           // Guarded by mu. For tracks; of no use before the first.
	cancel  context.CancelFunc // Guarded by mu. Of the run for tracks.
	running sync.WaitGroup
}

// take follows a catalog. One with CMAF tracks is left as it is.
func (p *packaged) take(c *msf.Catalog) error {
	tracks := locTracks(c)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(tracks) == 0 && p.sink == nil || slices.Equal(tracks, p.tracks) && !p.feed.stale.Load() {
		return nil
	}
	if err := p.openLocked(); err != nil {
		return err
	}
	if p.cancel != nil {
		p.cancel()
		p.running.Wait()
	}
	p.tracks = tracks
	var err error
	if p.feed, err = newLOCFeed(p.b, c, tracks); err != nil {
		return err
	}
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(p.b.ctx)
	feed, sink := p.feed, p.sink
	p.running.Go(func() { feed.run(ctx, sink) })
	return nil
}

// locTracks are the LOC tracks of a catalog that has no others to play.
func locTracks(c *msf.Catalog) []msf.Track {
	var list []msf.Track
	for _, t := range c.Tracks {
		switch t.Packaging {
		case msf.PackagingCMAF:
			return nil
		case msf.PackagingLOC:
			list = append(list, t)
		}
	}
	return list
}

// openLocked makes the packager. Guarded by mu.
func (p *packaged) openLocked() error {
	if p.sink != nil {
		return nil
	}
	in, ns := p.b.in, p.b.public.Namespace()
	own := relay.New(relay.Config{})
	sink, err := packager.New(packager.Config{
		Relay: own, Namespace: ns, Window: in.cfg.Window, StreamKey: in.cfg.StreamKey, Logger: in.log, Registerer: in.cfg.Registerer,
	})
	if err != nil {
		return err
	}
	p.sink = sink
	p.own, _ = own.Broadcast(ns)
	return nil
}

// track is the packaged track of a name; nil when there is none.
func (p *packaged) track(name string) *relay.Track {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.own == nil {
		return nil
	}
	t, _ := p.own.Track(name)
	return t
}

// close ends the packager after its run, which the broadcast's end has ended.
func (p *packaged) close(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil {
		p.cancel()
	}
	p.running.Wait()
	if p.sink != nil {
		p.sink.Close(reason)
	}
}

// locFeed hands the objects of LOC tracks to a packager as access units.
type locFeed struct {
	b       *broadcast
	program ingest.Program
	inputs  []*locInput
	wake    chan struct{} // One slot.
	stale   atomic.Bool   // A track has ended, or did not come.
}

// locInput is one LOC track.
type locInput struct {
	name   string
	units  *loc.Track
	stream int
	reader *relay.Reader // nil while the track is not there.
	next   relay.Location
	lost   bool // Something before the next unit is missing.
}

func newLOCFeed(b *broadcast, c *msf.Catalog, tracks []msf.Track) (*locFeed, error) {
	f := &locFeed{b: b, wake: make(chan struct{}, 1)}
	for i, t := range tracks {
		channels, _ := strconv.Atoi(t.ChannelConfig)
		description, _ := c.Init(t)
		units, err := loc.New(loc.Config{
			Codec: t.Codec, SampleRate: t.SampleRate, Channels: channels, Description: description,
		})
		if err != nil {
			b.in.log.Warn("LOC track left out", "broadcast", string(b.public.Namespace()), "track", t.Name, "error", err)
			continue
		}
		f.inputs = append(f.inputs, &locInput{name: t.Name, units: units, stream: i})
		f.program.Streams = append(f.program.Streams, ingest.Stream{ID: i, Codec: units.Codec(), Language: t.Lang})
	}
	if len(f.inputs) == 0 {
		return nil, errors.New("no LOC track has a codec that is carried")
	}
	return f, nil
}

// run packages until ctx ends, or the broadcast.
func (f *locFeed) run(ctx context.Context, sink *packager.Packager) {
	sink.Begin(ingest.Request{})
	defer sink.End()
	if err := sink.SetProgram(f.program); err != nil {
		f.b.in.log.Debug("LOC program refused", "error", err)
		return
	}
	var demands sync.WaitGroup
	defer demands.Wait()
	ready := make(chan found)
	for _, in := range f.inputs {
		demands.Go(func() { f.find(ctx, in, ready) })
	}
	for {
		select {
		case t := <-ready:
			t.in.reader, t.in.lost = t.reader, true // It is joined somewhere.
		case <-f.wake:
		case <-ctx.Done():
			return
		}
		for f.round(sink) {
		}
	}
}

// found is a track that has come.
type found struct {
	in     *locInput
	reader *relay.Reader
}

// find waits for a track of the publisher, and holds it until ctx ends.
func (f *locFeed) find(ctx context.Context, in *locInput, ready chan<- found) {
	d := f.b.raw.Demand(in.name)
	defer d.Release()
	t, err := d.Track(ctx)
	if err != nil {
		f.stale.Store(true)
		f.b.in.log.Warn("LOC track does not come", "broadcast", string(f.b.public.Namespace()), "track", in.name, "error", err)
		return
	}
	stop := t.Notify(f.wake)
	defer stop()
	select {
	case ready <- found{in, t.NewReader(relay.ReaderConfig{Whole: true})}:
	case <-ctx.Done():
	}
	<-ctx.Done()
}

// round takes one item of each track; false when there was none.
func (f *locFeed) round(sink *packager.Packager) (moved bool) {
	for _, in := range f.inputs {
		if in.reader == nil {
			continue
		}
		item, ok, err := in.reader.TryNext()
		if err != nil {
			in.reader = nil
			f.stale.Store(true)
		}
		if err != nil || !ok {
			continue
		}
		moved = true
		f.take(in, item, sink)
	}
	return moved
}

func (f *locFeed) take(in *locInput, item relay.Item, sink *packager.Packager) {
	if item.End {
		in.lost = in.lost || item.Cut
		return
	}
	if item.Object.Status != relay.StatusNormal {
		return
	}
	f.b.touch()
	if at := item.Location; at != in.next && at.Object != 0 {
		in.lost = true
	}
	in.next = relay.Location{Group: item.Location.Group, Object: item.Location.Object + 1}
	au, ok, err := in.units.Unit(&item.Object)
	if err != nil {
		f.b.in.malformed.WithLabelValues("loc").Inc()
		f.b.in.log.Debug("LOC object left out", "track", in.name, "group", item.Location.Group, "object", item.Location.Object, "error", err)
		in.lost = true
		return
	}
	if !ok {
		in.lost = true
		return
	}
	au.Stream, au.Lost, in.lost = in.stream, in.lost, false
	if err := sink.Push(au); err != nil {
		f.b.in.log.Debug("LOC unit refused", "track", in.name, "error", err)
	}
}
