package uplink

import (
	"context"
	"log/slog"
	"maps"
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
	local   local
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
	return m, m.begin()
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
// are closed once their broadcasts have moved, or cannot for the grace.
func (m *Manager) SetParents(list []Parent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wanted := make(map[string]Parent, len(list))
	for _, p := range list {
		wanted[p.URL] = p
	}
	if !maps.Equal(wanted, m.wanted) {
		m.wanted = wanted
		m.linkLocked()
	}
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
		_, wanted := m.wanted[url]
		if !wanted && !l.unwanted {
			m.tasks.Go(func() { m.leave(l) })
		}
		l.unwanted = !wanted
		m.table.Avoid(url, l.unwanted)
	}
	for url, p := range m.wanted {
		if l, ok := m.links[url]; ok {
			l.cost.Store(int64(p.Cost))
			m.table.Cost(url, l.price())
			continue
		}
		l := newLink(m, p)
		m.links[url] = l
		m.tasks.Go(l.run)
	}
	m.applyLocked()
}

// leave ends the connection to a parent that is not wanted any more, once others
// serve what comes from it; not, if it is wanted again before.
func (m *Manager) leave(l *link) {
	for end := time.Now().Add(m.cfg.Grace); time.Now().Before(end) && l.ctx.Err() == nil && m.uses(l); {
		sleep(l.ctx, glance)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if l.unwanted && m.links[l.url] == l {
		delete(m.links, l.url)
		m.table.Remove(l.url)
		m.applyLocked()
		l.cancel()
	}
}

// reprice takes over that the distance of a parent has changed.
func (m *Manager) reprice(l *link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.links[l.url] == l {
		m.table.Cost(l.url, l.price())
		m.applyLocked()
	}
}

// heard takes over what a parent announces, unless s was replaced meanwhile.
func (m *Manager) heard(l *link, s *session, list []routes.Route) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.links[l.url] != l || l.upstream() != relay.Upstream(s) {
		return
	}
	loops := m.table.Set(l.url, l.price(), list)
	m.table.Avoid(l.url, l.unwanted)
	m.table.Doubt(l.url, l.doubtful())
	m.metrics.loops.Add(float64(loops))
	m.applyLocked()
}

// doubt moves to other parents what they can serve, too, or back.
func (m *Manager) doubt(l *link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.links[l.url] == l {
		m.table.Doubt(l.url, l.doubtful())
		m.applyLocked()
	}
}

// uses tells whether some broadcast comes from a parent.
func (m *Manager) uses(l *link) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.choices {
		if c.Parent == l.url {
			return m.links[l.url] == l
		}
	}
	return false
}

// lost forgets what a parent announced, unless it has a session again.
func (m *Manager) lost(l *link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.links[l.url] == l && l.upstream() == nil {
		m.table.Remove(l.url)
		m.applyLocked()
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
