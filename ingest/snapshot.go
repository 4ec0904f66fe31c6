package ingest

import (
	"cmp"
	"slices"
	"time"
)

// State tells how a broadcast is fed.
type State string

// The closed set of states: safe as metric labels.
const (
	// StateReceiving: the publisher sends.
	StateReceiving State = "receiving"
	// StateSilent: the publisher is connected and sends nothing.
	StateSilent State = "silent"
	// StateReconnecting: the publisher has gone and is waited for.
	StateReconnecting State = "reconnecting"
)

// Status describes a broadcast for the API.
type Status struct {
	Name       string    `json:"name"`
	State      State     `json:"state"`
	Since      time.Time `json:"since"`
	Reconnects int       `json:"reconnects"`
	// Protocol, Remote, User and Stats are the publisher's, and empty without.
	Protocol string `json:"protocol,omitempty"`
	Remote   string `json:"remote,omitempty"`
	User     string `json:"user,omitempty"`
	Stats    any    `json:"stats,omitempty"`
}

// Snapshot describes every broadcast, ordered by name.
func (s *Sessions) Snapshot() []Status {
	s.mu.Lock()
	out := make([]Status, 0, len(s.broadcasts))
	stats := make([]func() any, 0, len(s.broadcasts))
	for _, b := range s.broadcasts {
		status, stat := b.status()
		out = append(out, status)
		stats = append(stats, stat)
	}
	s.mu.Unlock()

	for i, stat := range stats {
		if stat != nil {
			out[i].Stats = stat()
		}
	}
	slices.SortFunc(out, func(a, b Status) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// status describes b. Guarded by Sessions.mu; the function is for outside it.
func (b *broadcast) status() (Status, func() any) {
	status := Status{Name: b.name, State: b.state(), Since: b.since, Reconnects: b.reconnects}
	if b.owner == nil {
		return status, nil
	}
	req := b.owner.req
	status.Protocol, status.Remote, status.User = req.Protocol, req.Remote, req.User
	return status, req.Stats
}

func (b *broadcast) state() State {
	switch {
	case b.owner == nil:
		return StateReconnecting
	case b.owner.idle() >= silentAfter:
		return StateSilent
	}
	return StateReceiving
}

// states is the state of every broadcast, in no order.
func (s *Sessions) states() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]State, 0, len(s.broadcasts))
	for _, b := range s.broadcasts {
		out = append(out, b.state())
	}
	return out
}
