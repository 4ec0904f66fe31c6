package uplink_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/routes"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/uplink"
)

// parent is a node without an uplink; its announcements are made by hand.
func (w *world) parent(id string) *relay.Track {
	w.t.Helper()
	n := &node{w: w, id: id, relay: relay.New(relay.Config{}), cancel: func() {}}
	n.server = moqt.NewServer(moqt.Config{Relay: n.relay})
	w.nodes[id] = n
	b, err := n.relay.Publish(uplink.Namespace)
	if err != nil {
		w.t.Fatal(err)
	}
	t, err := b.NewTrack(uplink.Track, relay.TrackConfig{Window: time.Minute})
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

// announcement begins one; say ends it.
func (w *world) announcement(t *relay.Track, id uint64) (say func(...routes.Route)) {
	w.t.Helper()
	g, err := t.OpenGroup(id)
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := g.OpenSubgroup(relay.SubgroupConfig{Last: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return func(list ...routes.Route) {
		w.t.Helper()
		text, err := routes.Encode(list)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := s.Insert(relay.Object{Payload: text, First: true, Complete: time.Now()}); err != nil {
			w.t.Fatal(err)
		}
		s.End(true)
	}
}

// What a parent said before counts for nothing when it comes late: after a loss, or
// because two streams that come at once are read in any order.
func TestAnnouncementIsOvertaken(t *testing.T) {
	in(t, func(w *world) {
		track := w.parent("parent")
		edge := w.node("edge", "parent")
		time.Sleep(time.Second)
		before, after := w.announcement(track, 1), w.announcement(track, 2)
		after(routes.Route{Name: string(cam), Hops: []string{"origin"}})
		time.Sleep(time.Second)
		before()
		time.Sleep(time.Second)
		if got := fmt.Sprint(edge.up.Snapshot().Broadcasts); got != "[{live/cam1 parent 0 [origin]}]" {
			w.t.Errorf("the edge has %s", got)
		}
	})
}
