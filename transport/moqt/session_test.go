package moqt_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

func TestNamespaces(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		c := o.dial(t.protocol)
		n, err := c.SubscribeNamespace(ctxFor(t, time.Minute), "live")
		if err != nil {
			t.Fatal(err)
		}
		next := func(want moqt.Announcement) {
			t.Helper()
			got, err := n.Next(ctxFor(t, time.Minute))
			if err != nil || got != want {
				t.Fatalf("got %+v, %v; want %+v", got, err, want)
			}
		}
		next(moqt.Announcement{Namespace: cam, Live: true})
		other, err := o.relay.Publish("live/b/c")
		if err != nil {
			t.Fatal(err)
		}
		next(moqt.Announcement{Namespace: "live/b/c", Live: true})
		if _, err := o.relay.Publish("livestock"); err != nil { // Not under the prefix.
			t.Fatal(err)
		}
		other.Close(nil)
		next(moqt.Announcement{Namespace: "live/b/c"})

		_, err = c.SubscribeNamespace(ctxFor(t, time.Minute), "live/cam1")
		wantRefused(t, err, wire.RequestPrefixOverlap)
		n.Close()
		synctest.Wait()
		if _, err := c.SubscribeNamespace(ctxFor(t, time.Minute), ""); err != nil {
			t.Errorf("after the first was closed: %v", err)
		}
	})
}

func TestAuthorize(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, func(cfg *moqt.Config) {
			cfg.Authorize = func(_ context.Context, r moqt.Request) (moqt.Grant, error) {
				if r.Namespace == cam && r.Action != moqt.ActionDiscover {
					return moqt.Grant{}, nil
				}
				return moqt.Grant{}, errors.New("not for you")
			}
		})
		o.group(o.track("video"), 1, 1)
		c := o.dial(t.protocol)
		expect(t, subscribe(t, c, "video", moqt.SubscribeOptions{}), "1/0")
		_, err := c.Subscribe(ctxFor(t, time.Minute), "live/other", "video", moqt.SubscribeOptions{})
		wantRefused(t, err, wire.RequestUnauthorized)
		_, err = c.SubscribeNamespace(ctxFor(t, time.Minute), "")
		wantRefused(t, err, wire.RequestUnauthorized)
	})
}

// The hook knows a new viewer from one who watches, and says when to come back.
func TestAuthorizeFirst(t *testing.T) {
	drafts(t, func(t draftTest) {
		full := true
		o := newOrigin(t, func(cfg *moqt.Config) {
			cfg.Authorize = func(_ context.Context, r moqt.Request) (moqt.Grant, error) {
				if r.First && r.Action == moqt.ActionSubscribe && full {
					return moqt.Grant{}, &moqt.RequestError{Code: wire.RequestExcessiveLoad, RetryAfter: 10 * time.Second}
				}
				return moqt.Grant{}, nil
			}
		})
		o.group(o.track("video"), 1, 1)
		o.group(o.track("audio"), 1, 1)
		c := o.dial(t.protocol)
		_, err := c.SubscribeNamespace(ctxFor(t, time.Minute), "") // To look around is not to watch.
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Subscribe(ctxFor(t, time.Minute), cam, "video", moqt.SubscribeOptions{})
		want := wire.RequestExcessiveLoad
		if t.protocol == "moqt-16" {
			want = wire.RequestInternal // It has no better one.
		}
		wantRefused(t, err, want)
		if refused, ok := errors.AsType[*moqt.RequestError](err); !ok || refused.RetryAfter != 10*time.Second {
			t.Errorf("refused with %+v", refused)
		}
		full = false
		expect(t, subscribe(t, c, "video", moqt.SubscribeOptions{}), "1/0")
		full = true
		expect(t, subscribe(t, c, "audio", moqt.SubscribeOptions{}), "1/0")
	})
}

