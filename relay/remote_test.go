package relay_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// source is an upstream that fills tracks with one group and waits.
type source struct {
	subscriptions, running int // In a bubble, one goroutine at a time.

	refuse error
}

func (s *source) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	s.subscriptions++
	s.running++
	defer func() { s.running-- }()
	time.Sleep(40 * time.Millisecond)
	if s.refuse != nil {
		return s.refuse
	}
	accepted(relay.TrackConfig{Window: time.Minute, Priority: 3})
	g, err := t.NewGroup(9)
	if err != nil {
		return err
	}
	if err := g.Append(relay.Object{Payload: []byte("a")}); err != nil {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (s *source) Fetch(context.Context, *relay.Track, relay.Location, relay.Location, func(uint64, relay.Object) error) error {
	return errors.ErrUnsupported
}

func announce(t *testing.T, s *source) (*relay.Relay, *relay.Broadcast) {
	t.Helper()
	r := relay.New(relay.Config{})
	b, err := r.Announce("live/cam1", relay.AnnounceConfig{Upstream: s})
	if err != nil {
		t.Fatal(err)
	}
	return r, b
}

func TestOneSubscriptionUpstreamHoweverManyReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{}
		r, b := announce(t, s)
		var held []*relay.Demand
		for range 50 {
			d := b.Demand("video")
			tr, err := d.Track(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			equal(t, tr.Priority(), uint8(3))
			equal(t, take(t, tr.NewReader(relay.ReaderConfig{}), 1), []string{"9/0 a"})
			held = append(held, d)
		}
		equal(t, s.subscriptions, 1)
		for _, d := range held {
			d.Release()
			d.Release() // A second time is no harm.
		}
		time.Sleep(relay.DefaultLinger - time.Second)
		synctest.Wait()
		equal(t, s.running, 1)
		d := b.Demand("video") // Comes back just in time.
		time.Sleep(2 * relay.DefaultLinger)
		synctest.Wait()
		equal(t, s.running, 1)
		d.Release()
		time.Sleep(relay.DefaultLinger + time.Second)
		synctest.Wait()
		equal(t, s.running, 0)
		if _, ok := b.Track("video"); ok {
			t.Error("the track outlived its subscription")
		}
		d = b.Demand("video")
		if _, err := d.Track(t.Context()); err != nil {
			t.Fatal(err)
		}
		equal(t, s.subscriptions, 2)
		b.Close(nil)
		r.Wait()
		equal(t, s.running, 0)
	})
}

func TestUpstreamRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{refuse: errors.New("no such thing")}
		_, b := announce(t, s)
		for i := range 2 {
			d := b.Demand("video")
			if _, err := d.Track(t.Context()); !errors.Is(err, s.refuse) {
				t.Errorf("%v", err)
			}
			d.Release()
			synctest.Wait()
			equal(t, s.subscriptions, i+1)
		}
	})
}

func TestReadersLearnThatTheBroadcastEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, b := announce(t, &source{})
		d := b.Demand("video")
		tr, err := d.Track(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		reader := tr.NewReader(relay.ReaderConfig{})
		take(t, reader, 1)
		gone := errors.New("gone")
		b.Close(gone)
		r.Wait()
		_, err = reader.Next(t.Context()) // The end of the group.
		if err == nil {
			_, err = reader.Next(t.Context())
		}
		if !errors.Is(err, gone) {
			t.Errorf("%v", err)
		}
		if _, err := b.Demand("audio").Track(t.Context()); !errors.Is(err, gone) {
			t.Errorf("demand after the end: %v", err)
		}
	})
}

func TestPublisherHereReplacesUpstream(t *testing.T) {
	r, b := announce(t, &source{})
	local, err := r.Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, errors.Is(b.Err(), relay.ErrReplaced), true)
	now, _ := r.Broadcast("live/cam1")
	equal(t, now == local, true)
	if _, err := r.Announce("live/cam1", relay.AnnounceConfig{Upstream: &source{}}); !errors.Is(err, relay.ErrExists) {
		t.Errorf("upstream replaces a publisher: %v", err)
	}
	if _, err := local.Demand("video").Track(t.Context()); !errors.Is(err, relay.ErrNoTrack) {
		t.Errorf("%v", err)
	}
}

