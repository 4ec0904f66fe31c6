package cluster

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// operationTime is how long one answer of the Store is waited for: a put
	// takes 24 ms in the worst hundredth, with three replicas on disks.
	operationTime = time.Second
	// maxTurns bounds how often a write is tried against others that write.
	maxTurns = 4
)

func (m *Member) get(ctx context.Context, table Table, key string) (Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, operationTime)
	defer cancel()
	e, err := m.cfg.Store.Get(ctx, table, key)
	m.health.read(err)
	return e, err
}

func (m *Member) put(ctx context.Context, table Table, key string, value any, revision uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, operationTime)
	defer cancel()
	start := time.Now()
	revision, err := m.cfg.Store.Put(ctx, table, key, encode(value), revision)
	m.metrics.writes.Observe(time.Since(start).Seconds())
	m.health.report(err)
	return revision, err
}

// del removes a key also when ctx has ended: it is how one leaves.
func (m *Member) del(ctx context.Context, table Table, key string, revision uint64) error {
	if revision == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operationTime)
	defer cancel()
	err := m.cfg.Store.Delete(ctx, table, key, revision)
	m.health.report(err)
	return err
}

// jitter is d +-20 %, so that nodes which started together do not stay together.
func jitter(d time.Duration) time.Duration {
	return d*4/5 + rand.N(d*2/5)
}
