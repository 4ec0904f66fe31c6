package uplink

import (
	"errors"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/routes"
)

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
