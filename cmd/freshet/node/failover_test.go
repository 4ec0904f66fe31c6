package node_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/transport/moqt/uplink"
)

// expect fails the test unless the viewer sees every object, and waits for none
// longer than wait, for the time d.
func (v *viewer) expect(d, wait time.Duration) {
	v.w.tb.Helper()
	r := v.watched(d)
	if err := r.flawless(d, wait); err != nil {
		v.w.tb.Errorf("%s: %v", r.at, err)
	}
}

// diamond is an origin, two mids and an edge that prefers mid a. Drafts are mixed.
func diamond(w *world) (origin, a, b, edge *machine, v *viewer) {
	origin = w.origin("origin")
	a, b = w.mid("a", "origin"), w.mid("b", "origin@16")
	edge = w.edge("edge", "a@16", "b")
	origin.mustPublish(cam)
	time.Sleep(time.Second)
	v = edge.view(cam)
	time.Sleep(2 * time.Second)
	v.expect(5*time.Second, 150*time.Millisecond)
	return origin, a, b, edge, v
}

func TestThreeTiers(t *testing.T) { synctest.Test(t, func(t *testing.T) { diamond(newWorld(t)) }) }

// A mid that is killed is missed by its silence: the viewer goes on at the exact next
// object from another one, within a second.
func TestMidIsKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, a, _, edge, v := diamond(w)
		before := edge.metric("freshet_uplink_switches_total")
		time.Sleep(37 * time.Millisecond)
		a.kill()
		v.expect(10*time.Second, time.Second)
		if n := edge.metric("freshet_uplink_switches_total") - before; n != 1 {
			t.Errorf("%v switches", n)
		}
		a.start()
		v.expect(10*time.Second, 500*time.Millisecond)
	})
}

// A mid that is cut off from the origin, and still connected to the edge, is left for
// another within two seconds; when the cut heals nothing is lost either.
func TestMidIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		origin, a, _, _, v := diamond(w)
		w.net.cut(a.ip, origin.ip, true)
		v.expect(20*time.Second, 2*time.Second)
		w.net.cut(a.ip, origin.ip, false)
		v.expect(20*time.Second, 500*time.Millisecond)
	})
}

// A stall of the network to both parents that heals costs time, and no object.
func TestEdgeIsCutOffForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, a, b, edge, v := diamond(w)
		for _, m := range []*machine{a, b} {
			w.net.cut(m.ip, edge.ip, true)
		}
		v.since()
		time.Sleep(time.Second)
		for _, m := range []*machine{a, b} {
			w.net.cut(m.ip, edge.ip, false)
		}
		time.Sleep(9 * time.Second)
		if err := v.since().flawless(10*time.Second, 2500*time.Millisecond); err != nil {
			t.Error(err)
		}
	})
}

// Nodes in a ring feed each other from the origin, and with nothing that is gone.
func TestRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		origin := w.origin("origin")
		e := origin.mustPublish(cam)
		a, b, c := w.mid("a", "origin", "c"), w.mid("b", "a"), w.mid("c", "b")
		time.Sleep(3 * time.Second)
		v := c.view(cam)
		time.Sleep(2 * time.Second)
		v.expect(5*time.Second, 150*time.Millisecond)
		if err := w.checkRoutes(); err != nil {
			t.Error(err)
		}
		if n := a.metric("freshet_uplink_loops_refused_total"); n == 0 {
			t.Error("the way back was not refused")
		}
		e.stop()
		origin.kill()
		time.Sleep(hold + 3*time.Second + 3*uplink.DefaultGrace)
		for _, m := range []*machine{a, b, c} {
			if _, ok := m.Relay.Broadcast(cam); ok {
				t.Errorf("%s still has what is gone", m.id)
			}
		}
	})
}
