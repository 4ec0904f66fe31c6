package moqt_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// incomingSubgroup is a subgroup stream that the server has opened.
type incomingSubgroup struct {
	t       testing.TB
	h       wire.SubgroupHeader
	objects *wire.SubgroupReader
	r       *wire.StreamReader
}

// subscribed subscribes to a track and leaves the streams to be accepted.
func (p *rawPeer) subscribed(track string) {
	p.t.Helper()
	p.setup()
	m, err := p.request(&wire.Subscribe{Track: wire.TrackName{Namespace: []string{"live", "cam1"}, Name: track}}).Message()
	if err != nil || m.Kind() != wire.KindSubscribeOK {
		p.t.Fatalf("got %v, %v", m, err)
	}
}

func (p *rawPeer) subgroup() *incomingSubgroup {
	p.t.Helper()
	for {
		st, err := p.conn.AcceptUniStream(ctxFor(p.t, time.Minute))
		if err != nil {
			p.t.Fatal(err)
		}
		r := p.d.NewStreamReader(st)
		kind, err := r.Varint()
		if err != nil {
			p.t.Fatal(err)
		}
		if !p.d.IsSubgroup(kind) {
			continue // The control stream.
		}
		h, err := r.ReadSubgroupHeader(kind)
		if err != nil {
			p.t.Fatal(err)
		}
		return &incomingSubgroup{t: p.t, h: h, objects: wire.NewSubgroupReader(r, h), r: r}
	}
}

func (s *incomingSubgroup) next() wire.ObjectHeader {
	s.t.Helper()
	h, err := s.objects.Next()
	if err != nil {
		s.t.Fatal(err)
	}
	return h
}

func (s *incomingSubgroup) read(want string) {
	s.t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(s.r, b); err != nil || string(b) != want {
		s.t.Fatalf("read %.20q, %v; want %.20q", b, err, want)
	}
}

func (s *incomingSubgroup) wantFIN() {
	s.t.Helper()
	if h, err := s.objects.Next(); !errors.Is(err, io.EOF) {
		s.t.Fatalf("got %+v, %v; want the end", h, err)
	}
}

func (s *incomingSubgroup) wantReset(d *wire.Dialect, code wire.ResetCode) {
	s.t.Helper()
	_, err := io.ReadAll(s.r)
	reset, ok := errors.AsType[*moqt.StreamError](err)
	if !ok || reset.Code != d.Reset(code) {
		s.t.Fatalf("got %v; want a reset with %#x", err, code)
	}
}

// relayed opens a subgroup as a session with upstream does.
func relayed(tb testing.TB, track *relay.Track, group uint64, cfg relay.SubgroupConfig) (*relay.Group, *relay.Subgroup) {
	tb.Helper()
	g, err := track.OpenGroup(group)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := g.OpenSubgroup(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return g, s
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func fill(tb testing.TB, f *relay.Filling, payload string) {
	tb.Helper()
	_, err := f.Write([]byte(payload))
	must(tb, err)
}

var properties = []relay.Property{{Type: 4, Int: 77}, {Type: 9, Bytes: []byte("seen")}}

// An object goes on as its bytes come, its header first, and one whose bytes do not
// come holds back neither the other subgroups nor newer groups.
func TestCutThrough(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		track := o.track("video")
		p := newRawPeer(t, o, t.protocol)
		p.subscribed("video")
		_, first := relayed(t, track, 5, relay.SubgroupConfig{ID: 0})
		f, err := first.Open(relay.Object{ID: 0, First: true, Priority: 9, Size: 100_000, Properties: properties, Complete: time.Now()})
		must(t, err)
		a := p.subgroup()
		want := wire.SubgroupHeader{Group: 5, Priority: 9, HasPriority: true, Properties: true, FirstObject: p.d == wire.Draft18}
		a.h.TrackAlias = 0
		if diff := gocmp.Diff(want, a.h); diff != "" {
			t.Errorf("header (-want +got)\n%s", diff)
		}
		h := a.next()
		if diff := gocmp.Diff(properties, []relay.Property(h.Properties)); h.Length != 100_000 || diff != "" {
			t.Errorf("%d bytes, properties (-want +got)\n%s", h.Length, diff)
		}
		fill(t, f, "begin")
		a.read("begin")

		_, other := relayed(t, track, 5, relay.SubgroupConfig{ID: 3, Last: true})
		must(t, other.Insert(relay.Object{ID: 7, Priority: 8, Payload: []byte("other"), Complete: time.Now()}))
		b := p.subgroup()
		if b.h.Subgroup != 3 || b.h.Priority != 8 || !b.h.EndOfGroup || b.h.FirstObject {
			t.Errorf("header %+v", b.h)
		}
		if h := b.next(); h.Location.Object != 7 || h.Length != 5 {
			t.Errorf("object %+v", h)
		}
		b.read("other")
		other.End(true)
		b.wantFIN()

		_, newer := relayed(t, track, 6, relay.SubgroupConfig{})
		must(t, newer.Insert(relay.Object{Payload: []byte("newer"), Complete: time.Now()}))
		c := p.subgroup()
		c.next()
		c.read("newer")

		rest := string(bytes.Repeat([]byte("x"), 100_000-5))
		fill(t, f, rest)
		must(t, f.Close())
		a.read(rest)
		must(t, first.Insert(relay.Object{ID: 2, Payload: []byte("next"), Complete: time.Now()}))
		if h := a.next(); h.Location.Object != 2 || len(h.Properties) != 0 {
			t.Errorf("object %+v", h)
		}
		a.read("next")
		first.End(true)
		a.wantFIN()
	})
}

