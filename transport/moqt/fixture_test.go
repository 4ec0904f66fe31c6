package moqt_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

const cam = relay.Namespace("live/cam1")

// draftTest is a test at one draft.
type draftTest struct {
	*testing.T
	protocol string
}

// drafts runs a test at every draft, in a bubble of virtual time.
func drafts(t *testing.T, run func(draftTest)) {
	t.Helper()
	for _, p := range wire.Protocols() {
		t.Run(p, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { run(draftTest{t, p}) })
		})
	}
}

// origin is a relay with a server in front of it.
type origin struct {
	t         testing.TB
	relay     *relay.Relay
	broadcast *relay.Broadcast
	server    *moqt.Server
}

func newOrigin(tb testing.TB, change func(*moqt.Config)) *origin {
	tb.Helper()
	o := &origin{t: tb, relay: relay.New(relay.Config{})}
	var err error
	if o.broadcast, err = o.relay.Publish(cam); err != nil {
		tb.Fatal(err)
	}
	cfg := moqt.Config{Relay: o.relay}
	if change != nil {
		change(&cfg)
	}
	o.server = moqt.NewServer(cfg)
	return o
}

// track publishes a track with a window of 30 s.
func (o *origin) track(name string) *relay.Track {
	o.t.Helper()
	t, err := o.broadcast.NewTrack(name, relay.TrackConfig{Window: 30 * time.Second, Priority: 2})
	if err != nil {
		o.t.Fatal(err)
	}
	return t
}

// group publishes a group of n objects and leaves it open.
func (o *origin) group(t *relay.Track, id uint64, n int) *relay.Group {
	o.t.Helper()
	g, err := t.NewGroup(id)
	if err != nil {
		o.t.Fatal(err)
	}
	for range n {
		o.object(g)
	}
	return g
}

// object publishes one more object, whose payload names its place.
func (o *origin) object(g *relay.Group) {
	o.t.Helper()
	payload := fmt.Appendf(nil, "%d/%d", g.ID(), g.Len())
	if err := g.Append(relay.Object{Payload: payload, Complete: time.Now()}); err != nil {
		o.t.Fatal(err)
	}
}

// serve runs a session of the server and gives its error when it ends.
func (o *origin) serve(conn moqt.Conn) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- o.server.Serve(context.Background(), conn) }()
	return ended
}

// dial gives a client of the origin's server, closed when the test ends.
func (o *origin) dial(protocol string) *moqt.Client {
	o.t.Helper()
	c, _ := o.dialConfig(moqttest.Config{Protocol: protocol}, moqt.ClientConfig{})
	return c
}

func (o *origin) dialConfig(conn moqttest.Config, cfg moqt.ClientConfig) (*moqt.Client, <-chan error) {
	o.t.Helper()
	near, far := moqttest.Pair(conn)
	ended := o.serve(far)
	client, err := moqt.NewClient(context.Background(), near, cfg)
	if err != nil {
		o.t.Fatal(err)
	}
	served := make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		served <- <-ended
	}()
	o.t.Cleanup(func() {
		_ = client.Close()
		<-done
	})
	return client, served
}

func subscribe(tb testing.TB, c *moqt.Client, track string, o moqt.SubscribeOptions) *moqt.Subscription {
	tb.Helper()
	sub, err := c.Subscribe(ctxFor(tb, time.Minute), cam, track, o)
	if err != nil {
		tb.Fatalf("subscribe to %s: %v", track, err)
	}
	return sub
}

func ctxFor(tb testing.TB, d time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	tb.Cleanup(cancel)
	return ctx
}

// source is a Subscription or a Fetch.
type source interface {
	Next(ctx context.Context) (moqt.Object, error)
}

// expect reads from s what want lists: "5/0" is an object, "5 end" the end of
// a complete group, "5 reset" the end of one that was cut. Groups travel on
// streams of their own, so only the order within a group counts.
func expect(tb testing.TB, s source, want ...string) {
	tb.Helper()
	got := make([]moqt.Object, 0, len(want))
	for range want {
		o, err := s.Next(ctxFor(tb, time.Minute))
		if err != nil {
			tb.Fatalf("%v after %q; want %q", err, describeAll(got), want)
		}
		got = append(got, o)
	}
	slices.SortStableFunc(got, func(a, b moqt.Object) int {
		return cmp.Compare(a.Location.Group, b.Location.Group)
	})
	if diff := gocmp.Diff(want, describeAll(got)); diff != "" {
		tb.Fatalf("objects differ (-want +got):\n%s", diff)
	}
}

func describeAll(objects []moqt.Object) []string {
	all := make([]string, 0, len(objects))
	for _, o := range objects {
		all = append(all, describe(o))
	}
	return all
}

func describe(o moqt.Object) string {
	switch {
	case o.End && o.Reset == nil:
		return fmt.Sprintf("%d end", o.Location.Group)
	case o.End:
		return fmt.Sprintf("%d reset", o.Location.Group)
	case string(o.Payload) != fmt.Sprintf("%d/%d", o.Location.Group, o.Location.Object):
		return fmt.Sprintf("%d/%d with payload %.20q", o.Location.Group, o.Location.Object, o.Payload)
	}
	return string(o.Payload)
}

// expectNothing checks that nothing comes for d.
func expectNothing(tb testing.TB, s source, d time.Duration) {
	tb.Helper()
	if o, err := s.Next(ctxFor(tb, d)); !errors.Is(err, context.DeadlineExceeded) {
		tb.Fatalf("got %q, %v; want silence", describe(o), err)
	}
}

func wantRefused(tb testing.TB, err error, code wire.RequestCode) {
	tb.Helper()
	refused, ok := errors.AsType[*moqt.RequestError](err)
	if !ok || refused.Code != code {
		tb.Errorf("error is %v; want a refusal with %s", err, code)
	}
}
