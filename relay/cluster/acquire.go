package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// acquireTime is how long a publisher waits for a Store that fails, before
	// the Policy decides.
	acquireTime = time.Second
	// acquireAgain is the pause between two tries.
	acquireAgain = 50 * time.Millisecond
)

// Acquire implements Directory.
func (m *Member) Acquire(ctx context.Context, name string, claim Claim) (Lease, error) {
	start := time.Now()
	l, err := m.reserve(name, claim)
	if err == nil {
		if err = m.win(ctx, l); err != nil {
			m.forget(l)
		}
	}
	if err != nil {
		m.metrics.acquired.WithLabelValues(verdict(err)).Inc()
		return nil, fmt.Errorf("own %q: %w", name, err)
	}
	m.metrics.acquire.Observe(time.Since(start).Seconds())
	m.metrics.acquired.WithLabelValues(verdict(nil)).Inc()
	m.admit(l)
	return l, nil
}

// reserve takes the name among the publishers of this node.
func (m *Member) reserve(name string, claim Claim) (*lease, error) {
	l := &lease{
		member: m, key: keyOf(name), lost: make(chan struct{}), kicked: make(chan struct{}, 1),
		rec: record{
			Name: name, Node: m.cfg.Node.ID, Instance: m.instance,
			Publisher: claim.Publisher, Priority: claim.Priority,
		},
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if other := m.leases[l.key]; other != nil {
		return nil, &OwnedError{Owner: Owner{Name: name, Node: m.cfg.Node.ID}}
	}
	m.leases[l.key] = l
	return l, nil
}

// admit hands the lease over to Run, which keeps it.
func (m *Member) admit(l *lease) {
	l.mu.Lock()
	l.ready = true
	l.mu.Unlock()
	m.mu.Lock()
	m.pending = append(m.pending, l)
	m.mu.Unlock()
	select {
	case m.fresh <- struct{}{}:
	default:
	}
	m.streams.wake()
}

// forget drops a lease that was refused, lost or released, but not its epoch.
func (m *Member) forget(l *lease) {
	m.mu.Lock()
	if m.leases[l.key] == l {
		delete(m.leases, l.key)
	}
	m.mu.Unlock()
	if rec, ready := l.current(); ready {
		m.streams.bury(l.key, rec, func(old record) bool { return old.beats(rec) })
	}
}

// win writes the record of a new lease, or says whose it is.
func (m *Member) win(ctx context.Context, l *lease) error {
	deadline := time.Now().Add(acquireTime)
	for {
		if m.health.isDown() {
			return m.decide(l, ErrUnavailable)
		}
		err := m.try(ctx, l)
		switch {
		case err == nil || errors.Is(err, ErrOwned):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Now().Before(deadline):
		case errors.Is(err, ErrConflict): // It answers, but never the same twice.
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		default:
			return m.decide(l, err)
		}
		select {
		case <-time.After(jitter(acquireAgain)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// try is one attempt at an answer of the Store.
func (m *Member) try(ctx context.Context, l *lease) error {
	last, _, _ := m.streams.last(l.key)
	rec := m.stamp(l, last.Epoch)
	revision, err := m.put(ctx, Streams, l.key, rec, 0)
	if errors.Is(err, ErrConflict) {
		var e Entry
		if e, err = m.get(ctx, Streams, l.key); err != nil {
			if errors.Is(err, ErrNotFound) { // Gone just now.
				return ErrConflict
			}
			return err
		}
		other, ok := decodeRecord(l.key, e.Value)
		if ok && !m.mayTake(rec, other) {
			return &OwnedError{Owner: other.owner()}
		}
		rec = m.stamp(l, max(last.Epoch, other.Epoch))
		revision, err = m.put(ctx, Streams, l.key, rec, e.Revision)
	}
	if err != nil {
		return err
	}
	l.setRevision(revision)
	return nil
}

// mayTake tells whether rec may follow other: this node's own from before, one
// without a publisher, or one of a lower priority.
func (m *Member) mayTake(rec, other record) bool {
	return other.Node == rec.Node || other.Held || rec.Priority > other.Priority
}

// stamp gives the lease an epoch above previous. The clock makes it rise also
// when nobody knows the previous one; the Store's revision would not do, since
// it begins anew when a Store is lost.
func (m *Member) stamp(l *lease, previous uint64) record {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rec.Epoch = max(previous+1, uint64(m.cfg.Now().UnixMilli()))
	return l.rec
}

// decide is the Policy: the Store does not answer.
func (m *Member) decide(l *lease, cause error) error {
	if m.cfg.WhenDown == Reject {
		return fmt.Errorf("%w: %w", ErrUnavailable, cause)
	}
	last, gone, ok := m.streams.last(l.key)
	rec := m.stamp(l, last.Epoch)
	// As long as nobody can tell that the owner has gone, it has not.
	if ok && !gone && !m.mayTake(rec, last) {
		return &OwnedError{Owner: last.owner()}
	}
	m.log.Warn("publisher accepted without the directory", "name", rec.Name, "epoch", rec.Epoch)
	return nil
}

// verdict names the outcome for the metric: a closed set of labels.
func verdict(err error) string {
	switch {
	case err == nil:
		return "granted"
	case errors.Is(err, ErrOwned):
		return "owned"
	case errors.Is(err, ErrUnavailable):
		return "unavailable"
	}
	return "gone"
}
