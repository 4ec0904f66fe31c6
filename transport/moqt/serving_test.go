package moqt_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
)

// slowIntake takes tracks that it reads late.
type slowIntake struct{ relay *relay.Relay }

func (i slowIntake) Announce(_ context.Context, p *moqt.Publisher) error {
	_, err := i.relay.Announce(p.Namespace(), relay.AnnounceConfig{Upstream: slowly{p}})
	return err
}

func (slowIntake) Offer(*moqt.Publisher, string) {}

type slowly struct{ relay.Upstream }

func (u slowly) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	return u.Upstream.Subscribe(ctx, t, func(cfg relay.TrackConfig) {
		time.Sleep(700 * time.Millisecond)
		cfg.Window = time.Minute
		accepted(cfg)
	})
}

// A publisher that has ended its track knows when the peer has been given all of it.
func TestServing(t *testing.T) {
	drafts(t, func(t draftTest) {
		in := slowIntake{relay.New(relay.Config{})}
		o := &origin{t: t, relay: in.relay, server: moqt.NewServer(moqt.Config{Relay: in.relay, Publishers: in})}
		mine := newOrigin(t, nil)
		video := mine.track("video")
		near, far := moqttest.Pair(moqttest.Config{Protocol: t.protocol, StreamWindow: 3})
		o.serve(far)
		c, err := moqt.NewClient(context.Background(), near, moqt.ClientConfig{Relay: mine.relay})
		must(t, err)
		_, err = c.PublishNamespace(ctxFor(t, time.Minute), cam)
		must(t, err)
		if n := c.Serving(); n != 0 {
			t.Errorf("serves %d before anybody asked", n)
		}
		b, _ := in.relay.Broadcast(cam)
		d := b.Demand("video")
		synctest.Wait()
		mine.group(video, 0, 2).Close()
		video.Close(nil)
		for at, want := range []int{1, 1, 0} {
			if n := c.Serving(); n != want {
				t.Errorf("serves %d after %d halves of a second", n, at)
			}
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
		}
		tr, err := d.Track(ctxFor(t, time.Minute))
		must(t, err)
		if g, ok := tr.Group(0); !ok || g.Len() != 2 {
			t.Error("it has not come")
		}
		d.Release()
		b.Close(nil)
		must(t, c.Close())
		in.relay.Wait()
	})
}
