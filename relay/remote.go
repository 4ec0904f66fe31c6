package relay

import (
	"context"
	"sync"
	"time"
)

// DefaultLinger is how long a track from upstream stays after its last reader:
// somebody who reloads a page finds it running.
const DefaultLinger = 10 * time.Second

// Upstream brings the tracks of a broadcast that is published elsewhere.
type Upstream interface {
	// Subscribe fills t until ctx ends or the track does; its error is the track's
	// end. It calls accepted once, when the track is known to exist and how it is.
	// A connection that is lost is its own affair: it goes on from t.Resume.
	Subscribe(ctx context.Context, t *Track, accepted func(TrackConfig)) error
	// Fetch brings past objects of t, which the log lacks, by rising Group and
	// Object ID: those from start up to end, exclusive.
	Fetch(ctx context.Context, t *Track, start, end Location, emit func(group uint64, o Object) error) error
}

// AnnounceConfig describes a broadcast from upstream.
type AnnounceConfig struct {
	Upstream Upstream
	// Linger is how long a subscription upstream outlives its last reader here;
	// DefaultLinger when zero.
	Linger time.Duration
}

// Announce starts a broadcast whose tracks come from upstream when somebody
// demands them: one subscription a track, however many readers. The errors are
// those of Publish.
func (r *Relay) Announce(ns Namespace, cfg AnnounceConfig) (*Broadcast, error) {
	if cfg.Linger <= 0 {
		cfg.Linger = DefaultLinger
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	return r.add(ns, &remote{cfg: cfg, ctx: ctx, cancel: cancel, demands: make(map[string]*demand)})
}

// Wait returns when no subscription upstream runs any more: after the broadcasts
// that Announce made were closed.
func (r *Relay) Wait() { r.tasks.Wait() }

// Remote tells whether the broadcast comes from upstream.
func (b *Broadcast) Remote() bool { return b.remote != nil }

// remote is what a broadcast from upstream has beside its tracks.
type remote struct {
	// Set by Announce, then read-only.
	cfg    AnnounceConfig
	ctx    context.Context // Ends with the broadcast.
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	closed  bool               // Guarded by mu.
	demands map[string]*demand // Guarded by mu. By track name.
}

// demand is one subscription upstream.
type demand struct {
	b      *Broadcast
	name   string
	ctx    context.Context
	cancel context.CancelFunc
	// settled is closed when upstream has accepted, or refused: then err is set.
	settled chan struct{}
	once    sync.Once
	track   *Track // Set before settled is closed; nil when refused.
	err     error  // Likewise.

	users  int         // Guarded by remote.mu.
	linger *time.Timer // Guarded by remote.mu. Runs while there are no users.
}

// Demand holds a track of a broadcast. It is how every reader gets its track,
// whether it is published here or comes from upstream.
type Demand struct {
	b    *Broadcast
	name string
	d    *demand // nil when the broadcast is published here.
	once sync.Once
}

// Demand asks for a track; one that comes from upstream starts to flow, and shows
// in WaitTrack when it does. Release must follow.
func (b *Broadcast) Demand(name string) *Demand {
	out := &Demand{b: b, name: name}
	if b.remote != nil {
		out.d = b.remote.demand(b, name)
	}
	return out
}

// Track gives the track, when upstream has accepted. The errors are ErrNoTrack,
// those of upstream, and ctx's cause. It does not wait for a track that is to be
// published here later; WaitTrack helps with that.
func (d *Demand) Track(ctx context.Context) (*Track, error) {
	if d.d == nil {
		if t, ok := d.b.Track(d.name); ok {
			return t, nil
		}
		if err := d.b.Err(); err != nil {
			return nil, err
		}
		return nil, ErrNoTrack
	}
	select {
	case <-d.d.settled:
		return d.d.track, d.d.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Settled is closed when Track gives its answer at once.
func (d *Demand) Settled() <-chan struct{} {
	if d.d == nil {
		return closedChannel
	}
	return d.d.settled
}

var closedChannel = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Release gives the track back. The subscription upstream lingers a while after
// the last one.
func (d *Demand) Release() {
	d.once.Do(func() {
		if d.d != nil {
			d.b.remote.release(d.d)
		}
	})
}

func (m *remote) demand(b *Broadcast, name string) *demand {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d := m.demands[name]; d != nil {
		d.users++
		if d.linger != nil {
			d.linger.Stop()
			d.linger = nil
		}
		return d
	}
	d := &demand{b: b, name: name, users: 1, settled: make(chan struct{})}
	d.ctx, d.cancel = context.WithCancel(m.ctx)
	if m.closed {
		d.refuse(context.Cause(m.ctx))
		return d
	}
	m.demands[name] = d
	b.relay.tasks.Go(func() { m.run(d) })
	return d
}

// run is the life of one subscription upstream.
func (m *remote) run(d *demand) {
	t := d.b.makeTrack(d.name, TrackConfig{})
	err := m.cfg.Upstream.Subscribe(d.ctx, t, func(cfg TrackConfig) { d.accept(t, cfg) })
	if err == nil {
		err = ErrClosed
	}
	d.cancel()
	m.forget(d)
	// Whoever asks from now on gets a new subscription.
	t.Close(err)
	d.refuse(err)
}

// accept puts the track into the broadcast.
func (d *demand) accept(t *Track, cfg TrackConfig) {
	d.once.Do(func() {
		t.configure(cfg)
		if d.b.adopt(t) {
			d.track = t
		} else {
			d.err = ErrClosed
		}
		close(d.settled)
	})
}

func (d *demand) refuse(err error) {
	d.once.Do(func() {
		d.err = err
		close(d.settled)
	})
}

func (m *remote) forget(d *demand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.demands[d.name] == d {
		delete(m.demands, d.name)
	}
	if d.linger != nil {
		d.linger.Stop()
	}
}

func (m *remote) release(d *demand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d.users--; d.users > 0 || m.demands[d.name] != d {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(m.cfg.Linger, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if d.linger == timer && d.users == 0 {
			delete(m.demands, d.name)
			d.cancel()
		}
	})
	d.linger = timer
}

// close ends all subscriptions.
func (m *remote) close(err error) {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.cancel(err)
}

// subscriptions counts what runs upstream, and what of it only lingers.
func (m *remote) subscriptions() (all, lingering int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.demands {
		if d.users == 0 {
			lingering++
		}
	}
	return len(m.demands), lingering
}

// adopt takes a track from upstream in; false when the broadcast has ended.
func (b *Broadcast) adopt(t *Track) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return false
	}
	// A track of this name that has just ended is on its way out.
	b.tracks[t.name] = t
	b.wakeLocked()
	return true
}
