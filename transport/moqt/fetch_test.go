package moqt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// The log of these tests is 5/0 5/1, 7/0 7/1, and 8/0 8/1 8/2 that still grows.
func fetchLog(tb testing.TB) (*origin, *relay.Group) {
	tb.Helper()
	o := newOrigin(tb, nil)
	video := o.track("video")
	o.group(video, 5, 2)
	o.group(video, 7, 2)
	return o, o.group(video, 8, 3)
}

func TestStandaloneFetch(t *testing.T) {
	loc := func(g, o uint64) relay.Location { return relay.Location{Group: g, Object: o} }
	tests := []struct {
		name       string
		start, end relay.Location
		descending bool
		want       []string
		wantEnd    relay.Location
	}{
		{"One", loc(7, 1), loc(7, 2), false, []string{"7/1"}, loc(7, 2)},
		{"WholeGroup", loc(5, 0), loc(5, 0), false, []string{"5/0", "5/1"}, loc(5, 0)},
		{"AcrossGroups", loc(5, 1), loc(8, 1), false, []string{"5/1", "7/0", "7/1", "8/0"}, loc(8, 1)},
		{"Descending", loc(5, 1), loc(8, 1), true, []string{"8/0", "7/0", "7/1", "5/1"}, loc(8, 1)},
		{"BeyondTheEdge", loc(8, 1), loc(99, 0), false, []string{"8/1", "8/2"}, loc(8, 3)},
		{"OpenGroupWhole", loc(8, 2), loc(8, 0), false, []string{"8/2"}, loc(8, 3)},
		{"Gap", loc(6, 0), loc(6, 0), false, nil, loc(6, 0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			drafts(t, func(t draftTest) {
				o, _ := fetchLog(t)
				f, err := o.dial(t.protocol).Fetch(ctxFor(t, time.Minute), cam, "video", tt.start, tt.end,
					moqt.FetchOptions{Descending: tt.descending})
				if err != nil {
					t.Fatal(err)
				}
				if f.End() != tt.wantEnd {
					t.Errorf("end is %v; want %v", f.End(), tt.wantEnd)
				}
				for _, want := range tt.want { // One by one: here the order of groups counts.
					expect(t, f, want)
				}
				if _, err := f.Next(ctxFor(t, time.Minute)); !errors.Is(err, io.EOF) {
					t.Errorf("the end is %v", err)
				}
			})
		})
	}
}

type joinFunc func(context.Context, *moqt.Client, *moqt.Subscription) (*moqt.Fetch, error)

// A joining fetch and its subscription meet without gap or overlap, although
// the log grows between the two requests.
func TestJoiningFetch(t *testing.T) {
	relative := func(groups uint64) joinFunc {
		return func(ctx context.Context, c *moqt.Client, sub *moqt.Subscription) (*moqt.Fetch, error) {
			return c.JoinRelative(ctx, sub, groups, moqt.FetchOptions{})
		}
	}
	absolute := func(ctx context.Context, c *moqt.Client, sub *moqt.Subscription) (*moqt.Fetch, error) {
		return c.JoinAbsolute(ctx, sub, 7, moqt.FetchOptions{})
	}
	joins := map[string]struct {
		join joinFunc
		want []string
	}{
		"Relative0":          {relative(0), []string{"8/0", "8/1", "8/2"}},
		"Relative1":          {relative(1), []string{"7/0", "7/1", "8/0", "8/1", "8/2"}},
		"RelativeBeforeZero": {relative(1 << 40), []string{"5/0", "5/1", "7/0", "7/1", "8/0", "8/1", "8/2"}},
		"Absolute7":          {absolute, []string{"7/0", "7/1", "8/0", "8/1", "8/2"}},
	}
	for name, tt := range joins {
		t.Run(name, func(t *testing.T) {
			drafts(t, func(t draftTest) {
				o, newest := fetchLog(t)
				c := o.dial(t.protocol)
				sub := subscribe(t, c, "video", moqt.SubscribeOptions{Filter: filter(wire.LargestObject, relay.Location{}, 0)})
				o.object(newest)
				f, err := tt.join(ctxFor(t, time.Minute), c, sub)
				if err != nil {
					t.Fatal(err)
				}
				for _, want := range tt.want {
					expect(t, f, want)
				}
				if _, err := f.Next(ctxFor(t, time.Minute)); !errors.Is(err, io.EOF) {
					t.Errorf("the end is %v", err)
				}
				expect(t, sub, "8/3")
			})
		})
	}
}

