package uplink

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/routes"
)

// Manager keeps sessions to the parents and announces their broadcasts in the
// relay.
type Manager struct {
	// Set by New, then read-only.
	cfg     Config
	log     *slog.Logger
	metrics metrics
	own     *relay.Broadcast // Namespace.
	track   *relay.Track     // Track.

	mu       sync.Mutex
	ctx      context.Context                // Guarded by mu. Of Run; nil before.
	tasks    *sync.WaitGroup                // Guarded by mu. Of Run.
	wanted   map[string]Parent              // Guarded by mu. By URL.
	links    map[string]*link               // Guarded by mu. By URL.
	table    *routes.Table                  // Guarded by mu.
	choices  map[string]routes.Choice       // Guarded by mu. Those in force.
	incoming map[relay.Namespace]*broadcast // Guarded by mu. What came from parents.
	changed  chan struct{}                  // Guarded by mu. Closed and replaced when choices change.
}

// broadcast is one that parents serve.
type broadcast struct {
	b      *relay.Broadcast
	source *relay.Switch
	parent string
	// ending runs while no parent serves it.
	ending *time.Timer
}

// New makes a Manager without parents. It fails when the relay has one already.
func New(cfg Config) (*Manager, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Grace <= 0 {
		cfg.Grace = DefaultGrace
	}
	m := &Manager{
		cfg: cfg, log: cfg.Logger, metrics: newMetrics(cfg.Registerer),
		wanted:   make(map[string]Parent),
		links:    make(map[string]*link),
		table:    routes.NewTable(cfg.Self),
		choices:  make(map[string]routes.Choice),
		incoming: make(map[relay.Namespace]*broadcast),
		changed:  make(chan struct{}),
	}
	return m, m.open()
}

// Run keeps the sessions and announces this node's broadcasts to its children,
// until ctx ends. Then the broadcasts of the parents end, too.
func (m *Manager) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var tasks sync.WaitGroup
	m.mu.Lock()
	m.ctx, m.tasks = ctx, &tasks
	m.linkLocked()
	m.mu.Unlock()
	err := m.announce(ctx)
	cancel()
	tasks.Wait()
	m.close()
	return err
}

// SetParents changes the parents: sessions to new ones are opened, those to others
// are closed once their broadcasts have moved.
func (m *Manager) SetParents(list []Parent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wanted = make(map[string]Parent, len(list))
	for _, p := range list {
		m.wanted[p.URL] = p
	}
	m.linkLocked()
}

// Renew replaces the session with each parent by a new one, which shows the token of
// now; the one before serves on until then.
func (m *Manager) Renew() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.links {
		l.renew()
	}
}

// linkLocked makes the links those to the wanted parents. Guarded by mu.
func (m *Manager) linkLocked() {
	if m.ctx == nil || m.ctx.Err() != nil {
		return
	}
	for url, l := range m.links {
		if _, ok := m.wanted[url]; !ok {
			delete(m.links, url)
			m.table.Remove(url)
			m.applyLocked()
			l.cancel()
		}
	}
	for url, p := range m.wanted {
		if l, ok := m.links[url]; ok {
			l.cost.Store(int64(p.Cost))
			continue
		}
		l := newLink(m, p)
		m.links[url] = l
		m.tasks.Go(l.run)
	}
}

// heard takes over what a parent announces.
func (m *Manager) heard(l *link, list []routes.Route, cost int, avoid bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.links[l.url] != l {
		return
	}
	loops := m.table.Set(l.url, cost, list)
	m.table.Avoid(l.url, avoid)
	m.metrics.loops.Add(float64(loops))
	m.applyLocked()
}

// avoid moves to other parents what they can serve, too, or back.
func (m *Manager) avoid(l *link, avoid bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.links[l.url] == l {
		m.table.Avoid(l.url, avoid)
		m.applyLocked()
	}
}

// lost forgets what a parent announced.
func (m *Manager) lost(l *link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.links[l.url] == l {
		m.table.Remove(l.url)
		m.applyLocked()
	}
}

// applyLocked makes the relay's broadcasts those of the table. Guarded by mu.
func (m *Manager) applyLocked() {
	choices := m.table.Choices()
	for name, c := range choices {
		m.chooseLocked(relay.Namespace(name), c)
	}
	for ns, b := range m.incoming {
		if _, ok := choices[string(ns)]; !ok && b.ending == nil {
			m.orphanLocked(ns, b)
		}
	}
	m.choices = choices
	m.metrics.broadcasts.Set(float64(len(choices)))
	close(m.changed)
	m.changed = make(chan struct{})
}

// chooseLocked gets a broadcast from a parent. Guarded by mu.
func (m *Manager) chooseLocked(ns relay.Namespace, c routes.Choice) {
	l := m.links[c.Parent]
	if ns.Hidden() || l == nil {
		return
	}
	b := m.incoming[ns]
	if b == nil || b.b.Err() != nil {
		if b = m.openLocked(ns); b == nil {
			return
		}
	}
	if b.ending != nil {
		b.ending.Stop()
		b.ending = nil
	}
	if b.parent != "" && b.parent != c.Parent {
		m.metrics.switches.Inc()
		m.log.Info("broadcast comes from another parent", "broadcast", string(ns), "parent", c.Parent, "before", b.parent)
	}
	b.parent = c.Parent
	b.source.Set(l.upstream())
}

// openLocked announces a broadcast in the relay; nil when it is published here.
// Guarded by mu.
func (m *Manager) openLocked(ns relay.Namespace) *broadcast {
	b := &broadcast{source: &relay.Switch{Grace: movedGrace}}
	var err error
	b.b, err = m.cfg.Relay.Announce(ns, relay.AnnounceConfig{
		Upstream: windowed{b.source, m.cfg.Window}, Linger: m.cfg.Linger,
	})
	if err != nil {
		if !errors.Is(err, relay.ErrExists) {
			m.log.Warn("broadcast cannot be announced", "broadcast", string(ns), "error", err)
		}
		return nil
	}
	m.incoming[ns] = b
	return b
}

// orphanLocked ends a broadcast unless a parent serves it again soon. Guarded by mu.
func (m *Manager) orphanLocked(ns relay.Namespace, b *broadcast) {
	b.source.Set(nil)
	b.ending = time.AfterFunc(m.cfg.Grace, func() {
		m.mu.Lock()
		if m.incoming[ns] != b || b.ending == nil {
			m.mu.Unlock()
			return
		}
		delete(m.incoming, ns)
		m.mu.Unlock()
		m.log.Info("broadcast ended, no parent serves it", "broadcast", string(ns))
		b.b.Close(relay.ErrEnded)
	})
}

// close ends the broadcasts of the parents.
func (m *Manager) close() {
	m.mu.Lock()
	incoming := m.incoming
	m.incoming = make(map[relay.Namespace]*broadcast)
	m.mu.Unlock()
	for _, b := range incoming {
		if b.ending != nil {
			b.ending.Stop()
		}
		b.b.Close(relay.ErrClosed)
	}
}

// Connected is the number of parents that are connected.
func (m *Manager) Connected() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, l := range m.links {
		if l.upstream() != nil {
			n++
		}
	}
	return n
}
