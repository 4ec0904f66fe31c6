package moqt_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
)

// edge is a relay that is fed by sessions of clients.
type edge struct {
	t     testing.TB
	relay *relay.Relay
	from  *relay.Switch
	cam   *relay.Broadcast
}

func newEdge(tb testing.TB) *edge {
	tb.Helper()
	e := &edge{t: tb, relay: relay.New(relay.Config{}), from: &relay.Switch{}}
	var err error
	if e.cam, err = e.relay.Announce(cam, relay.AnnounceConfig{Upstream: e.from}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		e.cam.Close(nil)
		e.relay.Wait()
	})
	return e
}

// upstream is a client as the source of tracks.
type upstream struct{ c *moqt.Client }

func (u upstream) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	return u.c.SubscribeInto(ctx, t, func(cfg relay.TrackConfig) {
		cfg.Window = time.Minute
		accepted(cfg)
	})
}

func (u upstream) Fetch(ctx context.Context, t *relay.Track, start, end relay.Location, emit func(uint64, relay.Object) error) error {
	return u.c.FetchInto(ctx, t, start, end, emit)
}

// video demands the track and reads all that is held of it.
func (e *edge) video() *relay.Reader {
	e.t.Helper()
	d := e.cam.Demand("video")
	e.t.Cleanup(d.Release)
	t, err := d.Track(ctxFor(e.t, time.Minute))
	if err != nil {
		e.t.Fatal(err)
	}
	return t.NewReader(relay.ReaderConfig{Whole: true})
}

// wantItems reads "5/0" and "5 end", with "cut" where a group is not whole.
func wantItems(tb testing.TB, r *relay.Reader, want ...string) {
	tb.Helper()
	var got []string
	for range want {
		item, err := r.Next(ctxFor(tb, time.Minute))
		switch {
		case err != nil:
			tb.Fatalf("%v after %q; want %q", err, got, want)
		case item.End && item.Cut:
			got = append(got, fmt.Sprintf("%d cut", item.Location.Group))
		case item.End:
			got = append(got, fmt.Sprintf("%d end", item.Location.Group))
		default:
			got = append(got, string(item.Object.Payload))
			if place := fmt.Sprintf("%d/%d", item.Location.Group, item.Location.Object); place != got[len(got)-1] {
				tb.Errorf("%s came as %s", got[len(got)-1], place)
			}
		}
	}
	if !slices.Equal(got, want) {
		tb.Fatalf("got %q, want %q", got, want)
	}
}

func TestTrackFillsFromTheStartOfItsGroup(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video := o.track("video")
		o.group(video, 4, 2)
		g := o.group(video, 5, 3)
		e := newEdge(t)
		e.from.Set(upstream{o.dial(t.protocol)})
		r := e.video()
		wantItems(t, r, "5/0", "5/1", "5/2")
		o.object(g)
		wantItems(t, r, "5/3")
		o.group(video, 6, 1)
		wantItems(t, r, "5 end", "6/0")
	})
}

// Who joins behind a group's last object learns that it was the last.
func TestTrackJoinsAtTheEndOfAGroup(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video := o.track("video")
		o.group(video, 5, 3)
		e := newEdge(t)
		e.from.Set(upstream{o.dial(t.protocol)})
		r := e.video()
		wantItems(t, r, "5/0", "5/1", "5/2")
		o.group(video, 6, 1)
		wantItems(t, r, "5 end", "6/0")
	})
}

// A server that closes its sessions resets their streams, which ends no group: the next
// one says how it went on.
func TestTrackGoesOnAfterASessionIsClosed(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video := o.track("video")
		g := o.group(video, 5, 3)
		e := newEdge(t)
		e.from.Set(upstream{o.dial(t.protocol)})
		r := e.video()
		wantItems(t, r, "5/0", "5/1", "5/2")
		o.object(g)
		wantItems(t, r, "5/3")
		over, cancel := context.WithCancel(t.Context())
		cancel()
		o.server.Drain(over, "")
		synctest.Wait()
		o.group(video, 6, 1)
		o.server = moqt.NewServer(moqt.Config{Relay: o.relay})
		e.from.Set(upstream{o.dial(t.protocol)})
		wantItems(t, r, "5 end", "6/0")
	})
}

// A source that is left and taken again at once is no second subscription.
func TestTrackReturnsToItsSource(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		o.group(o.track("video"), 5, 3)
		e := newEdge(t)
		here := upstream{o.dial(t.protocol)}
		e.from.Set(here)
		r := e.video()
		wantItems(t, r, "5/0", "5/1", "5/2")
		for range 100 {
			e.from.Set(nil)
			e.from.Set(here)
			time.Sleep(time.Millisecond)
		}
		if tr, ok := e.cam.Track("video"); !ok || tr.Err() != nil {
			t.Error("the track has ended")
		}
	})
}

