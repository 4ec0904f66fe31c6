package moq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
)

// errNotUnits refuses access units: this sink is fed with objects.
var errNotUnits = errors.New("a MoQ broadcast takes no access units")

// broadcast is the relay's side of a published namespace. It outlives its
// publishers by the hold window.
type broadcast struct {
	// Set by newBroadcast, then read-only.
	in     *Intake
	public *relay.Broadcast
	source relay.Switch     // The publisher of the moment.
	raw    *relay.Broadcast // Tracks that are looked at, as they come (unchecked).
	loc    *packaged        // What LOC tracks become.
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	// known is closed when the first catalog came, or it is clear that there is none.
	known chan struct{}
	once  sync.Once

	mu      sync.Mutex
	session *ingest.Session          // Guarded by mu. nil while held.
	catalog *msf.Catalog             // Guarded by mu. The newest; nil without one.
	wanted  map[string]*relay.Demand // Guarded by mu. CMAF tracks of the catalog, so that their logs fill.
}

var (
	_ ingest.HeldSink = (*broadcast)(nil)
	_ relay.Upstream  = (*broadcast)(nil)
)

func newBroadcast(in *Intake, ns relay.Namespace) (*broadcast, error) {
	b := &broadcast{in: in, known: make(chan struct{}), wanted: make(map[string]*relay.Demand)}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	var err error
	// A relay of its own: nobody but the check reads what was not checked.
	if b.raw, err = relay.New(relay.Config{MaxGroupBytes: in.cfg.Relay.MaxGroupBytes()}).Announce(ns, relay.AnnounceConfig{Upstream: unchecked{&b.source}}); err != nil {
		return nil, err
	}
	if b.public, err = in.cfg.Relay.Announce(ns, relay.AnnounceConfig{Upstream: b}); err != nil {
		b.raw.Close(err)
		return nil, err
	}
	b.loc = &packaged{b: b}
	b.tasks.Go(b.follow)
	return b, nil
}

// feed makes p the source of the tracks.
func (b *broadcast) feed(p *moqt.Publisher, session *ingest.Session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.session = session
	b.source.Set(&source{Upstream: p, b: b, over: make(chan struct{})})
}

// watch ends a publisher that lost its right: to another one, or with the gateway.
func (b *broadcast) watch(p *moqt.Publisher, session *ingest.Session) {
	select {
	case <-session.Done():
		p.Cancel(session.Err())
	case <-b.ctx.Done():
		p.Cancel(relay.ErrClosed)
	}
}

// described tells whether a catalog has come.
func (b *broadcast) described() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.catalog != nil
}

// unfeed leaves the tracks as they are, for the next publisher, unless that one is
// here already.
func (b *broadcast) unfeed(session *ingest.Session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.session == session {
		b.session = nil
		b.source.Set(nil)
	}
}

// touch says that media came.
func (b *broadcast) touch() {
	b.mu.Lock()
	s := b.session
	b.mu.Unlock()
	if s != nil {
		s.Touch()
	}
}

// Begin implements ingest.HeldSink.
func (b *broadcast) Begin(ingest.Request) {}

// End implements ingest.HeldSink.
func (b *broadcast) End() {}

// SetProgram implements ingest.HeldSink; it is never called.
func (b *broadcast) SetProgram(ingest.Program) error { return errNotUnits }

// Push implements ingest.HeldSink; it is never called.
func (b *broadcast) Push(ingest.AccessUnit) error { return errNotUnits }

// Close implements ingest.HeldSink.
func (b *broadcast) Close(reason error) {
	b.cancel()
	b.public.Close(reason)
	b.raw.Close(reason)
	b.tasks.Wait()
	b.loc.close(reason)
}

// catalogWait is how long a publisher has to answer for its catalog before it is
// taken for one without.
const catalogWait = time.Second

// follow reads the catalog for as long as the broadcast lives.
func (b *broadcast) follow() {
	defer b.decided()
	defer b.want(nil)
	timer := time.AfterFunc(catalogWait, b.decided)
	defer timer.Stop()
	for b.ctx.Err() == nil {
		err := b.readCatalog()
		b.decided()
		if b.ctx.Err() == nil && !errors.Is(err, relay.ErrLost) {
			b.in.log.Debug("no catalog", "broadcast", string(b.public.Namespace()), "error", err)
		}
		// A publisher may bring one later, or the next may.
		select {
		case <-b.ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (b *broadcast) decided() { b.once.Do(func() { close(b.known) }) }

// readCatalog takes catalogs in until their track ends.
func (b *broadcast) readCatalog() error {
	d := b.raw.Demand(msf.TrackName)
	defer d.Release()
	t, err := d.Track(b.ctx)
	if err != nil {
		return err
	}
	r := t.NewReader(relay.ReaderConfig{Whole: true})
	for {
		item, err := r.Next(b.ctx)
		if err != nil {
			return err
		}
		if item.End || item.Object.ID > 0 {
			continue // Objects behind the first of a group are deltas.
		}
		c, err := msf.Parse(item.Object.Payload)
		if err != nil {
			b.in.malformed.WithLabelValues("catalog").Inc()
			b.in.log.Warn("catalog cannot be read", "broadcast", string(b.public.Namespace()), "error", err)
			continue
		}
		b.touch()
		b.want(c)
		if err := b.loc.take(c); err != nil {
			b.in.log.Warn("LOC tracks cannot be packaged", "broadcast", string(b.public.Namespace()), "error", err)
		}
		b.decided()
	}
}

// want demands the tracks of a catalog, and lets go of those that it no longer has.
func (b *broadcast) want(c *msf.Catalog) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.catalog = c
	for name, d := range b.wanted {
		if _, ok := b.cmafLocked(name); !ok {
			d.Release()
			delete(b.wanted, name)
		}
	}
	if c == nil {
		return
	}
	for _, t := range c.Tracks {
		if old, ok := b.wanted[t.Name]; ok {
			if !ended(old) {
				continue
			}
			old.Release()
		}
		if t.Packaging != msf.PackagingCMAF && t.Packaging != msf.PackagingLOC {
			b.in.log.Info("track is passed on as it is", "broadcast", string(b.public.Namespace()),
				"track", t.Name, "packaging", t.Packaging)
			continue
		}
		if t.Packaging == msf.PackagingCMAF {
			b.wanted[t.Name] = b.public.Demand(t.Name)
		}
	}
}

// ended tells whether a track came and went.
func ended(d *relay.Demand) bool {
	select {
	case <-d.Settled():
	default:
		return false
	}
	t, err := d.Track(context.Background())
	return err != nil || t.Err() != nil
}

// cmafLocked finds a CMAF track of the catalog. Guarded by mu.
func (b *broadcast) cmafLocked(name string) (msf.Track, bool) {
	if b.catalog == nil {
		return msf.Track{}, false
	}
	t, ok := b.catalog.Track(name)
	return t, ok && t.Packaging == msf.PackagingCMAF
}

// cmaf gives the header of a CMAF track.
func (b *broadcast) cmaf(name string) (header []byte, ok bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.cmafLocked(name)
	if !ok {
		return nil, false, nil
	}
	header, ok = b.catalog.Init(t)
	if !ok {
		return nil, true, fmt.Errorf("track %q has no header in the catalog", name)
	}
	return header, true, nil
}
