package node_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/transport/moqt/uplink"
)

// serving is the parent that a node gets the broadcast from.
func (m *machine) serving() string {
	for _, b := range m.Uplink.Snapshot().Broadcasts {
		return b.Hops[len(b.Hops)-1]
	}
	return ""
}

// connected are the nodes that a node is connected to.
func (m *machine) connected() (out []string) {
	for _, p := range m.Uplink.Snapshot().Parents {
		for id, other := range m.w.machines {
			if p.Connected && other.ip == p.URL {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Of six mids of one region the three nearest become the parents of an edge, and the
// nearest serves, although its network is measured only when it is there.
func TestNearestParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		origin := w.origin("origin")
		origin.mustPublish(cam)
		for i := range 6 {
			w.mid(fmt.Sprint("m", i))
		}
		edge := w.edge("edge")
		for i := range 6 { // Round trips of 160, 80, 40, 20, 10 and 5 ms.
			w.net.delay(edge.ip, w.machines[fmt.Sprint("m", i)].ip, 80*time.Millisecond>>i)
		}
		v := edge.view(cam)
		time.Sleep(30 * time.Second)
		if got := edge.connected(); !slices.Equal(got, []string{"m3", "m4", "m5"}) {
			t.Errorf("connected to %v", got)
		}
		if got := edge.serving(); got != "m5" {
			t.Errorf("%s serves", got)
		}
		v.expect(time.Minute, 250*time.Millisecond)
		for _, p := range edge.Uplink.Snapshot().Parents {
			if p.Distance == nil || p.RTTMillis < 5 || p.RTTMillis > 25 {
				t.Errorf("the snapshot says %+v", p)
			}
		}
		if edge.samples("freshet_uplink_rtt_seconds") == 0 {
			t.Error("no round trip was counted")
		}
	})
}

// The way to the parent that serves becomes longer for good: another takes over,
// without a gap. One that swings about a bound changes nothing.
func TestParentBecomesFar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.origin("origin").mustPublish(cam)
		a, b := w.mid("a", "origin"), w.mid("b", "origin")
		edge := w.edge("edge")
		w.net.delay(edge.ip, a.ip, 2*time.Millisecond)
		w.net.delay(edge.ip, b.ip, 9*time.Millisecond)
		v := edge.view(cam)
		time.Sleep(10 * time.Second)
		if got := edge.serving(); got != "a" {
			t.Fatalf("%s serves", got)
		}
		v.since()
		switches := edge.metric("freshet_uplink_switches_total")
		for i := range 20 { // 9 and 11 ms, where a class ends at 10.
			w.net.delay(edge.ip, a.ip, 4500*time.Microsecond+time.Millisecond*time.Duration(i%2))
			time.Sleep(6 * time.Second)
		}
		if n := edge.metric("freshet_uplink_switches_total") - switches; n != 0 {
			t.Errorf("%v switches while the way swung", n)
		}
		w.net.delay(edge.ip, a.ip, 60*time.Millisecond)
		time.Sleep(30 * time.Second)
		if got := edge.serving(); got != "b" {
			t.Errorf("%s serves, %+v", got, edge.Uplink.Snapshot().Parents)
		}
		if n := edge.metric("freshet_uplink_switches_total") - switches; n != 1 {
			t.Errorf("%v switches", n)
		}
		if err := v.since().flawless(150*time.Second, 500*time.Millisecond); err != nil {
			t.Error(err)
		}
	})
}

// Parents that are replaced, all at once, serve until the new ones do.
func TestParentsAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, _, _, edge, v := diamond(w)
		c := w.mid("c", "origin")
		w.net.delay(c.ip, edge.ip, 300*time.Millisecond) // A dial takes over a second.
		time.Sleep(time.Second)
		edge.Uplink.SetParents([]uplink.Parent{{URL: "c"}})
		v.expect(10*time.Second, 800*time.Millisecond)
		if got := edge.Uplink.Snapshot(); len(got.Parents) != 1 || got.Parents[0].URL != "c" {
			t.Errorf("parents: %+v", got.Parents)
		}
	})
}
