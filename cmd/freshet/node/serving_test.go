package node_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// Many viewers of an edge are one subscription of the edge, and of the mid above it;
// it ends a linger after the last of them.
func TestOneSubscriptionUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		origin := w.origin("origin")
		mid, edge := w.mid("mid", "origin"), w.edge("edge", "mid")
		origin.mustPublish(cam)
		time.Sleep(time.Second)
		var all []*viewer
		for range 20 {
			all = append(all, edge.view(cam))
		}
		time.Sleep(2 * time.Second)
		for _, v := range all {
			v.since()
		}
		time.Sleep(5 * time.Second)
		for _, v := range all {
			if err := v.since().flawless(5*time.Second, 150*time.Millisecond); err != nil {
				t.Error(err)
			}
		}
		// Beside that of the announcements.
		subscriptions := func(m *machine) float64 { return m.metric("freshet_moqt_subscriptions") - 1 }
		if o, m := subscriptions(origin), subscriptions(mid); o != 1 || m != 1 {
			t.Errorf("subscriptions: %v at the origin, %v at the mid", o, m)
		}
		for _, v := range all {
			v.leave()
		}
		time.Sleep(relay.DefaultLinger - time.Second)
		if m := subscriptions(mid); m != 1 {
			t.Errorf("%v subscriptions at the mid while the edge lingers", m)
		}
		time.Sleep(1500 * time.Millisecond)
		if o, m := subscriptions(origin), subscriptions(mid); o != 1 || m != 0 {
			t.Errorf("subscriptions after the linger of the edge: %v at the origin, %v at the mid", o, m)
		}
		time.Sleep(relay.DefaultLinger)
		if o := subscriptions(origin); o != 0 {
			t.Errorf("%v subscriptions at the origin after the linger of the mid", o)
		}
	})
}

// A viewer that reads too slowly skips, and that is counted; its neighbour, and the
// other child of the mid, notice nothing.
func TestSlowViewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		origin := w.origin("origin")
		w.mid("mid", "origin")
		edge, other := w.edge("edge", "mid"), w.edge("other", "mid")
		origin.mustPublish(cam)
		time.Sleep(time.Second)
		late := edge.view(cam, slow(3*time.Second))
		near, far := edge.view(cam), other.view(cam)
		time.Sleep(2 * time.Second)
		near.since()
		far.expect(2*time.Minute, 150*time.Millisecond)
		if err := near.since().flawless(2*time.Minute, 150*time.Millisecond); err != nil {
			t.Error(err)
		}
		if r := late.since(); len(r.wrong) > 0 {
			t.Errorf("the slow viewer saw %v", r.wrong)
		}
		if n := edge.metric("freshet_moqt_skipped_groups_total"); n < 20 {
			t.Errorf("%v skips counted", n)
		}
		if n := edge.metric("freshet_moqt_skipped_groups_total", "no_stream") + edge.metric("freshet_moqt_skipped_groups_total", "stalled") +
			edge.metric("freshet_moqt_skipped_groups_total", "lag"); n == 0 {
			t.Error("no skip tells that the viewer is slow")
		}
	})
}

// A node that is told to end sends children and viewers elsewhere: they see every
// object, and the node is gone well before its deadline.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, a, _, edge, v := diamond(w)
		w.edge("edge2", "b")
		time.Sleep(time.Second)
		for _, m := range []struct {
			*machine
			to string
		}{{a, ""}, {edge, "edge2"}} {
			began := time.Now()
			v.since()
			m.terminate(20*time.Second, m.to)
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("%s took %v to drain", m.id, d)
			}
			time.Sleep(time.Until(began.Add(10 * time.Second)))
			r := v.since()
			if err := r.flawless(10*time.Second, 500*time.Millisecond); err != nil {
				t.Errorf("%s drains: %v", m.id, err)
			}
		}
		if at := v.since().at; at != "edge2" {
			t.Errorf("the viewer is at %s", at)
		}
	})
}

// Who does not leave is closed at the deadline.
func TestDrainDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, _, _, edge, _ := diamond(w)
		stubborn := edge.view(cam, func(v *viewer) { v.stays = true })
		time.Sleep(2 * time.Second)
		began := time.Now()
		edge.terminate(5*time.Second, "")
		if d := time.Since(began); d < 5*time.Second || d > 5500*time.Millisecond {
			t.Errorf("the edge took %v to drain", d)
		}
		time.Sleep(100 * time.Millisecond)
		if r := stubborn.since(); r.ends != 1 {
			t.Error("the viewer that stays was not closed")
		}
		// All were told why, before the process was gone.
		if other := edge.metric("freshet_moqt_session_ends_total") - edge.metric("freshet_moqt_session_ends_total", "peer_closed"); other == 0 ||
			other != edge.metric("freshet_moqt_session_ends_total", "drained") {
			t.Errorf("%v sessions ended for another reason than their own, %v of them drained", other,
				edge.metric("freshet_moqt_session_ends_total", "drained"))
		}
	})
}
