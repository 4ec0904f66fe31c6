package hls_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/packager/hls/hlstest"
	"github.com/freshet-live/freshet/relay"
)

// copier is an upstream in the same process: it copies from another relay.
type copier struct {
	from    *relay.Relay
	running atomic.Int32
}

func (c *copier) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	c.running.Add(1)
	defer c.running.Add(-1)
	b, ok := c.from.Broadcast(t.Broadcast().Namespace())
	if !ok {
		return relay.ErrLost
	}
	src, ok := b.Track(t.Name())
	if !ok {
		return relay.ErrNoTrack
	}
	accepted(relay.TrackConfig{Window: 30 * time.Second, Started: &relay.Location{}})
	start, _ := t.Resume()
	r := src.NewReader(relay.ReaderConfig{Start: start})
	for {
		item, err := r.Next(ctx)
		if err != nil {
			return err
		}
		g, err := t.OpenGroup(item.Location.Group)
		if err != nil {
			return err
		}
		if item.End {
			g.Close()
			continue
		}
		o := item.Object
		if err := g.Insert(o); err != nil {
			return err
		}
	}
}

func (c *copier) Fetch(context.Context, *relay.Track, relay.Location, relay.Location, func(uint64, relay.Object) error) error {
	return relay.ErrNotHere
}

// newEdge is a stage whose broadcast comes from the relay of an origin.
func newEdge(t *testing.T, upstream relay.Upstream) *stage {
	t.Helper()
	edge := relay.New(relay.Config{})
	if _, err := edge.Announce("live/cam1", relay.AnnounceConfig{Upstream: upstream}); err != nil {
		t.Fatal(err)
	}
	return startStage(t, edge, hls.Config{})
}

func newOrigin(t *testing.T, media hlstest.Config) (*relay.Relay, *hlstest.Encoder) {
	t.Helper()
	r := relay.New(relay.Config{})
	b, err := r.Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	return r, hlstest.New(t, b, media)
}

func (s *stage) endEdge() {
	s.Helper()
	b, ok := s.relay.Broadcast("live/cam1")
	if ok {
		b.Close(nil)
	}
	s.relay.Wait()
	s.stop()
}

func TestBroadcastFromUpstreamIsFollowedWhileAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		origin, enc := newOrigin(t, hlstest.Config{})
		c := &copier{from: origin}
		s := newEdge(t, c)
		defer s.endEdge()
		s.enc = enc
		s.play(6 * time.Second)
		if n := c.running.Load(); n != 0 {
			t.Fatalf("%d subscriptions upstream before anybody asked", n)
		}
		ask := func() *hls.Presentation {
			t.Helper()
			p, ok := s.server.Presentation("live/cam1")
			if !ok {
				t.Fatal("no presentation")
			}
			return p
		}
		p := ask()
		s.play(6 * time.Second)
		if n := c.running.Load(); n != 3 {
			t.Errorf("%d subscriptions upstream, want those of catalog, video, audio", n)
		}
		if got := len(segments(t, s.text("video"))); got < 2 {
			t.Errorf("%d segments:\n%s", got, s.text("video"))
		}
		for range 4 {
			s.play(20 * time.Second)
			if ask() != p {
				t.Fatal("another presentation though it was asked for")
			}
		}
		s.play(33 * time.Second) // Idle, and what is looked at in between.
		s.play(relay.DefaultLinger)
		if n := c.running.Load(); n != 0 {
			t.Errorf("%d subscriptions upstream though nobody asks", n)
		}
		if ask() == p {
			t.Error("what has ended is given out")
		}
		s.play(6 * time.Second)
		if n := len(segments(t, s.text("audio"))); n < 2 {
			t.Errorf("%d segments after the break", n)
		}
	})
}

// A broadcast that is published here is followed from the first request to its end,
// whether or not there is another; what the log holds is listed at once. One that nobody
// asked for leaves nothing.
func TestOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		origin, enc := newOrigin(t, hlstest.Config{})
		s := startStage(t, origin, hls.Config{Linger: 10 * time.Second})
		defer s.stop()
		s.enc = enc
		s.play(9 * time.Second)
		if _, ok := s.server.Presentation("live/cam2"); ok {
			t.Error("a presentation of what is not there")
		}
		p, ok := s.server.Presentation("live/cam1")
		if !ok {
			t.Fatal("no presentation")
		}
		synctest.Wait()
		if n := len(segments(t, s.text("video"))); n < 3 {
			t.Errorf("%d segments at the first request, after 9 s:\n%s", n, s.text("video"))
		}
		s.play(3 * time.Minute) // Longer than Idle.
		if again, _ := s.server.Presentation("live/cam1"); again != p {
			t.Error("another presentation, in the midst of the broadcast")
		}
		s.enc.End()
		synctest.Wait()
		if text := s.text("video"); !strings.HasSuffix(text, "#EXT-X-ENDLIST\n") {
			t.Errorf("it goes on:\n%s", text)
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		b, err := origin.Publish("live/cam1")
		if err != nil {
			t.Fatal(err)
		}
		s.enc = hlstest.New(t, b, hlstest.Config{})
		s.play(5 * time.Second)
		s.enc.End()
		synctest.Wait()
		if _, ok := s.server.Presentation("live/cam1"); ok {
			t.Error("a presentation of what nobody asked for and has ended")
		}
	})
}

// TestUpstreamChanges has the broadcast taken over by another origin: group IDs and
// media time jump, and the header is another under the same name.
func TestUpstreamChanges(t *testing.T) {
	for name, edition := range map[string]int{"same header": 0, "another header": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { upstreamChanges(t, edition) })
		})
	}
}

func upstreamChanges(t *testing.T, edition int) {
	t.Helper()
	first, enc := newOrigin(t, hlstest.Config{})
	upstream := &relay.Switch{}
	upstream.Set(&copier{from: first})
	s := newEdge(t, upstream)
	defer s.endEdge()
	s.enc = enc
	s.play(time.Second)
	s.server.Presentation("live/cam1")
	s.play(9 * time.Second)
	before := s.text("video")
	if n := count(segments(t, before), func(l listed) bool { return l.discontinuity }); n != 0 {
		t.Fatalf("discontinuities before the change:\n%s", before)
	}
	time.Sleep(3 * time.Second)
	second, again := newOrigin(t, hlstest.Config{Edition: edition})
	upstream.Set(&copier{from: second})
	s.enc = again
	s.play(10 * time.Second)
	s.sameCuts()
	for _, name := range []string{"video", "audio"} {
		text := s.text(name)
		all := segments(t, text)
		if n := count(all, func(l listed) bool { return l.discontinuity }); n != 1 {
			t.Errorf("%s: %d discontinuities, want 1:\n%s", name, n, text)
		}
		if got, want := len(values(text, "#EXT-X-MAP:")), 1+edition; got != want {
			t.Errorf("%s: %d headers, want %d:\n%s", name, got, want, text)
		}
		if n := count(all, func(l listed) bool { return !l.gap && l.duration > 0 }); n < 7 {
			t.Errorf("%s: %d segments with media:\n%s", name, n, text)
		}
	}
}
