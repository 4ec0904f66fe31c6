package node_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/transport/moqt/uplink"
)

// two is two origins that know each other by the directory, below them a mid and an
// edge that find their parents there.
func two(w *world) (first, second, edge *machine) {
	first, second = w.origin("first"), w.origin("second")
	w.mid("mid")
	edge = w.edge("edge")
	time.Sleep(5 * time.Second)
	return first, second, edge
}

// A second publisher at another origin is refused, and told where the first one is;
// when that one has gone the name is free.
func TestDuplicatePublisher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first, second, edge := two(w)
		e := first.mustPublish(cam)
		time.Sleep(time.Second)
		v := edge.view(cam)
		time.Sleep(2 * time.Second)
		_, err := second.publish(cam)
		if !errors.Is(err, ingest.ErrAlreadyPublishing) || !strings.Contains(err.Error(), `"first"`) {
			t.Errorf("the second publisher: %v", err)
		}
		if n := second.metric("freshet_ingest_refused_total", "already_publishing"); n != 1 {
			t.Errorf("%v counted", n)
		}
		v.expect(5*time.Second, 150*time.Millisecond)
		e.stop()
		time.Sleep(hold + 100*time.Millisecond)
		second.mustPublish(cam)
	})
}

// An encoder that comes back at another origin within the hold is followed: the new
// owner's epoch is higher, the old broadcast ends, no viewer is thrown out.
func TestEncoderMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first, second, edge := two(w)
		e := first.mustPublish(cam)
		time.Sleep(time.Second)
		v := edge.view(cam)
		time.Sleep(2 * time.Second)
		before := v.watched(3 * time.Second)
		e.stop()
		time.Sleep(time.Second)
		second.mustPublish(cam)
		r := v.watched(10 * time.Second)
		if err := r.flawless(10*time.Second, 500*time.Millisecond); err != nil || r.epoch <= before.epoch {
			t.Errorf("epoch %d after %d: %v", r.epoch, before.epoch, err)
		}
		if _, ok := first.Relay.Broadcast(cam); ok && len(first.Sessions.Snapshot()) > 0 {
			t.Error("the old owner still holds the name")
		}
	})
}

// The other origin lets the encoder in some time before its tracks are there, as with
// every protocol whose streams have to be looked into: viewers wait for them.
func TestEncoderMovesAndBeginsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first, second, edge := two(w)
		e := first.mustPublish(cam)
		time.Sleep(time.Second)
		v := edge.view(cam)
		time.Sleep(2 * time.Second)
		before := v.watched(3 * time.Second)
		e.stop()
		time.Sleep(time.Second)
		second.late = 2 * time.Second
		second.mustPublish(cam)
		r := v.watched(10 * time.Second)
		if err := r.flawless(10*time.Second, second.late+500*time.Millisecond); err != nil || r.epoch <= before.epoch {
			t.Errorf("epoch %d after %d: %v", r.epoch, before.epoch, err)
		}
	})
}

// Two origins that the directory could not keep apart both have the name; when it is
// whole again the lower epoch is dropped everywhere, and told why.
func TestTwoOwnersBecomeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first, second, edge := two(w)
		first.link.SetDown(true)
		time.Sleep(3 * time.Second)
		old := first.mustPublish(cam)
		time.Sleep(time.Second)
		v := edge.view(cam)
		time.Sleep(2 * time.Second)
		later := second.mustPublish(cam)
		time.Sleep(3 * time.Second)
		if old.ended() != nil || later.ended() != nil {
			t.Fatal("a publisher was thrown out while nobody could know of the other")
		}
		epoch := v.watched(3 * time.Second).epoch
		first.link.SetDown(false)
		r := v.watched(10 * time.Second)
		if err := r.flawless(10*time.Second, 150*time.Millisecond); err != nil || r.epoch != epoch {
			t.Errorf("epoch %d, then %d: %v", epoch, r.epoch, err)
		}
		if err := old.ended(); !errors.Is(err, ingest.ErrTakenOver) || !strings.Contains(err.Error(), `"second"`) {
			t.Errorf("the publisher of the lower epoch: %v", err)
		}
		if later.ended() != nil {
			t.Errorf("the publisher of the higher epoch: %v", later.ended())
		}
		for _, m := range w.all() {
			for _, b := range m.Uplink.Snapshot().Broadcasts {
				if b.Epoch != epoch {
					t.Errorf("%s follows epoch %d", m.id, b.Epoch)
				}
			}
		}
	})
}

// An origin that is restarted is soon the owner of its name again.
func TestOriginIsRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first, _, edge := two(w)
		first.mustPublish(cam)
		time.Sleep(time.Second)
		v := edge.view(cam)
		time.Sleep(2 * time.Second)
		before := v.watched(3 * time.Second)
		first.kill()
		time.Sleep(time.Second)
		first.start()
		time.Sleep(100 * time.Millisecond)
		first.mustPublish(cam)
		r := v.watched(15 * time.Second)
		if r.ends > 0 || r.epoch <= before.epoch || r.longest > 7*time.Second || len(r.wrong) > 0 {
			t.Errorf("after the restart: %+v", r)
		}
		v.expect(5*time.Second, 150*time.Millisecond)
	})
}

// An encoder that does not come back within the hold has ended the broadcast, and every
// tier is told so at once, however many there are. It may begin anew.
func TestEndIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		origin := w.origin("origin")
		relays := []*machine{w.mid("a", "origin"), w.mid("b", "a", "origin"), w.edge("edge", "b", "a")}
		e := origin.mustPublish(cam)
		time.Sleep(time.Second)
		v := relays[2].view(cam)
		time.Sleep(2 * time.Second)
		v.expect(3*time.Second, 150*time.Millisecond)
		e.stop()
		time.Sleep(hold - 100*time.Millisecond)
		if r := v.since(); r.ends > 0 {
			t.Error("the viewer is thrown out within the hold")
		}
		time.Sleep(500 * time.Millisecond)
		if r := v.since(); r.ends == 0 || len(r.gaps) > 0 {
			t.Errorf("the viewer saw %d ends, %v", r.ends, r.gaps)
		}
		time.Sleep(time.Second)
		for _, m := range relays {
			if _, ok := m.Relay.Broadcast(cam); ok {
				t.Errorf("%s still has what has ended", m.id)
			}
		}
		origin.mustPublish(cam)
		time.Sleep(3 * time.Second)
		v.expect(3*time.Second, 150*time.Millisecond)
	})
}

// An origin that is lost within the hold has ended nothing: its broadcast is waited for.
func TestLossIsNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		origin := w.origin("origin")
		relays := []*machine{w.mid("a", "origin"), w.edge("edge", "a")}
		origin.mustPublish(cam)
		time.Sleep(time.Second)
		v := relays[1].view(cam)
		time.Sleep(2 * time.Second)
		origin.kill()
		time.Sleep(uplink.DefaultGrace - time.Second)
		if r := v.since(); r.ends > 0 {
			t.Error("the viewer is thrown out")
		}
		for _, m := range relays {
			if _, ok := m.Relay.Broadcast(cam); !ok {
				t.Errorf("%s waits for nobody", m.id)
			}
		}
	})
}
