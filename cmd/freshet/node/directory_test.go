package node_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay/cluster"
)

// Ten minutes without a directory: what runs runs on, what is new begins, and the
// nodes say so; when it is back, empty, all of it is registered.
func TestDirectoryIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first, second, edge := two(w)
		first.mustPublish(cam)
		time.Sleep(time.Second)
		v := edge.view(cam)
		time.Sleep(2 * time.Second)
		w.directory.SetDown(true)
		v.expect(time.Minute, 150*time.Millisecond)
		for _, m := range w.all() {
			if err := m.Directory.Health(); !errors.Is(err, cluster.ErrUnavailable) {
				t.Errorf("%s: %v", m.id, err)
			}
			if m.metric("freshet_cluster_up") != 0 {
				t.Errorf("%s: the metric says that the directory is up", m.id)
			}
		}
		second.mustPublish("live/new")
		time.Sleep(time.Second)
		late := edge.view("live/new")
		time.Sleep(2 * time.Second)
		v.since()
		late.expect(9*time.Minute, 150*time.Millisecond)
		if err := v.since().flawless(9*time.Minute, 150*time.Millisecond); err != nil {
			t.Error(err)
		}
		w.directory.Wipe()
		w.directory.SetDown(false)
		late.since()
		v.expect(30*time.Second, 150*time.Millisecond)
		if err := late.since().flawless(30*time.Second, 150*time.Millisecond); err != nil {
			t.Error(err)
		}
		for _, m := range w.all() {
			owners, _ := m.Directory.Owners()
			nodes, _ := m.Directory.Nodes()
			if err := m.Directory.Health(); err != nil || len(owners) != 2 || len(nodes) != 4 {
				t.Errorf("%s: %v, owners %v, %d nodes", m.id, err, owners, len(nodes))
			}
		}
	})
}