// Of a subgroup that is cut the stream is reset, and so is that of a group whose
// rest does not come in time.
func TestCutSubgroupIsReset(t *testing.T) {
	drafts(t, func(t draftTest) {
		registry := prometheus.NewRegistry()
		o := newOrigin(t, func(cfg *moqt.Config) { cfg.Registerer = registry })
		track := o.track("video")
		p := newRawPeer(t, o, t.protocol)
		p.subscribed("video")
		_, cut := relayed(t, track, 5, relay.SubgroupConfig{ID: 0})
		f, err := cut.Open(relay.Object{Size: 100, Complete: time.Now()})
		must(t, err)
		fill(t, f, "begin")
		a := p.subgroup()
		a.next()
		a.read("begin")
		cut.End(false)
		a.wantReset(p.d, wire.ResetInternal)

		_, short := relayed(t, track, 5, relay.SubgroupConfig{ID: 2})
		must(t, short.Insert(relay.Object{ID: 4, Payload: []byte("whole"), Complete: time.Now()}))
		s := p.subgroup()
		s.next()
		s.read("whole")
		short.End(false)
		s.wantReset(p.d, wire.ResetInternal)

		_, stalled := relayed(t, track, 5, relay.SubgroupConfig{ID: 1})
		f, err = stalled.Open(relay.Object{ID: 1, Size: 100, Complete: time.Now()})
		must(t, err)
		fill(t, f, "begin")
		b := p.subgroup()
		b.next()
		b.read("begin")
		time.Sleep(time.Second)
		_, newer := relayed(t, track, 6, relay.SubgroupConfig{})
		must(t, newer.Insert(relay.Object{Payload: []byte("newer"), Complete: time.Now()}))
		time.Sleep(moqt.DefaultMaxLag + time.Millisecond)
		must(t, newer.Insert(relay.Object{ID: 1, Payload: []byte("newer"), Complete: time.Now()}))
		b.wantReset(p.d, wire.ResetTooFarBehind)
		if n := metric(t, registry, "freshet_moqt_skipped_groups_total"); n != 1 {
			t.Errorf("%v skips", n)
		}
	})
}

// What came in a datagram goes on in one, or not at all.
func TestDatagramsGoOnAsDatagrams(t *testing.T) {
	drafts(t, func(t draftTest) {
		registry := prometheus.NewRegistry()
		o := newOrigin(t, func(cfg *moqt.Config) { cfg.Registerer = registry })
		track := o.track("events")
		p := newRawPeer(t, o, t.protocol)
		p.subscribed("events")
		g, err := track.OpenGroup(5)
		must(t, err)
		must(t, g.Insert(relay.Object{ID: 1, Datagram: true, Payload: make([]byte, 5000), Complete: time.Now()}))
		must(t, g.Insert(relay.Object{
			ID: 3, Datagram: true, Priority: 7, Properties: properties, Payload: []byte("small"), Complete: time.Now(),
		}))
		b, err := p.conn.ReceiveDatagram(ctxFor(t, time.Minute))
		must(t, err)
		got, err := p.d.ParseDatagram(b)
		must(t, err)
		if got.Header.Location != (wire.Location{Group: 5, Object: 3}) || got.Header.Priority != 7 || string(got.Payload) != "small" {
			t.Errorf("got %+v", got)
		}
		if diff := gocmp.Diff(properties, []relay.Property(got.Header.Properties)); diff != "" {
			t.Errorf("properties (-want +got)\n%s", diff)
		}
		synctest.Wait()
		if n := metric(t, registry, "freshet_moqt_datagrams_dropped_total"); n != 1 {
			t.Errorf("%v dropped", n)
		}
	})
}