func TestBudgetOfTheProcess(t *testing.T) {
	r := relay.New(relay.Config{MaxBytes: 253_000})
	b, err := r.Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	make1 := func(name string) *relay.Track {
		tr, err := b.NewTrack(name, relay.TrackConfig{Window: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return tr
	}
	catalog, audio, video := make1("catalog"), make1("audio"), make1("video")
	large, small := strings.Repeat("v", 100_000), strings.Repeat("a", 50_000)
	group(t, catalog, 1, large)
	for id := range uint64(4) {
		group(t, audio, id, small)
		group(t, video, id, large)
	}
	ids := func(tr *relay.Track) (out []uint64) {
		for _, g := range tr.Groups() {
			out = append(out, g.ID())
		}
		return out
	}
	group(t, audio, 4)
	equal(t, ids(catalog), []uint64{1})
	equal(t, ids(audio), []uint64{3, 4})
	equal(t, ids(video), []uint64{3})
}

// Objects and properties cost memory, too: a publisher cannot fill it with objects
// that have no payload, and who watches beside it keeps the live edge.
func TestBudgetCountsObjectsWithoutPayload(t *testing.T) {
	for name, properties := range map[string][]relay.Property{
		"empty": nil, "properties": {{Type: 3, Bytes: make([]byte, 1000)}},
	} {
		t.Run(name, func(t *testing.T) {
			const budget = 4 << 20
			r := relay.New(relay.Config{MaxBytes: budget})
			b, err := r.Publish("live/cam1")
			if err != nil {
				t.Fatal(err)
			}
			hostile, err := b.NewTrack("empty", relay.TrackConfig{Window: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			honest, err := b.NewTrack("video", relay.TrackConfig{Window: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			reader := honest.NewReader(relay.ReaderConfig{})
			for id := range uint64(60) {
				g := group(t, hostile, id)
				for range 1000 {
					if err := g.Append(relay.Object{Properties: properties}); err != nil {
						t.Fatal(err)
					}
				}
				group(t, honest, id, "0123456789")
				take(t, reader, 1)
				if id > 0 {
					take(t, reader, 1) // The end of the group before.
				}
			}
			each := 128 // The struct alone.
			for _, p := range properties {
				each += len(p.Bytes)
			}
			held := 0
			for _, g := range hostile.Groups() {
				held += g.Len() * each
			}
			if newest := 1000 * each; held > budget+newest {
				t.Errorf("%d groups with %d bytes of objects are held", len(hostile.Groups()), held)
			}
			equal(t, len(honest.Groups()) > 0, true)
		})
	}
}

func TestHiddenNamesAreListedByTheirOwnPrefix(t *testing.T) {
	r := relay.New(relay.Config{})
	for _, ns := range []relay.Namespace{".freshet/node1", "live/cam1", "live/.cam2"} {
		if _, err := r.Publish(ns); err != nil {
			t.Fatal(err)
		}
	}
	list := func(prefix relay.Namespace) (out []relay.Namespace) {
		broadcasts, _ := r.Broadcasts(prefix)
		for _, b := range broadcasts {
			out = append(out, b.Namespace())
		}
		return out
	}
	equal(t, list(""), []relay.Namespace{"live/.cam2", "live/cam1"})
	equal(t, list(".freshet"), []relay.Namespace{".freshet/node1"})
	equal(t, list(".fresh"), []relay.Namespace(nil))
	if _, ok := r.Broadcast(".freshet/node1"); !ok {
		t.Error("a hidden broadcast is not found by its name")
	}
}

func TestMissingIsTheHeadOfARange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, b := announce(t, &source{})
		d := b.Demand("video")
		tr, err := d.Track(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // The log begins at 9/0.
		at := func(group, object uint64) relay.Location { return relay.Location{Group: group, Object: object} }
		for _, tt := range []struct{ start, end, until relay.Location }{
			{start: at(9, 0), end: at(9, 0)},
			{start: at(9, 5), end: at(10, 0)},
			{start: at(8, 2), end: at(9, 1), until: at(9, 0)},
			{start: at(7, 0), end: at(8, 3), until: at(8, 3)},
			{start: at(7, 0), end: at(7, 0), until: at(8, 0)},
		} {
			until, missing := tr.Missing(tt.start, tt.end)
			if until != tt.until && missing || missing != (tt.until != relay.Location{}) {
				t.Errorf("from %v to %v: %v, %v; want %v", tt.start, tt.end, until, missing, tt.until)
			}
		}
		d.Release()
		b.Close(nil)
		r.Wait()
	})
	local := track(t, relay.TrackConfig{})
	group(t, local, 9, "a")
	if _, missing := local.Missing(relay.Location{}, relay.Location{Group: 9}); missing {
		t.Error("something is missing of a track that is published here")
	}
}
