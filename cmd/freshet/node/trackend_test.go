package node_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// A track that its publisher ends while the broadcast goes on ends at every tier at once,
// however many there are. Another may begin under its name.
func TestEndOfATrackIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		origin := w.origin("origin")
		relays := []*machine{w.mid("a", "origin@16"), w.mid("b", "a@18"), w.edge("edge", "b@16")}
		e := origin.mustPublish(cam)
		time.Sleep(time.Second)
		v := relays[2].view(cam)
		time.Sleep(2 * time.Second)
		v.expect(3*time.Second, 150*time.Millisecond)
		published, ok := e.session.Sink().(*sink)
		if !ok {
			t.Fatal("the encoder has no sink")
		}
		published.muted(true)
		time.Sleep(100 * time.Millisecond)
		if r := v.since(); r.ends != 1 || len(r.gaps) > 0 {
			t.Errorf("the viewer saw %d ends, %v", r.ends, r.gaps)
		}
		for _, m := range relays {
			b, ok := m.Relay.Broadcast(cam)
			if !ok {
				t.Fatalf("%s has ended the broadcast", m.id)
			}
			if _, ok := b.Track("video"); ok {
				t.Errorf("%s still has the track", m.id)
			}
		}
		published.muted(false)
		time.Sleep(3 * time.Second)
		v.expect(3*time.Second, 150*time.Millisecond)
	})
}
