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

// Who asks for more than a session may have is told EXCESSIVE_LOAD (draft 16 has
// INTERNAL_ERROR for it), keeps what it has, and who watches beside it loses nothing.
func TestHostileClients(t *testing.T) {
	limits := moqt.Limits{Subscriptions: 4, Requests: 12, Namespaces: 3}
	for name, tt := range map[string]struct {
		granted int
		ask     func(t draftTest, c *moqt.Client, i int) error
	}{
		"subscriptions": {4, func(t draftTest, c *moqt.Client, i int) error {
			_, err := c.Subscribe(ctxFor(t, time.Minute), cam, fmt.Sprintf("track%d", i), moqt.SubscribeOptions{})
			return err
		}},
		"requests": {12, func(t draftTest, c *moqt.Client, i int) error {
			_, err := c.SubscribeNamespace(ctxFor(t, time.Minute), relay.Namespace(fmt.Sprintf("prefix%d", i)))
			return err
		}},
		"namespaces": {3, func(t draftTest, c *moqt.Client, i int) error {
			_, err := c.PublishNamespace(ctxFor(t, time.Minute), relay.Namespace(fmt.Sprintf("mine/%d", i)))
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			drafts(t, func(t draftTest) {
				o := newOrigin(t, nil)
				o.server = moqt.NewServer(moqt.Config{Relay: o.relay, Limits: limits, Publishers: &intake{relay: o.relay}})
				for i := range 20 {
					o.group(o.track(fmt.Sprintf("track%d", i)), 1, 1)
				}
				video := o.track("video")
				g := o.group(video, 1, 1)
				viewer := subscribe(t, o.dial(t.protocol), "video", moqt.SubscribeOptions{})
				expect(t, viewer, "1/0")
				near, far := moqttest.Pair(moqttest.Config{Protocol: t.protocol})
				o.serve(far)
				hostile, err := moqt.NewClient(context.Background(), near, moqt.ClientConfig{})
				must(t.T, err)
				code, granted := wire.RequestExcessiveLoad, 0
				if t.protocol == "moqt-16" {
					code = wire.RequestInternal
				}
				for i := range 20 {
					err := tt.ask(t, hostile, i)
					refused, ok := errors.AsType[*moqt.RequestError](err)
					switch {
					case err == nil:
						granted++
					case !ok || refused.Code != code || refused.Reason == "":
						t.Errorf("request %d: %v", i, err)
					}
					o.object(g)
				}
				if granted != tt.granted {
					t.Errorf("%d were granted; want %d", granted, tt.granted)
				}
				for i := range 20 {
					expect(t, viewer, fmt.Sprintf("1/%d", i+1))
				}
				if err := hostile.Err(); err != nil {
					t.Errorf("the session has ended: %v", err)
				}
				must(t.T, hostile.Close())
				synctest.Wait()
			})
		})
	}
}
