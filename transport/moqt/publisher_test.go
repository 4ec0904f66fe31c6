package moqt_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// intake announces what peers publish in a relay.
type intake struct {
	relay  *relay.Relay
	refuse error
	asked  []string

	mu   sync.Mutex
	held []*relay.Demand // Guarded by mu.
}

func (i *intake) Announce(_ context.Context, p *moqt.Publisher) error {
	i.asked = append(i.asked, string(p.Namespace())+" "+p.Token())
	if i.refuse != nil {
		return i.refuse
	}
	b, err := i.relay.Announce(p.Namespace(), relay.AnnounceConfig{Upstream: windowed{p}})
	if err != nil {
		return err
	}
	context.AfterFunc(p.Context(), func() { b.Close(context.Cause(p.Context())) })
	return nil
}

func (i *intake) Offer(p *moqt.Publisher, track string) {
	if b, ok := i.relay.Broadcast(p.Namespace()); ok {
		d := b.Demand(track)
		i.mu.Lock()
		defer i.mu.Unlock()
		i.held = append(i.held, d)
	}
}

// floodBytes is what a track may hold.
const floodBytes = 256 << 10

// windowed gives tracks a window.
type windowed struct{ relay.Upstream }

func (w windowed) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	return w.Upstream.Subscribe(ctx, t, func(cfg relay.TrackConfig) {
		cfg.Window, cfg.MaxBytes = time.Minute, floodBytes
		accepted(cfg)
	})
}

// newIntake is a server that takes publishers, on a relay without broadcasts.
func newIntake(tb testing.TB) (*origin, *intake) {
	tb.Helper()
	in := &intake{relay: relay.New(relay.Config{})}
	o := &origin{t: tb, relay: in.relay, server: moqt.NewServer(moqt.Config{Relay: in.relay, Publishers: in})}
	tb.Cleanup(func() {
		in.mu.Lock()
		held := in.held
		in.mu.Unlock()
		for _, d := range held {
			d.Release()
		}
		broadcasts, _ := in.relay.Broadcasts("")
		for _, b := range broadcasts {
			b.Close(nil)
		}
		in.relay.Wait()
	})
	return o, in
}

var studio = wire.TrackName{Namespace: []string{"studio", "a"}, Name: "video"}

func wantOK(tb testing.TB, r *wire.StreamReader) wire.Message {
	tb.Helper()
	m, err := r.Message()
	if err != nil {
		tb.Fatal(err)
	}
	if k := m.Kind(); k != wire.KindRequestOK && k != wire.KindPublishOK {
		tb.Fatalf("answered with %+v", m)
	}
	return m
}