// Of the broadcasts under a prefix a peer is told of those that it may see.
func TestDiscoverySeesWhatIsGranted(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, func(cfg *moqt.Config) {
			cfg.Authorize = func(context.Context, moqt.Request) (moqt.Grant, error) {
				return moqt.Grant{Visible: func(ns relay.Namespace) bool { return ns != "a/secret" }}, nil
			}
		})
		for _, ns := range []relay.Namespace{"a/secret", "a/shown"} {
			if _, err := o.relay.Publish(ns); err != nil {
				t.Fatal(err)
			}
		}
		sub, err := o.dial(t.protocol).SubscribeNamespace(ctxFor(t, time.Minute), "a")
		if err != nil {
			t.Fatal(err)
		}
		got, err := sub.Next(ctxFor(t, time.Minute))
		if err != nil || got.Namespace != "a/shown" || !got.Live {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := sub.Next(ctxFor(t, time.Minute)); err == nil {
			t.Errorf("and %+v", got)
		}
	})
}

func TestDrain(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		g := o.group(o.track("video"), 1, 1)
		asked := make(chan string, 1)
		c, served := o.dialConfig(moqttest.Config{Protocol: t.protocol}, moqt.ClientConfig{
			OnGoaway: func(uri string, _ time.Duration) { asked <- uri },
		})
		sub := subscribe(t, c, "video", moqt.SubscribeOptions{})
		expect(t, sub, "1/0")

		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		drained := make(chan struct{})
		before := time.Now()
		go func() {
			defer close(drained)
			o.server.Drain(ctx, "https://other.example/moq")
		}()
		if uri := <-asked; uri != "https://other.example/moq" {
			t.Errorf("GOAWAY names %q", uri)
		}
		o.object(g) // What was established goes on.
		expect(t, sub, "1/1")
		_, err := c.TrackStatus(ctxFor(t, time.Minute), cam, "video")
		if !errors.Is(err, moqt.ErrGoingAway) {
			t.Errorf("a new request gives %v", err)
		}
		<-drained
		if took := time.Since(before); took != 5*time.Second {
			t.Errorf("drained after %v; want the deadline", took)
		}
		wantSessionCode(t, <-served, wire.GoawayTimeout)
	})
}

func TestDrainEndsWhenClientsLeave(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		var c *moqt.Client
		c, _ = o.dialConfig(moqttest.Config{Protocol: t.protocol}, moqt.ClientConfig{
			OnGoaway: func(string, time.Duration) { go c.Close() },
		})
		before := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		o.server.Drain(ctx, "")
		if took := time.Since(before); took > 0 {
			t.Errorf("drained after %v", took)
		}
		near, far := moqttest.Pair(moqttest.Config{Protocol: t.protocol})
		defer near.CloseWithError(0, "")
		if err := o.server.Serve(context.Background(), far); !errors.Is(err, moqt.ErrDraining) {
			t.Errorf("a new session gives %v", err)
		}
	})
}

// A crowd is sent on one by one, within a third of the time at most.
func TestDrainSpreadsTheViewers(t *testing.T) {
	for name, tt := range map[string]struct{ deadline, every time.Duration }{
		"at its pace":     {30 * time.Second, 20 * time.Millisecond},
		"in a short time": {3 * time.Second, 10 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const viewers = 100
				o := newOrigin(t, nil)
				told := make(chan time.Time, viewers)
				for range viewers {
					gone := make(chan struct{})
					c, _ := o.dialConfig(moqttest.Config{Protocol: "moqt-18"}, moqt.ClientConfig{
						OnGoaway: func(string, time.Duration) { told <- time.Now(); close(gone) },
					})
					go func() { <-gone; _ = c.Close() }()
				}
				began := time.Now()
				o.server.Drain(ctxFor(t, tt.deadline), "")
				if took := time.Since(began); took != (viewers-1)*tt.every {
					t.Errorf("drained after %v", took)
				}
				for i := range viewers {
					if at := (<-told).Sub(began); at != time.Duration(i)*tt.every {
						t.Fatalf("viewer %d was told after %v", i, at)
					}
				}
			})
		})
	}
}

