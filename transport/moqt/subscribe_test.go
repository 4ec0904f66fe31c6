package moqt_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// filter shortens the tests.
func filter(t wire.FilterType, start relay.Location, end uint64) *wire.Filter {
	return &wire.Filter{Type: t, Start: start, EndGroup: end}
}

func TestFilters(t *testing.T) {
	// The log is 5/0 5/1 (complete), 7/0 7/1; then come 7/2 and 8/0.
	tests := []struct {
		name   string
		filter *wire.Filter
		want   []string
	}{
		{"LargestObject", filter(wire.LargestObject, relay.Location{}, 0), []string{"7/2", "7 end", "8/0"}},
		{"NextGroupStart", filter(wire.NextGroupStart, relay.Location{}, 0), []string{"8/0"}},
		{
			"AbsoluteStartInLog", filter(wire.AbsoluteStart, relay.Location{Group: 5, Object: 1}, 0),
			[]string{"5/1", "5 end", "7/0", "7/1", "7/2", "7 end", "8/0"},
		},
		{
			"AbsoluteStartOfAll", filter(wire.AbsoluteStart, relay.Location{}, 0),
			[]string{"7/0", "7/1", "7/2", "7 end", "8/0"},
		},
		{"AbsoluteStartAhead", filter(wire.AbsoluteStart, relay.Location{Group: 8}, 0), []string{"8/0"}},
		{
			"AbsoluteRange", filter(wire.AbsoluteRange, relay.Location{Group: 7, Object: 1}, 7),
			[]string{"7/1", "7/2", "7 end"},
		},
		{"None", nil, []string{"7/0", "7/1", "7/2", "7 end", "8/0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			drafts(t, func(t draftTest) {
				o := newOrigin(t, nil)
				video := o.track("video")
				o.group(video, 5, 2)
				g := o.group(video, 7, 2)
				sub := subscribe(t, o.dial(t.protocol), "video", moqt.SubscribeOptions{Filter: tt.filter})
				if l, ok := sub.Largest(); !ok || l != (relay.Location{Group: 7, Object: 1}) {
					t.Errorf("largest is %v, %t", l, ok)
				}
				synctest.Wait()
				o.object(g)
				o.group(video, 8, 1)
				expect(t, sub, tt.want...)
				if tt.filter != nil && tt.filter.Type == wire.AbsoluteRange {
					_, err := sub.Next(ctxFor(t, time.Minute))
					wantDone(t, err, wire.DoneSubscriptionEnded)
				}
			})
		})
	}
}

func wantDone(tb testing.TB, err error, code wire.DoneCode) {
	tb.Helper()
	done, ok := errors.AsType[*moqt.DoneError](err)
	if !ok || done.Code != code {
		tb.Errorf("error is %v; want PUBLISH_DONE with %#x", err, uint64(code))
	}
}

// The catalog: one object holds the whole state, and players join in four ways.
func TestJoinCatalog(t *testing.T) {
	largest := filter(wire.LargestObject, relay.Location{}, 0)
	ways := map[string]func(ctx context.Context, c *moqt.Client) (source, error){
		"LargestAndJoiningFetch": func(ctx context.Context, c *moqt.Client) (source, error) {
			sub, err := c.Subscribe(ctx, cam, "catalog", moqt.SubscribeOptions{Filter: largest})
			if err != nil {
				return nil, err
			}
			return c.JoinRelative(ctx, sub, 0, moqt.FetchOptions{})
		},
		"LargestAlone": func(ctx context.Context, c *moqt.Client) (source, error) {
			return c.Subscribe(ctx, cam, "catalog", moqt.SubscribeOptions{Filter: largest})
		},
		"StandaloneFetch": func(ctx context.Context, c *moqt.Client) (source, error) {
			return c.Fetch(ctx, cam, "catalog",
				relay.Location{}, relay.Location{Group: 1 << 40}, moqt.FetchOptions{})
		},
		"AbsoluteStart": func(ctx context.Context, c *moqt.Client) (source, error) {
			all := filter(wire.AbsoluteStart, relay.Location{}, 0)
			return c.Subscribe(ctx, cam, "catalog", moqt.SubscribeOptions{Filter: all})
		},
	}
	for name, join := range ways {
		t.Run(name, func(t *testing.T) {
			drafts(t, func(t draftTest) {
				o := newOrigin(t, nil)
				catalog := o.track("catalog")
				o.group(catalog, 3, 1)
				time.Sleep(time.Second)
				before := time.Now()
				s, err := join(ctxFor(t, time.Minute), o.dial(t.protocol))
				if err != nil {
					t.Fatal(err)
				}
				expect(t, s, "3/0")
				if took := time.Since(before); took > 0 {
					t.Errorf("the catalog came after %v", took)
				}
			})
		})
	}
}