// A peer offers a namespace; its tracks are subscribed to when somebody wants them,
// and flow on at the other draft.
func TestPublishNamespace(t *testing.T) {
	drafts(t, func(t draftTest) {
		o, in := newIntake(t)
		mine := newOrigin(t, nil)
		g := mine.group(mine.track("video"), 5, 2)
		near, far := moqttest.Pair(moqttest.Config{Protocol: t.protocol})
		o.serve(far)
		c, err := moqt.NewClient(context.Background(), near, moqt.ClientConfig{
			Relay: mine.relay, AuthToken: "secret",
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		p, err := c.PublishNamespace(ctxFor(t, time.Minute), cam)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"live/cam1 secret"}, in.asked); diff != "" {
			t.Error(diff)
		}
		filter := &wire.Filter{Type: wire.AbsoluteStart, Start: wire.Location{Group: 5}}
		viewers := make([]*moqt.Subscription, 0, 2)
		for _, protocol := range wire.Protocols() {
			viewers = append(viewers, subscribe(t, o.dial(protocol), "video", moqt.SubscribeOptions{Filter: filter}))
		}
		for _, sub := range viewers {
			expect(t, sub, "5/0", "5/1")
		}
		mine.object(g)
		for _, sub := range viewers {
			expect(t, sub, "5/2")
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, ok := in.relay.Broadcast(cam); ok {
			t.Error("still announced after it was withdrawn")
		}
	})
}

// A namespace that is withdrawn, or whose peer goes, is gone.
func TestNamespaceWithdrawn(t *testing.T) {
	drafts(t, func(t draftTest) {
		o, in := newIntake(t)
		p := newRawPeer(t, o, t.protocol)
		p.setup()
		m := &wire.PublishNamespace{RequestID: 0, Namespace: studio.Namespace}
		if p.d.Control == wire.OneBidi {
			wantOK(t, p.request(m))
			p.send(p.control, p.bytes(&wire.PublishNamespaceDone{RequestID: 0}))
		} else {
			st, err := p.conn.OpenStream(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p.send(st, p.bytes(m))
			wantOK(t, p.d.NewStreamReader(st))
			if _, ok := in.relay.Broadcast("studio/a"); !ok {
				t.Error("not announced")
			}
			st.CancelWrite(uint64(wire.ResetCancelled))
		}
		synctest.Wait()
		if _, ok := in.relay.Broadcast("studio/a"); ok {
			t.Error("still announced")
		}
	})
}

// PUBLISH: objects come before they are asked for, in streams of two subgroups and
// in datagrams, with properties; all of it can be read, by their ID.
func TestPublish(t *testing.T) {
	drafts(t, func(t draftTest) {
		o, in := newIntake(t)
		p := newRawPeer(t, o, t.protocol)
		p.setup()
		answers := p.request(&wire.Publish{RequestID: 0, Track: studio, TrackAlias: 9})
		props := []relay.Property{{Type: 8, Int: 90000}, {Type: 13, Bytes: []byte("x")}}
		h := wire.SubgroupHeader{TrackAlias: 9, Group: 3, Priority: 7, Properties: true}
		first := relay.Object{ID: 0, Size: 2, Properties: props}
		b := p.d.AppendSubgroupObject(p.d.AppendSubgroupHeader(nil, h), &h, 0, &first)
		st := p.uni(append(b, "ab"...))
		h.Subgroup, h.Properties = 1, false
		b = p.d.AppendSubgroupObject(p.d.AppendSubgroupHeader(nil, h), &h, 4, &relay.Object{Size: 1})
		other := p.uni(append(b, 'c'))
		wantOK(t, answers)
		synctest.Wait()
		if err := p.conn.SendDatagram(p.d.AppendDatagram(nil, 9, 3, &relay.Object{ID: 6, Priority: 7, Payload: []byte("d")})); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		_, _ = st.Close(), other.Close()
		tr := findTrack(t, in.relay, "studio/a", "video")
		synctest.Wait()
		g, _ := tr.Group(3)
		got := g.Sorted()
		want := []relay.Object{
			{ID: 0, Priority: 7, Payload: []byte("ab"), Size: 2, Properties: props},
			{ID: 4, Subgroup: 1, Priority: 7, Payload: []byte("c"), Size: 1},
			{ID: 6, Datagram: true, Priority: 7, Payload: []byte("d"), Size: 1},
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(relay.Object{}), cmpopts.IgnoreFields(relay.Object{}, "Complete", "Begun", "First")); diff != "" {
			t.Errorf("objects differ (-want +got):\n%s", diff)
		}
		done := &wire.PublishDone{RequestID: 0, Code: wire.DoneTrackEnded, Streams: 2}
		if p.d.Control == wire.OneBidi {
			p.send(p.control, p.bytes(done))
			synctest.Wait()
			if !errors.Is(tr.Err(), relay.ErrEnded) {
				t.Errorf("after PUBLISH_DONE: %v", tr.Err())
			}
		}
	})
}

func findTrack(tb testing.TB, r *relay.Relay, ns relay.Namespace, name string) *relay.Track {
	tb.Helper()
	b, ok := r.Broadcast(ns)
	if !ok {
		tb.Fatalf("no broadcast %s", ns)
	}
	t, ok := b.Track(name)
	if !ok {
		tb.Fatalf("no track %s", name)
	}
	return t
}

func TestPublisherRefused(t *testing.T) {
	drafts(t, func(t draftTest) {
		o, in := newIntake(t)
		in.refuse = &moqt.RequestError{Code: wire.RequestExpiredToken, Reason: "too late"}
		p := newRawPeer(t, o, t.protocol)
		p.setup()
		p.wantError(&wire.PublishNamespace{RequestID: 0, Namespace: studio.Namespace}, wire.RequestExpiredToken)
		in.refuse = errors.New("no")
		p.wantError(&wire.Publish{RequestID: 2, Track: studio}, wire.RequestUnauthorized)
	})
}

// A token is looked for in the request, then in SETUP.
func TestTokenOfARequest(t *testing.T) {
	drafts(t, func(t draftTest) {
		o, in := newIntake(t)
		in.refuse = errors.New("no")
		p := newRawPeer(t, o, t.protocol)
		p.setup()
		m := &wire.PublishNamespace{RequestID: 0, Namespace: studio.Namespace}
		m.Params.AuthTokens = [][]byte{p.d.AppendToken(nil, wire.Token{AliasType: wire.TokenUseValue, Value: []byte("mine")})}
		p.wantError(m, wire.RequestUnauthorized)
		if diff := cmp.Diff([]string{"studio/a mine"}, in.asked); diff != "" {
			t.Error(diff)
		}
		m = &wire.PublishNamespace{RequestID: 2, Namespace: studio.Namespace}
		m.Params.AuthTokens = [][]byte{p.d.AppendToken(nil, wire.Token{AliasType: wire.TokenUseAlias, Alias: 3})}
		p.request(m)
		p.wantEnd(wire.UnknownAuthTokenAlias)
	})
}

func TestGrantRunsOut(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, func(cfg *moqt.Config) {
			cfg.Authorize = func(context.Context, moqt.Request) (moqt.Grant, error) {
				return moqt.Grant{Expires: time.Now().Add(time.Minute)}, nil
			}
		})
		o.group(o.track("video"), 1, 1)
		sub := subscribe(t, o.dial(t.protocol), "video", moqt.SubscribeOptions{})
		expect(t, sub, "1/0")
		time.Sleep(50 * time.Second)
		synctest.Wait()
		if err := sub.Err(); err != nil {
			t.Fatalf("ended early: %v", err)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if done, ok := errors.AsType[*moqt.DoneError](sub.Err()); !ok || done.Code != wire.DoneUnauthorized {
			t.Errorf("%v", sub.Err())
		}
	})
}