func wantSessionCode(tb testing.TB, err error, code wire.SessionCode) {
	tb.Helper()
	if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != code {
		tb.Errorf("the session ended with %v; want code %#x", err, uint64(code))
	}
}

func TestPeerLeaves(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		c, served := o.dialConfig(moqttest.Config{Protocol: t.protocol}, moqt.ClientConfig{})
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-served; err != nil {
			t.Errorf("the session ended with %v", err)
		}
	})
}

func TestServerLeaves(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		c := o.dial(t.protocol)
		if want := map[string]int{"moqt-16": 16, "moqt-18": 18}[t.protocol]; c.Draft() != want {
			t.Errorf("draft is %d", c.Draft())
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		o.server.Drain(ctx, "")
		<-c.Done()
		closed, ok := errors.AsType[*moqt.CloseError](c.Err())
		if !ok || closed.Code != uint64(wire.GoawayTimeout) || !closed.Remote {
			t.Errorf("the client's session ended with %v", c.Err())
		}
		_, err := c.TrackStatus(ctxFor(t, time.Minute), cam, "video")
		if err == nil {
			t.Error("a session that has ended answers")
		}
	})
}

func TestNoSetup(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		near, far := moqttest.Pair(moqttest.Config{Protocol: t.protocol})
		before := time.Now()
		if err := <-o.serve(far); !errors.Is(err, moqt.ErrSetupTimeout) {
			t.Errorf("the session ended with %v", err)
		}
		if took := time.Since(before); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
		var closed *moqt.CloseError
		if !errors.As(context.Cause(near.Context()), &closed) || closed.Code != uint64(wire.ControlMessageTimeout) {
			t.Errorf("the peer saw %v", context.Cause(near.Context()))
		}
	})
}

func TestUnknownProtocol(t *testing.T) {
	o := newOrigin(t, nil)
	_, far := moqttest.Pair(moqttest.Config{Protocol: "moqt-99"})
	wantSessionCode(t, o.server.Serve(context.Background(), far), wire.VersionNegotiation)
}

func TestSubscriptionLimit(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, func(cfg *moqt.Config) { cfg.Limits.Subscriptions = 3 })
		c := o.dial(t.protocol)
		for i := range 3 {
			name := fmt.Sprintf("video-%d", i)
			o.track(name)
			subscribe(t, c, name, moqt.SubscribeOptions{})
		}
		o.track("one-more")
		_, err := c.Subscribe(ctxFor(t, time.Minute), cam, "one-more", moqt.SubscribeOptions{})
		refused, ok := errors.AsType[*moqt.RequestError](err)
		if !ok || refused.RetryAfter != time.Second {
			t.Errorf("error is %v", err)
		}
	})
}

// A client may make far more requests than the first window of Request IDs, and
// no faster than the rate that is read.
func TestManyRequests(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		o.track("video")
		c := o.dial(t.protocol)
		before := time.Now()
		for range 1200 {
			if _, err := c.TrackStatus(ctxFor(t, time.Minute), cam, "video"); err != nil {
				t.Fatal(err)
			}
		}
		// 200 a second, and a burst of one second's worth.
		if took := time.Since(before); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("1200 requests took %v", took)
		}
	})
}

func TestManySessions(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		g := o.group(o.track("video"), 1, 1)
		subs := make([]*moqt.Subscription, 0, 100)
		for range 100 {
			subs = append(subs, subscribe(t, o.dial(t.protocol), "video", moqt.SubscribeOptions{}))
		}
		for range 9 {
			o.object(g)
		}
		g.Close()
		for _, sub := range subs {
			expect(t, sub, "1/0", "1/1", "1/2", "1/3", "1/4", "1/5", "1/6", "1/7", "1/8", "1/9", "1 end")
		}
	})
}
