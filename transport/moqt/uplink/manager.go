package uplink

import (
	"context"
	"errors"
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

// broadcast is one that parents serve.
type broadcast struct {
	b      *relay.Broadcast
	source *relay.Switch
	parent string
	// ending runs while no parent serves it.
	ending *time.Timer
	// over: its publisher has left for good, and nothing comes back.
	over bool
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

// applyLocked makes the relay's broadcasts those of the table. Guarded by mu.
func (m *Manager) applyLocked() {
	choices := m.table.Choices()
	for name, c := range choices {
		m.chooseLocked(relay.Namespace(name), c)
	}
	ended := m.table.Ended()
	for ns, b := range m.incoming {
		_, served := choices[string(ns)]
		_, over := ended[string(ns)]
		switch {
		case served || b.over:
		case over:
			m.finishLocked(ns, b)
		case b.ending == nil:
			m.orphanLocked(ns, b)
		}
	}
	m.choices = choices
	m.metrics.broadcasts.Set(float64(len(choices)))
	close(m.changed)
	m.changed = make(chan struct{})
}

// open announces what parents serve and could not be announced before, because another
// broadcast had the name: one that was published here, or the one before.
func (m *Manager) open() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, c := range m.choices {
		ns := relay.Namespace(name)
		if b := m.incoming[ns]; b == nil || b.b.Err() != nil {
			m.chooseLocked(ns, c)
		}
	}
}

// chooseLocked gets a broadcast from a parent. Guarded by mu.
func (m *Manager) chooseLocked(ns relay.Namespace, c routes.Choice) {
	l := m.links[c.Parent]
	if ns.Hidden() || l == nil {
		return
	}
	b := m.incoming[ns]
	if b != nil && b.over {
		b.ending.Stop()
		b.b.Close(relay.ErrEnded)
	}
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
	m.endLocked(ns, b, m.cfg.Grace)
}

// finishLocked ends a broadcast whose publisher has left for good: its tracks end as
// they do at the parent. Guarded by mu.
func (m *Manager) finishLocked(ns relay.Namespace, b *broadcast) {
	if b.ending != nil {
		b.ending.Stop()
	}
	b.over = true
	b.source.Finish()
	m.endLocked(ns, b, endWithin)
}

func (m *Manager) endLocked(ns relay.Namespace, b *broadcast, after time.Duration) {
	var timer *time.Timer
	timer = time.AfterFunc(after, func() {
		m.mu.Lock()
		if m.incoming[ns] != b || b.ending != timer {
			m.mu.Unlock()
			return
		}
		delete(m.incoming, ns)
		m.mu.Unlock()
		m.log.Info("broadcast ended, no parent serves it", "broadcast", string(ns), "for_good", b.over)
		b.b.Close(relay.ErrEnded)
	})
	b.ending = timer
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
