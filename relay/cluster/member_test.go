package cluster_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/relay/cluster"
)

// join runs a member until the test ends.
func join(t *testing.T, store cluster.Store, cfg cluster.Config) *cluster.Member {
	t.Helper()
	cfg.Store = store
	m, err := cluster.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return m
}

func node(id string) cluster.Config {
	return cluster.Config{Node: cluster.Node{ID: id, Tier: cluster.TierOrigin}}
}

func acquire(t *testing.T, m *cluster.Member, name string) cluster.Lease {
	t.Helper()
	l, err := m.Acquire(t.Context(), name, cluster.Claim{Publisher: "p"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func lost(l cluster.Lease) bool {
	select {
	case <-l.Lost():
		return true
	default:
		return false
	}
}

// ownedBy fails unless err names the owner.
func ownedBy(t *testing.T, err error, node string) {
	t.Helper()
	owned, ok := errors.AsType[*cluster.OwnedError](err)
	if !ok || !errors.Is(err, cluster.ErrOwned) || owned.Owner.Node != node {
		t.Errorf("%v; want one owned by %q", err, node)
	}
}

func TestOneOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := cluster.NewMemory()
		a := join(t, memory.Link(), node("a"))
		b := join(t, memory.Link(), node("b"))
		synctest.Wait()
		first := acquire(t, a, "live/cam1")
		_, err := b.Acquire(t.Context(), "live/cam1", cluster.Claim{Publisher: "p"})
		ownedBy(t, err, "a")
		_, err = a.Acquire(t.Context(), "live/cam1", cluster.Claim{})
		ownedBy(t, err, "a")
		time.Sleep(time.Minute) // The lease is renewed.
		want := cluster.Owner{Name: "live/cam1", Node: "a", Publisher: "p", Epoch: first.Epoch()}
		for _, m := range []*cluster.Member{a, b} {
			if got, ok := m.Owner("live/cam1"); !ok || got != want {
				t.Errorf("owner: %+v, %v", got, ok)
			}
			if got, _ := m.Owners(); !cmp.Equal(got, []cluster.Owner{want}) {
				t.Errorf("owners: %+v", got)
			}
		}
		first.Release()
		synctest.Wait()
		if _, ok := b.Owner("live/cam1"); ok {
			t.Error("released, and still owned")
		}
		second := acquire(t, b, "live/cam1")
		if second.Epoch() <= first.Epoch() || lost(first) {
			t.Errorf("epochs %d, %d", first.Epoch(), second.Epoch())
		}
	})
}

// undecided is a Store that can lose its quorum as NATS does where the leader was: it
// reads on, and every write fails against another that is never done.
type undecided struct {
	cluster.Store
	lost atomic.Bool
}

func (u *undecided) Put(ctx context.Context, table cluster.Table, key string, value []byte, revision uint64) (uint64, error) {
	if u.lost.Load() {
		return 0, cluster.ErrConflict
	}
	return u.Store.Put(ctx, table, key, value, revision)
}

func TestConflictsWithoutEndAreAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &undecided{Store: cluster.NewMemory().Link()}
		m := join(t, store, node("a"))
		synctest.Wait()
		held := acquire(t, m, "live/cam1")
		time.Sleep(10 * time.Second)
		if err := m.Health(); err != nil {
			t.Fatalf("well, and says %v", err)
		}
		store.lost.Store(true)
		time.Sleep(5 * time.Second)
		if err := m.Health(); !errors.Is(err, cluster.ErrUnavailable) {
			t.Errorf("nothing is written, and health is %v", err)
		}
		acquire(t, m, "live/cam2")
		if lost(held) {
			t.Error("what was owned is lost")
		}
		store.lost.Store(false)
		time.Sleep(5 * time.Second)
		if err := m.Health(); err != nil {
			t.Errorf("well again, and says %v", err)
		}
	})
}
