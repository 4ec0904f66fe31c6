package moq_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/moq"
	"github.com/freshet-live/freshet/packager/hls/hlstest"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/moqttest"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

const studio = relay.Namespace("studio/a")

// node is a gateway with the MoQ door alone.
type node struct {
	t        testing.TB
	relay    *relay.Relay
	sessions *ingest.Sessions
	server   *moqt.Server
	reg      *prometheus.Registry
}

func newNode(tb testing.TB) *node {
	tb.Helper()
	n := &node{t: tb, relay: relay.New(relay.Config{}), reg: prometheus.NewRegistry()}
	n.sessions = ingest.NewSessions(ingest.Config{Hold: 30 * time.Second})
	n.server = moqt.NewServer(moqt.Config{Relay: n.relay, Publishers: moq.New(moq.Config{
		Relay: n.relay, Sessions: n.sessions, Window: 30 * time.Second, Registerer: n.reg, StreamKey: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)),
	})})
	tb.Cleanup(func() {
		n.sessions.Close()
		n.relay.Wait()
	})
	return n
}

// publisher is a client with a broadcast of its own.
type publisher struct {
	client    *moqt.Client
	relay     *relay.Relay
	broadcast *relay.Broadcast
}

// dial connects a client; hang up before the bubble ends.
func (n *node) dial(protocol string, r *relay.Relay) *moqt.Client {
	n.t.Helper()
	near, far := moqttest.Pair(moqttest.Config{Protocol: protocol})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = n.server.Serve(context.Background(), far)
	}()
	c, err := moqt.NewClient(context.Background(), near, moqt.ClientConfig{Relay: r})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		_ = c.Close()
		<-ended
	})
	return c
}

func (n *node) publisher(protocol string) *publisher {
	n.t.Helper()
	p := &publisher{relay: relay.New(relay.Config{})}
	var err error
	if p.broadcast, err = p.relay.Publish(studio); err != nil {
		n.t.Fatal(err)
	}
	p.client = n.dial(protocol, p.relay)
	return p
}

func (n *node) publish(p *publisher) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := p.client.PublishNamespace(ctx, studio)
	return err
}

// encoder is a publisher of CMSF that was let in, and what feeds it.
func (n *node) encoder(protocol string) (*publisher, *hlstest.Encoder) {
	n.t.Helper()
	p := n.publisher(protocol)
	e := hlstest.New(n.t, p.broadcast, hlstest.Config{})
	if err := n.publish(p); err != nil {
		n.t.Fatal(err)
	}
	return p, e
}

// wantSame checks that the newest complete groups of a track are byte for byte the
// publisher's.
func (n *node) wantSame(p *publisher, track string) {
	n.t.Helper()
	b, ok := n.relay.Broadcast(studio)
	if !ok {
		n.t.Fatal("no broadcast")
	}
	got, ok := b.Track(track)
	if !ok {
		n.t.Fatalf("track %s did not come by itself", track)
	}
	sent, _ := p.broadcast.Track(track)
	same := 0
	for _, g := range got.Groups() {
		if !g.Complete() {
			continue
		}
		from, ok := sent.Group(g.ID())
		if !ok {
			continue // Of the publisher before.
		}
		if from.Len() != g.Len() {
			n.t.Fatalf("group %d has %d objects", g.ID(), g.Len())
		}
		for i, o := range g.Sorted() {
			want, _ := from.Object(i)
			if string(o.Payload) != string(want.Payload) || o.ID != want.ID {
				n.t.Fatalf("object %d of group %d differs", i, g.ID())
			}
		}
		same++
	}
	if same < 2 {
		n.t.Fatalf("only %d complete groups of %s", same, track)
	}
}

func drafts(t *testing.T, run func(t *testing.T, protocol string)) {
	t.Helper()
	for _, p := range wire.Protocols() {
		t.Run(p, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { run(t, p) })
		})
	}
}

