package swarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
)

// Edge keeps the swarms at one edge.
type Edge struct {
	// Set by New, then read-only.
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	issuer  *issuer
	words   *words
	off     map[uint32]bool // Autonomous systems.
	carrier map[uint32]bool

	tasks  sync.WaitGroup // Rooms.
	egress atomic.Int64   // bit/s.
	full   atomic.Bool    // No new viewers are wanted.

	mu    sync.Mutex
	life  context.Context            // Guarded by mu. Set by Run; nil before.
	rooms map[roomKey]*room          // Guarded by mu.
	bans  map[netip.Prefix]time.Time // Guarded by mu. Until when.
}

// drawControl tells whether a viewer is to be of the control group.
func (e *Edge) drawControl() bool { return rand.Float64() < e.cfg.Policy.Control }

// The reasons why a viewer cannot be in a swarm, beside those of the policy.
var (
	errClosed = errors.New("closed")
	errAbsent = errors.New("absent")
	errEnded  = errors.New("ended")
	errSlow   = errors.New("slow")
)

// New makes an Edge; nothing runs yet.
func New(cfg Config) (*Edge, error) {
	if err := cfg.prepare(); err != nil {
		return nil, err
	}
	e := &Edge{
		cfg: cfg, log: cfg.Logger, metrics: newMetrics(cfg.Registerer), issuer: newIssuer(), words: newWords(),
		off: set(cfg.Policy.Off), carrier: set(cfg.Policy.Carriers),
		rooms: make(map[roomKey]*room), bans: make(map[netip.Prefix]time.Time),
	}
	if cfg.Registerer != nil {
		if err := cfg.Registerer.Register(collector{e}); err != nil {
			return nil, fmt.Errorf("swarm: %w", err)
		}
	}
	return e, nil
}

func set(numbers []uint32) map[uint32]bool {
	out := make(map[uint32]bool, len(numbers))
	for _, n := range numbers {
		out[n] = true
	}
	return out
}

// Run keeps the swarms until ctx ends and the last of them has.
func (e *Edge) Run(ctx context.Context) error {
	e.mu.Lock()
	e.life = ctx
	e.tasks.Go(func() { e.measureEgress(ctx) })
	e.mu.Unlock()
	<-ctx.Done()
	e.mu.Lock()
	e.life = nil // No room is begun from here on.
	e.mu.Unlock()
	e.tasks.Wait()
	return nil
}

// Extension is what a MoQ server serves for the swarm.
func (e *Edge) Extension() moqt.ServerExtension {
	return moqt.ServerExtension{Extension: Extension(), MaxStreams: wire.MaxStreams, Serve: e.serve}
}

// Extension is the swarm's in a MoQ session.
func Extension() moqt.Extension {
	return moqt.Extension{
		Option: wire.SetupOption, Version: wire.Version, Stream: wire.StreamType, UniStream: wire.PiecesStream,
	}
}

// roomKey names a swarm.
type roomKey struct {
	namespace relay.Namespace
	track     string
}

// enter gives the room of a track, a new one if there is none.
func (e *Edge) enter(ctx context.Context, key roomKey) (*room, error) {
	r, err := e.room(key)
	if err != nil {
		return nil, err
	}
	select {
	case <-r.ready:
		return r, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (e *Edge) room(key roomKey) (*room, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.life == nil || e.life.Err() != nil {
		return nil, errClosed
	}
	if r := e.rooms[key]; r != nil {
		return r, nil
	}
	r := newRoom(e, key)
	e.rooms[key] = r
	life := e.life
	e.tasks.Go(func() { r.run(life) })
	return r, nil
}

// forget takes a room out of the list: nobody enters it any more.
func (e *Edge) forget(r *room) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.rooms[r.key] == r {
		delete(e.rooms, r.key)
	}
}

const (
	// banFor is how long an address is out of the swarm whose viewer was banned: others
	// may be behind it.
	banFor = 10 * time.Minute
	// maxBans bounds the addresses that are.
	maxBans = 4096
)

// ban keeps who comes from an address out for a while.
func (e *Edge) ban(a netip.Addr) {
	if !a.IsValid() || a.IsLoopback() {
		return // Whoever is on this machine is there for a test.
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	for p, until := range e.bans {
		if now.After(until) || len(e.bans) >= maxBans {
			delete(e.bans, p)
		}
	}
	e.bans[household(a)] = now.Add(banFor)
}

func (e *Edge) banned(a netip.Addr) bool {
	if !a.IsValid() {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	until, ok := e.bans[household(a)]
	return ok && time.Now().Before(until)
}

// household is what one subscriber line has: an IPv4 address, a /64 of IPv6.
func household(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // The lengths are right.
	return p
}