// Who comes between two groups, of which the last one is complete, gets no object of
// it from both the subscription and its joining fetch.
func TestJoinBetweenGroups(t *testing.T) {
	for name, objects := range map[string]int{"closed": 3, "one object so far, and late": 1} {
		t.Run(name, func(t *testing.T) {
			drafts(t, func(t draftTest) {
				o := newOrigin(t, nil)
				video := o.track("video")
				o.group(video, 7, 3).Close()
				newest := o.group(video, 8, objects)
				if objects > 1 {
					newest.Close()
				}
				time.Sleep(time.Second)
				c := o.dial(t.protocol)
				sub := subscribe(t, c, "video", moqt.SubscribeOptions{Filter: filter(wire.LargestObject, relay.Location{}, 0)})
				f, err := c.JoinAbsolute(ctxFor(t, time.Minute), sub, 8, moqt.FetchOptions{})
				if err != nil {
					t.Fatal(err)
				}
				expect(t, f, []string{"8/0", "8/1", "8/2"}[:objects]...)
				if _, err := f.Next(ctxFor(t, time.Minute)); !errors.Is(err, io.EOF) {
					t.Errorf("the end is %v", err)
				}
				o.group(video, 9, 1)
				expect(t, sub, "9/0")
			})
		})
	}
}

func TestJoiningFetchRefused(t *testing.T) {
	drafts(t, func(t draftTest) {
		o, _ := fetchLog(t)
		o.track("empty")
		c := o.dial(t.protocol)
		largest := moqt.SubscribeOptions{Filter: filter(wire.LargestObject, relay.Location{}, 0)}
		empty := subscribe(t, c, "empty", largest)
		_, err := c.JoinRelative(ctxFor(t, time.Minute), empty, 0, moqt.FetchOptions{})
		wantRefused(t, err, wire.RequestInvalidRange)

		closed := subscribe(t, c, "video", largest)
		if err := closed.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		_, err = c.JoinRelative(ctxFor(t, time.Minute), closed, 0, moqt.FetchOptions{})
		wantRefused(t, err, wire.RequestInvalidJoiningID)
	})
}

func TestFetchCancelled(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video := o.track("video")
		g := o.group(video, 1, 0)
		big := relay.Object{Payload: make([]byte, 4<<20), Complete: time.Now()} // Beyond all windows.
		if err := errors.Join(g.Append(big), g.Append(big)); err != nil {
			t.Fatal(err)
		}
		c := o.dial(t.protocol)
		f, err := c.Fetch(ctxFor(t, time.Minute), cam, "video", relay.Location{}, relay.Location{Group: 2}, moqt.FetchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := c.Err(); err != nil {
			t.Errorf("the session ended: %v", err)
		}
		if _, err := c.TrackStatus(ctxFor(t, time.Second), cam, "video"); err != nil {
			t.Errorf("the session does not answer: %v", err)
		}
	})
}

// A peer that reads a fetch very slowly does not keep in memory what has left the
// log: it loses what it did not come to.
func TestSlowFetchKeepsNothing(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video, err := o.broadcast.NewTrack("video", relay.TrackConfig{Window: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		publish := func(id uint64) {
			g := o.group(video, id, 0)
			for range 10 {
				if err := g.Append(relay.Object{Payload: make([]byte, 100<<10), Complete: time.Now()}); err != nil {
					t.Fatal(err)
				}
			}
		}
		publish(2)
		publish(3)
		c, _ := o.dialConfig(moqttest.Config{Protocol: t.protocol, StreamWindow: 64 << 10}, moqt.ClientConfig{})
		f, err := c.Fetch(ctxFor(t, time.Hour), cam, "video", relay.Location{}, relay.Location{Group: 4}, moqt.FetchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		next := uint64(4)
		for {
			object, err := f.Next(ctxFor(t, time.Hour))
			if err != nil {
				if code := resetCode(t, t.protocol, err); code != wire.ResetTooFarBehind && code != wire.ResetDeliveryTimeout {
					t.Errorf("the fetch ends with %v", err)
				}
				break
			}
			if object.Location.Group > 2 {
				t.Fatalf("got %v, long after it left the log", object.Location)
			}
			time.Sleep(4 * time.Second) // Slow, but never still for the stall timeout.
			publish(next)
			next++
		}
	})
}

// Of an endless group whose head was let go of, a response says that nothing is known
// of the head, not that it never was.
func TestFetchOfATrimmedGroup(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video, err := o.broadcast.NewTrack("video", relay.TrackConfig{Priority: 2, MaxGroupBytes: 6330})
		must(t, err)
		g := o.group(video, 5, 30)
		first := g.Trimmed()
		if first == 0 {
			t.Fatal("all is there")
		}
		p := newRawPeer(t, o, t.protocol)
		p.setup()
		p.request(&wire.Fetch{
			Type: wire.StandaloneFetch, Track: wire.TrackName{Namespace: cam.Fields(), Name: "video"},
			Start: relay.Location{Group: 5}, End: relay.Location{Group: 5},
		})
		want := []string{fmt.Sprintf("%d of 0 at 0: ", first-1)}
		for id := first; id < 30; id++ {
			want = append(want, fmt.Sprintf("%d of 0 at 2: 5/%d", id, id))
		}
		if got := p.fetched(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