// pace publishes media in its own time.
func pace(e *hlstest.Encoder, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(40 * time.Millisecond)
		e.Advance(time.Now())
		synctest.Wait()
	}
}

// live publishes media in the background.
func live(e *hlstest.Encoder) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			time.Sleep(40 * time.Millisecond)
			e.Advance(time.Now())
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func TestCMSFEntersAsItIs(t *testing.T) {
	drafts(t, func(t *testing.T, protocol string) {
		t.Helper()
		n := newNode(t)
		p, e := n.encoder(protocol)
		pace(e, 9*time.Second)
		n.wantSame(p, "video")
		n.wantSame(p, "audio")
		if s := n.sessions.Snapshot(); len(s) != 1 || s[0].Protocol != "moq" {
			t.Errorf("sessions are %+v", s)
		}
	})
}

// A publisher whose path stood brings several groups at once, none of which is lost.
func TestBurstOfGroups(t *testing.T) {
	drafts(t, func(t *testing.T, protocol string) {
		t.Helper()
		n := newNode(t)
		p, e := n.encoder(protocol)
		pace(e, 5*time.Second)
		for range 3 {
			time.Sleep(6 * time.Second)
			e.Advance(time.Now())
			synctest.Wait()
		}
		n.wantSame(p, "video")
		for _, name := range []string{"video", "audio"} {
			b, _ := n.relay.Broadcast(studio)
			got, _ := b.Track(name)
			sent, _ := p.broadcast.Track(name)
			from := got.Groups()[0].ID()
			for _, g := range sent.Groups() {
				if g.ID() < from {
					continue
				}
				if to, ok := got.Group(g.ID()); !ok || to.Len() != g.Len() {
					t.Errorf("%s: group %d of %d objects did not come whole", name, g.ID(), g.Len())
				}
			}
		}
	})
}

// The name has one owner, and survives it for the hold.
func TestOneOwnerOfAName(t *testing.T) {
	drafts(t, func(t *testing.T, protocol string) {
		t.Helper()
		n := newNode(t)
		p, e := n.encoder(protocol)
		stop := live(e)
		time.Sleep(3 * time.Second)
		_, err := n.sessions.Open(t.Context(), ingest.Request{Name: string(studio), Protocol: "srt"})
		if !errors.Is(err, ingest.ErrAlreadyPublishing) {
			t.Errorf("an encoder over SRT: %v", err)
		}
		q := n.publisher(protocol)
		refused, ok := errors.AsType[*moqt.RequestError](n.publish(q))
		if !ok || refused.Code != wire.RequestUninterested || refused.Reason == "" {
			t.Errorf("a second publisher: %v", refused)
		}
		before, _ := n.relay.Broadcast(studio)
		stop()
		_ = p.client.Close()
		time.Sleep(10 * time.Second)
		f := hlstest.New(t, q.broadcast, hlstest.Config{Start: time.Now()})
		if err := n.publish(q); err != nil {
			t.Fatalf("back within the hold: %v", err)
		}
		pace(f, 9*time.Second)
		n.wantSame(q, "video")
		if after, _ := n.relay.Broadcast(studio); after != before {
			t.Error("viewers lost their broadcast")
		}
		_ = q.client.Close()
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if _, ok := n.relay.Broadcast(studio); ok {
			t.Error("the broadcast outlived its hold")
		}
	})
}

