package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
)

// Config configures a Member.
type Config struct {
	// Store is what the nodes share.
	Store Store
	// Node is this node; its ID is its own in the cluster.
	Node Node
	// WhenDown is for new publishers while the Store is away; Accept when empty.
	WhenDown Policy
	// Now is the clock that epochs are made of; time.Now when nil.
	Now func() time.Time
	// Logger and Registerer may be nil.
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Member is one node's part in the cluster. It implements Directory.
type Member struct {
	// Set by New, then read-only.
	cfg      Config
	log      *slog.Logger
	metrics  *metrics
	instance string // Of this process.
	health   *health
	streams  *view[record]
	nodes    *view[presence]
	fresh    chan struct{} // One slot: pending has grown.
	changed  chan struct{} // One slot: self has changed.

	mu      sync.Mutex
	self    Node              // Guarded by mu.
	leases  map[string]*lease // Guarded by mu. By key.
	pending []*lease          // Guarded by mu. Not kept yet.
}

var _ Directory = (*Member)(nil)

// New makes a Member that nobody hears of before it runs.
func New(cfg Config) (*Member, error) {
	switch {
	case cfg.Store == nil:
		return nil, errors.New("cluster: no store")
	case cfg.Node.ID == "":
		return nil, errors.New("cluster: no node ID")
	}
	cfg.WhenDown = cmp.Or(cfg.WhenDown, Accept)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Member{
		cfg: cfg, log: cfg.Logger, metrics: newMetrics(cfg.Registerer), instance: rand.Text(),
		health:  &health{log: cfg.Logger, failing: time.Now(), err: errors.New("not reached yet")},
		streams: newView[record](), nodes: newView[presence](),
		fresh: make(chan struct{}, 1), changed: make(chan struct{}, 1),
		self: cfg.Node, leases: make(map[string]*lease),
	}
	if cfg.Registerer != nil {
		cfg.Registerer.MustRegister(newCollector(m))
	}
	return m, nil
}

// Run keeps this node and what it owns in the directory until ctx ends; then it
// takes its leave, so that others need not wait for its records to expire. It
// fails only if the Store cannot run at all.
func (m *Member) Run(ctx context.Context) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	group, life := errgroup.WithContext(life)
	group.Go(func() error { return m.cfg.Store.Run(life) })
	group.Go(func() error {
		defer end() // The Store goes last.
		member, leave := context.WithCancel(life)
		defer leave()
		defer context.AfterFunc(ctx, leave)()
		m.run(member)
		return nil
	})
	return group.Wait()
}

func (m *Member) run(ctx context.Context) {
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { m.watch(ctx, Streams, m.streamEvent) })
	parts.Go(func() { m.watch(ctx, Nodes, m.nodeEvent) })
	parts.Go(func() { m.keepPresence(ctx) })
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			if floor, ok := m.health.floor(); ok {
				m.streams.sweep(floor)
				m.nodes.sweep(floor)
			}
		case <-m.fresh:
			for _, l := range m.takePending() {
				parts.Go(func() { l.keep(ctx) })
			}
		}
	}
}

func (m *Member) takePending() []*lease {
	m.mu.Lock()
	defer m.mu.Unlock()
	pending := m.pending
	m.pending = nil
	return pending
}

// watch follows a table, again and again while the Store fails.
func (m *Member) watch(ctx context.Context, table Table, apply func(Entry)) {
	for {
		err := m.cfg.Store.Watch(ctx, table, apply)
		if ctx.Err() != nil {
			return
		}
		m.log.Debug("watch ended", "table", string(table), "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepEvery):
		}
	}
}

func (m *Member) streamEvent(e Entry) {
	if e.Value == nil {
		m.streams.remove(e.Key, e.Revision)
		return
	}
	rec, ok := decodeRecord(e.Key, e.Value)
	if !ok {
		m.log.Warn("unreadable record in the directory", "table", string(Streams), "key", e.Key)
		return
	}
	m.streams.put(e.Key, rec, e.Revision, func(old record) bool { return old.beats(rec) })
	if rec.Instance == m.instance {
		return
	}
	if l := m.lease(e.Key); l != nil { // Whose is it? It asks at once.
		l.kick()
	}
}

func (m *Member) nodeEvent(e Entry) {
	if e.Value == nil {
		m.nodes.remove(e.Key, e.Revision)
		return
	}
	p, ok := decodePresence(e.Key, e.Value)
	if !ok {
		m.log.Warn("unreadable record in the directory", "table", string(Nodes), "key", e.Key)
		return
	}
	m.nodes.put(e.Key, p, e.Revision, func(presence) bool { return false })
}

func (m *Member) lease(key string) *lease {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.leases[key]
}

// Owner implements Directory.
func (m *Member) Owner(name string) (Owner, bool) {
	key := keyOf(name)
	if l := m.lease(key); l != nil {
		if rec, ready := l.current(); ready {
			return rec.owner(), true
		}
	}
	rec, gone, ok := m.streams.last(key)
	if !ok || gone || rec.Node == m.cfg.Node.ID { // What we owned once.
		return Owner{}, false
	}
	return rec.owner(), true
}

// Owners implements Directory.
func (m *Member) Owners() ([]Owner, <-chan struct{}) {
	known, changed := m.streams.all()
	maps.DeleteFunc(known, func(_ string, rec record) bool { return rec.Node == m.cfg.Node.ID })
	for _, l := range m.held() {
		if rec, ready := l.current(); ready {
			known[l.key] = rec
		}
	}
	out := make([]Owner, 0, len(known))
	for _, rec := range known {
		out = append(out, rec.owner())
	}
	slices.SortFunc(out, func(a, b Owner) int { return strings.Compare(a.Name, b.Name) })
	return out, changed
}

// held is a snapshot of the leases.
func (m *Member) held() []*lease {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.leases))
}

// Nodes implements Directory.
func (m *Member) Nodes() ([]Node, <-chan struct{}) {
	known, changed := m.nodes.all()
	self := m.node()
	delete(known, keyOf(self.ID))
	out := append(make([]Node, 0, len(known)+1), self)
	for _, p := range known {
		out = append(out, p.Node)
	}
	slices.SortFunc(out, func(a, b Node) int { return strings.Compare(a.ID, b.ID) })
	return out, changed
}

func (m *Member) node() Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.self
}

// Health implements Directory.
func (m *Member) Health() error {
	err := m.health.verdict()
	if err == nil {
		return nil
	}
	if registered, alone := m.countLeases(); alone > 0 {
		return fmt.Errorf("%w; %d of %d broadcasts are not registered", err, alone, registered+alone)
	}
	return err
}

func (m *Member) countLeases() (registered, alone int) {
	for _, l := range m.held() {
		if l.registered() {
			registered++
		} else {
			alone++
		}
	}
	return registered, alone
}
