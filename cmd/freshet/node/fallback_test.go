package node_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// tiered is an origin, mids that are told of it, and an edge that finds them in the
// directory.
func tiered(w *world, mids ...string) (edge *machine, v *viewer) {
	w.origin("origin").mustPublish(cam)
	for _, id := range mids {
		w.mid(id, "origin")
	}
	edge = w.edge("edge")
	time.Sleep(2 * time.Second)
	v = edge.view(cam)
	time.Sleep(10 * time.Second)
	v.expect(5*time.Second, 150*time.Millisecond)
	if got := edge.connected(); !slices.Equal(got, mids) {
		w.tb.Fatalf("connected to %v", got)
	}
	return edge, v
}

// All mids die, with the directory or without it: the edge turns to the origin in
// time, and the viewer loses nothing. It goes back to a mid, once, when that is there
// for a while, and nobody notices.
func TestEdgeFallsBack(t *testing.T) {
	for name, away := range map[string]bool{"directory": false, "no directory": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				edge, v := tiered(w, "a", "b")
				w.directory.SetDown(away)
				time.Sleep(5 * time.Second)
				v.since()
				w.machines["a"].kill()
				w.machines["b"].kill()
				v.expect(time.Minute, 2500*time.Millisecond)
				if got := edge.serving(); got != "origin" {
					t.Fatalf("%q serves", got)
				}
				switches := edge.metric("freshet_uplink_switches_total")
				w.machines["a"].start()
				v.expect(8*time.Second, 150*time.Millisecond)
				if got := edge.serving(); got != "origin" {
					t.Errorf("%q serves already", got)
				}
				v.expect(time.Minute, 500*time.Millisecond)
				if got := edge.serving(); got != "a" {
					t.Errorf("%q serves", got)
				}
				if got := edge.connected(); !slices.Equal(got, []string{"a"}) {
					t.Errorf("connected to %v", got)
				}
				if n := edge.metric("freshet_uplink_switches_total") - switches; n != 1 {
					t.Errorf("%v switches", n)
				}
			})
		})
	}
}

// A mid that comes and goes is not gone back to: the viewer stays with the origin, and
// misses nothing.
func TestEdgeDoesNotFlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		edge, v := tiered(w, "a")
		w.directory.SetDown(true)
		time.Sleep(5 * time.Second)
		w.machines["a"].kill()
		time.Sleep(20 * time.Second)
		v.since()
		switches := edge.metric("freshet_uplink_switches_total")
		for range 10 {
			w.machines["a"].start()
			time.Sleep(8 * time.Second)
			w.machines["a"].kill()
			time.Sleep(8 * time.Second)
		}
		if err := v.since().flawless(160*time.Second, 150*time.Millisecond); err != nil {
			t.Error(err)
		}
		if n := edge.metric("freshet_uplink_switches_total") - switches; n != 0 {
			t.Errorf("%v switches", n)
		}
	})
}

// forgetful is an origin, two mids and an edge that all find each other in a directory,
// which then goes away.
func forgetful(w *world) (mids []*machine, edge *machine, v *viewer) {
	w.origin("origin").mustPublish(cam)
	mids = []*machine{w.mid("a"), w.mid("b")}
	edge = w.edge("edge")
	time.Sleep(2 * time.Second)
	v = edge.view(cam)
	time.Sleep(10 * time.Second)
	w.directory.SetDown(true)
	time.Sleep(5 * time.Second)
	v.since()
	return mids, edge, v
}

// Mids that were restarted without a directory know no origin: they answer, and serve
// nothing. The edge turns to the origin, and back when the directory tells the mids.
func TestMidsForgetTheOrigins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		mids, edge, v := forgetful(w)
		for _, m := range mids {
			m.kill()
			m.start()
		}
		v.expect(10*time.Second, 2500*time.Millisecond)
		v.expect(2*time.Minute, 150*time.Millisecond)
		if got := edge.serving(); got != "origin" {
			t.Fatalf("%q serves", got)
		}
		w.directory.SetDown(false)
		v.expect(time.Minute, 500*time.Millisecond)
		if got := edge.serving(); got != "a" && got != "b" {
			t.Errorf("%q serves", got)
		}
	})
}

// A rolling restart of the mids without a directory: nobody notices, although the first
// one knows nothing when the second one goes.
func TestMidsAreRestartedWithoutDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		mids, edge, v := forgetful(w)
		for _, m := range mids {
			m.terminate(termination, "")
			m.start()
			time.Sleep(10 * time.Second)
		}
		r := v.since()
		if err := r.flawless(20*time.Second, 500*time.Millisecond); err != nil {
			t.Error(err)
		}
		if got := edge.serving(); got != "origin" {
			t.Errorf("%q serves", got)
		}
	})
}

// Of four mids the three near ones are parents. When those die, and the directory cannot
// say so, the fourth serves, however far it is.
func TestSpareMid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.origin("origin").mustPublish(cam)
		for _, id := range []string{"a", "b", "c", "d"} {
			w.mid(id, "origin")
		}
		edge := w.edge("edge")
		w.net.delay(edge.ip, w.machines["d"].ip, 100*time.Millisecond)
		time.Sleep(2 * time.Second)
		v := edge.view(cam)
		time.Sleep(20 * time.Second)
		near := edge.connected()
		if !slices.Equal(near, []string{"a", "b", "c"}) {
			t.Fatalf("connected to %v", near)
		}
		w.directory.SetDown(true)
		time.Sleep(5 * time.Second)
		v.since()
		for _, id := range near {
			w.machines[id].kill()
		}
		v.expect(time.Minute, 2500*time.Millisecond)
		if got := edge.serving(); got != "d" {
			t.Errorf("%q serves", got)
		}
	})
}