// A publisher that ends its tracks in order and goes is held like one that is lost: what
// is there stays for those who watch, and the next goes on in the same tracks.
func TestEndOfAPublisherIsHeld(t *testing.T) {
	drafts(t, func(t *testing.T, protocol string) {
		t.Helper()
		n := newNode(t)
		p, e := n.encoder(protocol)
		pace(e, 5*time.Second)
		b, _ := n.relay.Broadcast(studio)
		names := []string{msf.TrackName, "video", "audio"}
		tracks := make(map[string]*relay.Track)
		for _, name := range names {
			d := b.Demand(name)
			defer d.Release()
			var err error
			if tracks[name], err = d.Track(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		e.End()
		time.Sleep(time.Second)
		_ = p.client.Close()
		time.Sleep(10 * time.Second)
		for name, tr := range tracks {
			if err := tr.Err(); err != nil {
				t.Errorf("%s ended: %v", name, err)
			}
		}
		q := n.publisher(protocol)
		f := hlstest.New(t, q.broadcast, hlstest.Config{Start: time.Now()})
		if err := n.publish(q); err != nil {
			t.Fatal(err)
		}
		pace(f, 9*time.Second)
		n.wantSame(q, "video")
		for name, tr := range tracks {
			if now, ok := b.Track(name); !ok || now != tr {
				t.Errorf("%s is another track", name)
			}
		}
		_ = q.client.Close()
		time.Sleep(31 * time.Second)
		for name, tr := range tracks {
			if tr.Err() == nil {
				t.Errorf("%s outlived the hold", name)
			}
		}
	})
}

// One track that ends while the broadcast goes on has ended for those who watch.
func TestEndOfOneTrackIsPassedOn(t *testing.T) {
	drafts(t, func(t *testing.T, protocol string) {
		t.Helper()
		n := newNode(t)
		_, e := n.encoder(protocol)
		pace(e, 5*time.Second)
		b, _ := n.relay.Broadcast(studio)
		d := b.Demand("video")
		defer d.Release()
		video, err := d.Track(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e.Renew("video")
		pace(e, time.Second)
		if err := video.Err(); !errors.Is(err, relay.ErrEnded) {
			t.Errorf("the track ended with %v", err)
		}
	})
}

// What is no sound CMAF is left out, and what follows is not harmed.
func TestUnsoundGroupsAreLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		p, e := n.encoder("moqt-18")
		pace(e, 5*time.Second)
		video, _ := p.broadcast.Track("video")
		largest, _ := video.Largest()
		sound, _ := video.Group(largest.Group)
		delta, _ := sound.Object(int(largest.Object))
		for i, payload := range []string{"nonsense", string(delta.Payload)} {
			g, err := video.NewGroup(largest.Group + uint64(i) + 1)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if err := g.Append(relay.Object{Payload: []byte(payload), Complete: time.Now()}); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
		}
		b, _ := n.relay.Broadcast(studio)
		tr, _ := b.Track("video")
		for id := largest.Group + 1; id <= largest.Group+2; id++ {
			if _, ok := tr.Group(id); ok {
				t.Errorf("group %d was taken in", id)
			}
		}
		for _, rule := range []string{"chunk", "group_start"} {
			if n := counted(t, n.reg, rule); n != 1 {
				t.Errorf("%s counted %v times", rule, n)
			}
		}
		if _, ok := tr.Group(largest.Group); !ok {
			t.Error("the sound group is gone")
		}
	})
}

func counted(t *testing.T, reg *prometheus.Registry, rule string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "freshet_ingest_moq_malformed_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == rule {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

// Tracks without a catalog are nobody's business but the subscribers'.
func TestTracksWithoutCatalog(t *testing.T) {
	drafts(t, func(t *testing.T, protocol string) {
		t.Helper()
		n := newNode(t)
		p := n.publisher(protocol)
		tr, err := p.broadcast.NewTrack("data", relay.TrackConfig{})
		if err != nil {
			t.Fatal(err)
		}
		g, err := tr.NewGroup(7)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Append(relay.Object{Payload: []byte("hello")}); err != nil {
			t.Fatal(err)
		}
		if err := n.publish(p); err != nil {
			t.Fatal(err)
		}
		for _, draft := range wire.Protocols() {
			c := n.dial(draft, nil)
			sub, err := c.Subscribe(t.Context(), studio, "data", moqt.SubscribeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			o, err := sub.Next(t.Context())
			if err != nil || string(o.Payload) != "hello" || fmt.Sprint(o.Location) != "{7 0}" {
				t.Errorf("%+v, %v", o, err)
			}
		}
	})
}
