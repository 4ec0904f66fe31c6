package uplink

import (
	"maps"
	"slices"
)

// Snapshot is what a Manager shows to people.
type Snapshot struct {
	Parents    []ParentState    `json:"parents"`
	Broadcasts []BroadcastState `json:"broadcasts"`
}

// ParentState is a parent's connection.
type ParentState struct {
	URL       string `json:"url"`
	Connected bool   `json:"connected"`
	Draft     int    `json:"draft,omitempty"`
	// RTTMillis is the round-trip time, where the transport measures it.
	RTTMillis float64 `json:"rttMs,omitempty"`
	// Cost is that of SetParents; Distance the class of the round-trip time that
	// orders parents of one cost (routes.Distance), once it was measured.
	Cost     int  `json:"cost"`
	Distance *int `json:"distance,omitempty"`
}

// BroadcastState is the way to a broadcast: Hops are the nodes it passes, the
// origin first.
type BroadcastState struct {
	Name   string   `json:"name"`
	Parent string   `json:"parent"`
	Epoch  uint64   `json:"epoch,omitempty"`
	Hops   []string `json:"hops"`
}

// Snapshot tells of the parents and of the ways in force, ordered.
func (m *Manager) Snapshot() Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := Snapshot{Parents: []ParentState{}, Broadcasts: []BroadcastState{}}
	for _, url := range slices.Sorted(maps.Keys(m.links)) {
		out.Parents = append(out.Parents, m.links[url].state())
	}
	for _, name := range slices.Sorted(maps.Keys(m.choices)) {
		c := m.choices[name]
		out.Broadcasts = append(out.Broadcasts, BroadcastState{
			Name: name, Parent: c.Parent, Epoch: c.Route.Epoch, Hops: c.Route.Hops,
		})
	}
	return out
}

// Distance is how far a parent is, as a class (routes.Distance); false when it is
// not connected, or the transport does not tell.
func (m *Manager) Distance(url string) (class int, known bool) {
	m.mu.Lock()
	l := m.links[url]
	m.mu.Unlock()
	if l == nil {
		return 0, false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	class, known = l.distance.Class()
	return class, known && l.session != nil
}

func (l *link) state() ParentState {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := ParentState{URL: l.url, Cost: int(l.cost.Load())}
	if class, ok := l.distance.Class(); ok {
		out.Distance = &class
	}
	if s := l.session; s != nil {
		out.Connected, out.Draft = true, s.c.Draft()
		out.RTTMillis = float64(s.rtt().Microseconds()) / 1000
	}
	return out
}