// FETCH brings a group by rising Object ID, whatever the order it came in, and
// waits for what is arriving.
func TestFetchOfSubgroups(t *testing.T) {
	drafts(t, func(t draftTest) {
		o := newOrigin(t, nil)
		track := o.track("video")
		g, even := relayed(t, track, 5, relay.SubgroupConfig{ID: 0})
		_, odd := relayed(t, track, 5, relay.SubgroupConfig{ID: 1})
		must(t, odd.Insert(relay.Object{ID: 5, Priority: 3, Payload: []byte("five"), Properties: properties}))
		f, err := even.Open(relay.Object{ID: 2, Priority: 4, Size: 3})
		must(t, err)
		must(t, g.Insert(relay.Object{ID: 3, Datagram: true, Priority: 5, Payload: []byte("three")}))
		must(t, odd.Insert(relay.Object{ID: 8, Status: relay.StatusEndOfGroup}))
		p := newRawPeer(t, o, t.protocol)
		p.setup()
		m, err := p.request(&wire.Fetch{
			Type: wire.StandaloneFetch, Track: wire.TrackName{Namespace: []string{"live", "cam1"}, Name: "video"},
			Start: wire.Location{Group: 5}, End: wire.Location{Group: 5},
		}).Message()
		if err != nil || m.Kind() != wire.KindFetchOK {
			t.Fatalf("got %v, %v", m, err)
		}
		synctest.Wait()
		fill(t, f, "two")
		must(t, f.Close())
		got := p.fetched()
		want := []string{"2 of 0 at 4: two", "3 by datagram at 5: three", "5 of 1 at 3: five with properties"}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// What a relay adds is measured from its first byte to its first byte and from its
// last to its last: how long upstream takes for an object counts in neither.
func TestHopLatencyIsMeasured(t *testing.T) {
	drafts(t, func(t draftTest) {
		registry := prometheus.NewRegistry()
		o := newOrigin(t, nil)
		video := o.track("video")
		o.group(video, 4, 1)
		e := newEdge(t)
		e.from.Set(upstream{o.dial(t.protocol)})
		r := e.video()
		wantItems(t, r, "4/0")
		track, _ := e.cam.Track("video")
		edge := &origin{t: t, relay: e.relay, server: moqt.NewServer(moqt.Config{Relay: e.relay, Registerer: registry})}
		p := newRawPeer(t, edge, t.protocol)
		p.subscribed("video")
		time.Sleep(time.Second) // What was there before is not measured.

		_, subgroup := relayed(t, track, 5, relay.SubgroupConfig{})
		f, err := subgroup.Open(relay.Object{First: true, Size: 10, Begun: time.Now(), Complete: time.Now()})
		must(t, err)
		time.Sleep(30 * time.Millisecond)
		fill(t, f, "first")
		synctest.Wait()
		wantHistogram(t, registry, "freshet_moqt_forward_seconds", 1)
		wantHistogram(t, registry, "freshet_moqt_delivery_seconds", 0)
		time.Sleep(300 * time.Millisecond)
		fill(t, f, "later")
		must(t, f.Close())
		synctest.Wait()
		wantHistogram(t, registry, "freshet_moqt_forward_seconds", 1)
		wantHistogram(t, registry, "freshet_moqt_delivery_seconds", 1)
	})
}

// wantHistogram is for what takes no virtual time.
func wantHistogram(tb testing.TB, r *prometheus.Registry, name string, count uint64) {
	tb.Helper()
	families, err := r.Gather()
	must(tb, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		if h := f.GetMetric()[0].GetHistogram(); h.GetSampleCount() != count || h.GetSampleSum() != 0 {
			tb.Errorf("%s: %d of %v s together; want %d of 0 s", name, h.GetSampleCount(), h.GetSampleSum(), count)
		}
		return
	}
	tb.Errorf("no %s", name)
}
