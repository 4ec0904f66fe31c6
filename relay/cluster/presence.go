package cluster

import (
	"context"
	"errors"
	"time"
)

// retryEvery is how often a Store that fails is tried: it is the probe that
// finds out when it is back.
const retryEvery = 500 * time.Millisecond

// Register implements Directory.
func (m *Member) Register(n Node) {
	n.ID = m.cfg.Node.ID
	m.mu.Lock()
	same := m.self == n
	m.self = n
	m.mu.Unlock()
	if same {
		return
	}
	select {
	case m.changed <- struct{}{}:
	default:
	}
	m.nodes.wake()
}

// keepPresence keeps this node's record until ctx ends.
func (m *Member) keepPresence(ctx context.Context) {
	var revision uint64
	established := false
	for {
		wait := retryEvery
		if m.announce(ctx, &revision, established) {
			established, wait = true, jitter(renewEvery)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-m.changed:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			_ = m.del(ctx, Nodes, keyOf(m.cfg.Node.ID), revision) // Else it expires.
			return
		}
	}
}

// announce writes this node's record, and takes it from another process of the
// same ID. Before a restart that was us; once we were established it is somebody
// else.
func (m *Member) announce(ctx context.Context, revision *uint64, established bool) bool {
	key := keyOf(m.cfg.Node.ID)
	for range maxTurns {
		written, err := m.put(ctx, Nodes, key, presence{Node: m.node(), Instance: m.instance}, *revision)
		if err == nil {
			*revision = written
			return true
		}
		if !errors.Is(err, ErrConflict) {
			return false
		}
		e, err := m.get(ctx, Nodes, key)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false
		}
		*revision = e.Revision // Zero when it has expired.
		if p, ok := decodePresence(key, e.Value); ok && established && p.Instance != m.instance {
			m.health.duplicate(p.ID)
		}
	}
	m.health.report(errUndecided)
	return false
}
