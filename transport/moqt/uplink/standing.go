package uplink

import "slices"

// Answers tells whether a parent is connected, heard and stays; known is false until a
// connection was tried.
func (m *Manager) Answers(url string) (ok, known bool) {
	m.mu.Lock()
	l := m.links[url]
	m.mu.Unlock()
	if l == nil {
		return false, false
	}
	return l.answers()
}

// Suffice tells whether the parents that are named can serve, without the others, all
// that any parent serves.
func (m *Manager) Suffice(urls []string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.Suffice(func(url string) bool { return slices.Contains(urls, url) })
}

// Barren tells whether a parent serves nothing, although there is a broadcast that waits
// for a parent, or comes from one that is silent or goes away.
func (m *Manager) Barren(url string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.table.Serves(url) == 0 && m.wantingLocked()
}

// wantingLocked tells whether some broadcast needs another parent. Guarded by mu.
func (m *Manager) wantingLocked() bool {
	for _, b := range m.incoming {
		if b.ending != nil {
			return true
		}
	}
	for _, c := range m.choices {
		if l := m.links[c.Parent]; l != nil && l.doubtful() {
			return true
		}
	}
	return false
}