// A session that dies is replaced, and the track goes on at the next object.
func TestTrackGoesOnFromAnotherSession(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video := o.track("video")
		g := o.group(video, 5, 3)
		e := newEdge(t)
		first := o.dial(t.protocol)
		e.from.Set(upstream{first})
		r := e.video()
		wantItems(t, r, "5/0", "5/1", "5/2")
		_ = first.Close()
		synctest.Wait()
		o.object(g)
		o.group(video, 6, 2)
		for _, p := range []string{"moqt-16", "moqt-18"} {
			c := o.dial(p)
			e.from.Set(upstream{c})
			switch p {
			case "moqt-16":
				wantItems(t, r, "5/3", "5 end", "6/0", "6/1")
				_ = c.Close()
				g, _ = video.Group(6)
				o.object(g)
			default:
				wantItems(t, r, "6/2")
			}
		}
	})
}

// A relay that leaves a parent and comes back at once meets its own last subscription
// there, and waits for the end of it.
func TestTrackGoesBackToTheSameSession(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		g := o.group(o.track("video"), 5, 1)
		e := newEdge(t)
		u := upstream{o.dial(t.protocol)}
		e.from.Set(u)
		r := e.video()
		wantItems(t, r, "5/0")
		for i := range 20 {
			e.from.Set(nil)
			e.from.Set(u)
			o.object(g)
			wantItems(t, r, fmt.Sprintf("5/%d", i+1))
		}
	})
}

// What was overtaken and left the publisher's log is a group that was cut short,
// never one that looks whole.
func TestTrackGoesOnAfterWhatIsGone(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video, err := o.broadcast.NewTrack("video", relay.TrackConfig{})
		if err != nil {
			t.Fatal(err)
		}
		o.group(video, 5, 3)
		e := newEdge(t)
		first := o.dial(t.protocol)
		e.from.Set(upstream{first})
		r := e.video()
		wantItems(t, r, "5/0", "5/1", "5/2")
		_ = first.Close()
		synctest.Wait()
		o.group(video, 6, 1)
		o.group(video, 7, 1)
		e.from.Set(upstream{o.dial(t.protocol)})
		wantItems(t, r, "5 cut", "7/0")
	})
}

// A large object is handed on before its end has come.
func TestObjectIsHandedOnWhileItArrives(t *testing.T) {
	drafts(t, func(t draftTest) {
		const size = 1 << 20
		o := newOrigin(t, nil)
		_, subgroup := relayed(t, o.track("video"), 5, relay.SubgroupConfig{})
		f, err := subgroup.Open(relay.Object{First: true, Size: 3, Complete: time.Now()})
		must(t, err)
		fill(t, f, "5/0")
		must(t, f.Close())
		e := newEdge(t)
		near, far := moqttest.Pair(moqttest.Config{Protocol: t.protocol, StreamWindow: 4 << 10})
		o.serve(far)
		c, err := moqt.NewClient(context.Background(), near, moqt.ClientConfig{})
		must(t, err)
		defer c.Close()
		e.from.Set(upstream{c})
		wantItems(t, e.video(), "5/0")
		tr, _ := e.cam.Track("video")
		r := tr.NewReader(relay.ReaderConfig{Start: relay.Location{Group: 5, Object: 1}})
		f, err = subgroup.Open(relay.Object{ID: 1, Size: size, Complete: time.Now()})
		must(t, err)
		fill(t, f, strings.Repeat("x", size/2))
		item, err := r.Next(ctxFor(t, time.Minute))
		if err != nil || item.Object.Whole() || item.Object.Size != size {
			t.Fatalf("object of %d bytes, whole: %v, %v", item.Object.Size, item.Object.Whole(), err)
		}
	})
}

func TestUpstreamErrors(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video := o.track("video")
		g := o.group(video, 5, 1)
		e := newEdge(t)
		e.from.Set(upstream{o.dial(t.protocol)})
		if _, err := e.cam.Demand("nothing").Track(ctxFor(t, time.Minute)); !errors.Is(err, relay.ErrNoTrack) {
			t.Errorf("no track: %v", err)
		}
		r := e.video()
		wantItems(t, r, "5/0")
		o.object(g)
		video.Close(nil)
		wantItems(t, r, "5/1", "5 end")
		if _, err := r.Next(ctxFor(t, time.Minute)); !errors.Is(err, relay.ErrEnded) {
			t.Errorf("track ended: %v", err)
		}
	})
}
