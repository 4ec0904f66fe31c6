package moqt_test

import (
	"cmp"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// What its publisher ended is told from what ends with a broadcast that may go on
// elsewhere: relays wait for that one.
func TestWhyATrackEnds(t *testing.T) {
	moved, over := errors.New("another origin has it"), errors.New("its publisher has left")
	final := func(err error) bool { return errors.Is(err, over) }
	for name, tt := range map[string]struct {
		end   func(o *origin, video *relay.Track)
		final func(error) bool
		code  wire.DoneCode
		up    error // What a relay below makes of it.
	}{
		"by its publisher":       {func(_ *origin, video *relay.Track) { video.Close(nil) }, final, wire.DoneTrackEnded, relay.ErrEnded},
		"with its broadcast":     {func(o *origin, _ *relay.Track) { o.broadcast.Close(over) }, final, wire.DoneTrackEnded, relay.ErrEnded},
		"with what has moved":    {func(o *origin, _ *relay.Track) { o.broadcast.Close(moved) }, final, wire.DoneInternal, relay.ErrMoved},
		"with any broadcast":     {func(o *origin, _ *relay.Track) { o.broadcast.Close(moved) }, nil, wire.DoneTrackEnded, relay.ErrEnded},
		"with what was replaced": {func(o *origin, _ *relay.Track) { o.broadcast.Close(relay.ErrReplaced) }, nil, wire.DoneInternal, relay.ErrMoved},
	} {
		t.Run(name, func(t *testing.T) {
			drafts(t, func(t draftTest) {
				o := newOrigin(t, func(c *moqt.Config) { c.Final = tt.final })
				video := o.track("video")
				o.group(video, 5, 1)
				sub := subscribe(t, o.dial(t.protocol), "video", moqt.SubscribeOptions{Filter: &wire.Filter{Type: wire.AbsoluteStart, Start: wire.Location{Group: 5}}})
				expect(t, sub, "5/0")
				e := newEdge(t)
				below := &noting{upstream: upstream{o.dial(t.protocol)}}
				e.from.Set(below)
				wantItems(t, e.video(), "5/0")
				tt.end(o, video)
				expect(t, sub, "5 end")
				_, err := sub.Next(ctxFor(t, time.Minute))
				wantDone(t, err, tt.code)
				synctest.Wait()
				if !errors.Is(below.err, tt.up) {
					t.Errorf("a relay below sees %v", below.err)
				}
			})
		})
	}
}

// noting remembers how a subscription ended first.
type noting struct {
	upstream
	err error // In a bubble, one goroutine at a time.
}

func (n *noting) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	err := n.upstream.Subscribe(ctx, t, accepted)
	n.err = cmp.Or(n.err, err)
	return err
}
