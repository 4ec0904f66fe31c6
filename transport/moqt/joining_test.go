package moqt_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

func joinLargest(id uint64) (*wire.Subscribe, *wire.Fetch) {
	name := wire.TrackName{Namespace: cam.Fields(), Name: "video"}
	filter := wire.Params{Filter: &wire.Filter{Type: wire.LargestObject}}
	return &wire.Subscribe{RequestID: id, Track: name, Params: filter},
		&wire.Fetch{RequestID: id + 2, Type: wire.RelativeJoiningFetch, JoiningID: id}
}

// At draft 18 requests have streams of their own, so a joining fetch may come
// before its subscription: it is held ("Joining Fetches").
func TestJoiningFetchComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t, nil)
		o.group(o.track("video"), 1, 2)
		p := newRawPeer(t, o, "moqt-18")
		p.setup()
		subscribe, fetch := joinLargest(0)
		answer := p.request(fetch)
		time.Sleep(time.Second)
		p.request(subscribe)
		m, err := answer.Message()
		if ok, is := m.(*wire.FetchOK); !is || ok.End != (relay.Location{Group: 1, Object: 2}) {
			t.Errorf("the fetch is answered with %+v, %v", m, err)
		}
	})
}

// The two may also come at the very same moment.
func TestJoiningFetchComesAlong(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			o := newOrigin(t, nil)
			video := o.track("video")
			o.group(video, 1, 2)
			p := newRawPeer(t, o, "moqt-18")
			p.setup()
			for id := uint64(0); id < 80; id += 4 {
				subscribe, fetch := joinLargest(id)
				subscribed, err := p.conn.OpenStream(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				fetched, err := p.conn.OpenStream(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				go p.send(subscribed, p.bytes(subscribe))
				p.send(fetched, p.bytes(fetch))
				if m, err := p.d.NewStreamReader(fetched).Message(); err != nil || m.Kind() != wire.KindFetchOK {
					t.Errorf("the fetch is answered with %+v, %v", m, err)
				}
				subscribed.CancelWrite(0)
				subscribed.CancelRead(0)
				synctest.Wait()
			}
		})
	}
}