func TestTrackEnds(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video := o.track("video")
		o.group(video, 1, 1)
		sub := subscribe(t, o.dial(t.protocol), "video", moqt.SubscribeOptions{})
		expect(t, sub, "1/0")
		video.Close(nil)
		expect(t, sub, "1 end")
		_, err := sub.Next(ctxFor(t, time.Minute))
		wantDone(t, err, wire.DoneTrackEnded)
	})
}

func TestRefusals(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video := o.track("video")
		o.group(video, 9, 1)
		c := o.dial(t.protocol)
		ctx := ctxFor(t, time.Minute)
		before := time.Now()

		_, err := c.Subscribe(ctx, cam, "nothing", moqt.SubscribeOptions{})
		wantRefused(t, err, wire.RequestDoesNotExist)
		_, err = c.Subscribe(ctx, "no/where", "video", moqt.SubscribeOptions{})
		wantRefused(t, err, wire.RequestDoesNotExist)
		_, err = c.Subscribe(ctx, cam, "video", moqt.SubscribeOptions{Filter: filter(wire.AbsoluteRange, relay.Location{}, 8)})
		wantRefused(t, err, wire.RequestInvalidRange)
		_, err = c.Fetch(ctx, cam, "video", relay.Location{Group: 10}, relay.Location{Group: 11}, moqt.FetchOptions{})
		wantRefused(t, err, wire.RequestInvalidRange)
		_, err = c.TrackStatus(ctx, cam, "nothing")
		wantRefused(t, err, wire.RequestDoesNotExist)

		subscribe(t, c, "video", moqt.SubscribeOptions{})
		_, err = c.Subscribe(ctx, cam, "video", moqt.SubscribeOptions{})
		wantRefused(t, err, wire.RequestDuplicate)
		if took := time.Since(before); took > 0 {
			t.Errorf("the answers took %v", took)
		}
		if err := c.Err(); err != nil {
			t.Errorf("the session ended: %v", err)
		}
	})
}

func TestSubscribeAgainAfterClose(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video := o.track("video")
		g := o.group(video, 1, 1)
		c := o.dial(t.protocol)
		sub := subscribe(t, c, "video", moqt.SubscribeOptions{})
		expect(t, sub, "1/0")
		if err := sub.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		sub = subscribe(t, c, "video", moqt.SubscribeOptions{Filter: filter(wire.LargestObject, relay.Location{}, 0)})
		o.object(g)
		expect(t, sub, "1/1")
	})
}

func TestPauseAndResume(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video := o.track("video")
		g := o.group(video, 1, 1)
		sub := subscribe(t, o.dial(t.protocol), "video", moqt.SubscribeOptions{Paused: true})
		expectNothing(t, sub, time.Second)
		o.object(g)
		forward := true
		if err := sub.Update(ctxFor(t, time.Minute), moqt.Update{Forward: &forward}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		o.object(g)
		expect(t, sub, "1/2")
		forward = false
		if err := sub.Update(ctxFor(t, time.Minute), moqt.Update{Forward: &forward}); err != nil {
			t.Fatal(err)
		}
		expect(t, sub, "1 reset")
		o.object(g)
		expectNothing(t, sub, time.Second)
	})
}

func TestTrackStatus(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		video := o.track("video")
		c := o.dial(t.protocol)
		if s, err := c.TrackStatus(ctxFor(t, time.Minute), cam, "video"); err != nil || s.Largest != nil {
			t.Errorf("empty track: %+v, %v", s, err)
		}
		o.group(video, 4, 3)
		s, err := c.TrackStatus(ctxFor(t, time.Minute), cam, "video")
		if err != nil || s.Largest == nil || *s.Largest != (relay.Location{Group: 4, Object: 2}) {
			t.Errorf("status is %+v, %v", s, err)
		}
	})
}

func TestRendezvous(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t, nil)
		c := o.dial("moqt-18")
		time.AfterFunc(time.Second, func() {
			o.group(o.track("late"), 1, 1)
		})
		before := time.Now()
		sub := subscribe(t, c, "late", moqt.SubscribeOptions{Rendezvous: 5 * time.Second})
		if took := time.Since(before); took != time.Second {
			t.Errorf("the answer took %v", took)
		}
		expect(t, sub, "1/0")
		_, err := c.Subscribe(ctxFor(t, time.Minute), cam, "never", moqt.SubscribeOptions{Rendezvous: time.Second})
		wantRefused(t, err, wire.RequestTimeout)
	})
}
