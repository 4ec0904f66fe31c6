package swarm

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/relay"
	policy "github.com/freshet-live/freshet/relay/swarm"
)

const (
	// tickEvery is how often the tracker is told that time passes.
	tickEvery = 100 * time.Millisecond
	// loadEvery is how often it is told of the edge's load.
	loadEvery = time.Second
	// idleFor is how long a room without viewers is kept: what the tracker knows of
	// pairs that cannot connect is of use to those who reload.
	idleFor = 30 * time.Second
	// trackWithin is how long upstream may take to give the track.
	trackWithin = 10 * time.Second
)

// room is one swarm.
type room struct {
	// Set by newRoom, then read-only.
	edge  *Edge
	key   roomKey
	log   *slog.Logger
	ready chan struct{}    // Closed when the track was found, or not.
	tasks chan func(*desk) // What is to be done at the desk.
	done  chan struct{}    // Closed when the desk is.
	rate  atomic.Int64     // The stream's bitrate, bit/s; zero while it is not known.
	state atomic.Pointer[RoomState]

	// Set by run before ready is closed, then read-only.
	track   *relay.Track
	beacons beacons
	pieces  *pieces
	err     error
}

func newRoom(e *Edge, key roomKey) *room {
	return &room{
		edge: e, key: key, log: e.log.With("namespace", string(key.namespace), "track", key.track),
		ready: make(chan struct{}), tasks: make(chan func(*desk)), done: make(chan struct{}),
	}
}

// run finds the track and keeps the swarm until it has ended, or nobody is there.
func (r *room) run(ctx context.Context) {
	defer close(r.done)
	defer r.edge.forget(r)
	release, err := r.find(ctx)
	if err != nil {
		r.err = err
		close(r.ready)
		return
	}
	defer release()
	r.beacons = newBeacons(r.track)
	defer r.beacons.release()
	r.pieces = newPieces(r.track, r.beacons.first)
	close(r.ready)
	r.edge.metrics.rooms.Inc()
	defer r.edge.metrics.rooms.Dec()
	newDesk(r).run(ctx)
}

// find looks the track up, here or upstream. release must follow.
func (r *room) find(ctx context.Context) (release func(), err error) {
	b, ok := r.edge.cfg.Relay.Broadcast(r.key.namespace)
	if !ok {
		return nil, errAbsent
	}
	ctx, cancel := context.WithTimeout(ctx, trackWithin)
	defer cancel()
	d := b.Demand(r.key.track)
	if r.track, err = d.Track(ctx); err != nil {
		d.Release()
		return nil, errAbsent
	}
	return d.Release, nil
}

// do has something done at the desk, and returns when it is begun. It tells whether
// the desk still works.
func (r *room) do(ctx context.Context, f func(*desk)) bool {
	select {
	case r.tasks <- f:
		return true
	case <-r.done:
	case <-ctx.Done():
	}
	return false
}

// bitrate is the stream's, or a guess while it is not known, bit/s.
func (r *room) bitrate() int64 {
	if rate := r.rate.Load(); rate > 0 {
		return rate
	}
	return assumedBitrate
}

// desk is where a room's tracker works, with all that belongs to it. Its goroutine is
// the only one that uses it.
type desk struct {
	r       *room
	tracker *policy.Tracker
	health  *policy.Health
	start   time.Time
	next    policy.PeerID
	members map[policy.PeerID]*member
	empty   time.Time // Since when nobody is there.
	loaded  time.Time // When the tracker was told of the load.
	bitrate bitrateMeter
}

func newDesk(r *room) *desk {
	now := time.Now()
	return &desk{
		r: r, start: now, empty: now, members: make(map[policy.PeerID]*member),
		tracker: policy.NewTracker(r.edge.trackerConfig(rand.Uint64())), health: policy.NewHealth(policy.HealthConfig{}),
	}
}

func (e *Edge) trackerConfig(seed uint64) policy.TrackerConfig {
	return policy.TrackerConfig{Params: e.cfg.Policy.Params, Seed: seed, Small: e.cfg.Policy.MinViewers, Off: e.cfg.Policy.Off, MinLoad: e.cfg.Policy.MinLoad}
}

func (d *desk) run(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case f := <-d.r.tasks:
			f(d)
		case <-ticker.C:
			d.tick()
		case <-ctx.Done():
			d.end(errClosed)
			return
		}
		if d.over() {
			return
		}
	}
}

// over tells whether the room is not needed any more.
func (d *desk) over() bool {
	if d.r.track.Err() != nil {
		d.end(errEnded)
		return true
	}
	return len(d.members) == 0 && time.Since(d.empty) > idleFor
}

// end sends all away.
func (d *desk) end(reason error) {
	d.r.edge.forget(d.r)
	for _, m := range d.members {
		m.expel(policy.Reason(reason.Error()))
		d.r.edge.metrics.left(&m.standing) // The desk hears of no more.
	}
}

func (d *desk) tick() {
	d.step(policy.TrackerEvent{Kind: policy.TrackerTick})
	now := time.Now()
	if now.Sub(d.loaded) < loadEvery {
		return
	}
	d.loaded = now
	if rate := d.bitrate.measure(d.r.track); rate > 0 {
		d.r.rate.Store(rate)
	}
	d.step(policy.TrackerEvent{
		Kind: policy.TrackerLoad, Egress: d.r.edge.egress.Load(), Capacity: d.r.edge.cfg.Policy.Capacity, Bitrate: d.r.bitrate(),
	})
	d.judge()
	d.publish()
}

// step tells the tracker what happened, and carries out what it wants.
func (d *desk) step(e policy.TrackerEvent) {
	for _, a := range d.tracker.Step(time.Since(d.start), e) {
		d.carry(a)
	}
}
