package cluster_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/freshet-live/freshet/relay/cluster"
	"github.com/freshet-live/freshet/relay/cluster/storetest"
)

// link runs a Link until the test ends.
func link(t *testing.T, memory *cluster.Memory) *cluster.Link {
	t.Helper()
	l := memory.Link()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return l
}

func TestMemoryIsAStore(t *testing.T) {
	for _, c := range storetest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				memory := cluster.NewMemory()
				c.Run(t, link(t, memory), link(t, memory))
			})
		})
	}
}

func TestMemoryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := cluster.NewMemory()
		a, b := link(t, memory), link(t, memory)
		watching := make(chan error, 1)
		go func() { watching <- a.Watch(t.Context(), cluster.Nodes, func(cluster.Entry) {}) }()
		synctest.Wait()
		a.SetDown(true)
		if err := <-watching; !errors.Is(err, cluster.ErrUnavailable) {
			t.Errorf("watch: %v", err)
		}
		if _, err := a.Put(t.Context(), cluster.Nodes, "K", nil, 0); !errors.Is(err, cluster.ErrUnavailable) {
			t.Errorf("put: %v", err)
		}
		if _, err := b.Put(t.Context(), cluster.Nodes, "K", nil, 0); err != nil {
			t.Errorf("put of the other: %v", err)
		}
		a.SetDown(false)
		if _, err := a.Get(t.Context(), cluster.Nodes, "K"); err != nil {
			t.Errorf("get: %v", err)
		}
		memory.Wipe()
		if _, err := a.Get(t.Context(), cluster.Nodes, "K"); !errors.Is(err, cluster.ErrNotFound) {
			t.Errorf("after the loss: %v", err)
		}
	})
}
