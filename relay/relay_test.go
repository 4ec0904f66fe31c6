package relay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/relay"
)

// track makes a track in a relay of its own.
func track(tb testing.TB, cfg relay.TrackConfig) *relay.Track {
	tb.Helper()
	b, err := relay.New(relay.Config{}).Publish("live/cam1")
	if err != nil {
		tb.Fatal(err)
	}
	t, err := b.NewTrack("video", cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func group(tb testing.TB, t *relay.Track, id uint64, payloads ...string) *relay.Group {
	tb.Helper()
	g, err := t.NewGroup(id)
	if err != nil {
		tb.Fatal(err)
	}
	for _, p := range payloads {
		push(tb, g, p)
	}
	return g
}

func push(tb testing.TB, g *relay.Group, payload string) {
	tb.Helper()
	if err := g.Append(relay.Object{Payload: []byte(payload), Complete: time.Now()}); err != nil {
		tb.Fatal(err)
	}
}

// take reads n items and writes them as "group/object payload" or "group end".
func take(tb testing.TB, r *relay.Reader, n int) []string {
	tb.Helper()
	var out []string
	for range n {
		item, err := r.Next(tb.Context())
		if err != nil {
			tb.Fatalf("after %q: %v", out, err)
		}
		out = append(out, show(item))
	}
	return out
}

func show(item relay.Item) string {
	if item.End {
		return fmt.Sprintf("%d end", item.Location.Group)
	}
	return fmt.Sprintf("%d/%d %s", item.Location.Group, item.Location.Object, item.Object.Payload)
}

func equal(tb testing.TB, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Fatalf("(-want +got)\n%s", diff)
	}
}

func TestReaderWalksGroupsInOrder(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	group(t, tr, 7, "a", "b")
	group(t, tr, 9, "c").Close()
	r := tr.NewReader(relay.ReaderConfig{})
	equal(t, take(t, r, 5), []string{"7/0 a", "7/1 b", "7 end", "9/0 c", "9 end"})
	if item, ok, err := r.TryNext(); ok || err != nil {
		t.Fatalf("at the live edge: %v %v %v", item, ok, err)
	}
}

func TestReaderStarts(t *testing.T) {
	tests := []struct {
		name  string
		start relay.Location
		want  []string
	}{
		{"oldest", relay.Location{}, []string{"5/0 a", "5/1 b"}},
		{"inside a group", relay.Location{Group: 5, Object: 1}, []string{"5/1 b", "5 end"}},
		{"between groups", relay.Location{Group: 6, Object: 3}, []string{"8/0 c", "8/1 d"}},
		{"past the end of a group", relay.Location{Group: 5, Object: 9}, []string{"5 end", "8/0 c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := track(t, relay.TrackConfig{Window: time.Minute})
			group(t, tr, 5, "a", "b")
			group(t, tr, 8, "c", "d")
			equal(t, take(t, tr.NewReader(relay.ReaderConfig{Start: tt.start}), 2), tt.want)
		})
	}
}

func TestNextWaitsForObjectsGroupsAndTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := track(t, relay.TrackConfig{Window: time.Minute})
		var got []string
		done := make(chan error)
		go func() {
			r := tr.NewReader(relay.ReaderConfig{})
			for {
				item, err := r.Next(t.Context())
				if err != nil {
					done <- err
					return
				}
				got = append(got, show(item))
			}
		}()
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			equal(t, got, want)
		}
		g := group(t, tr, 1)
		expect()
		push(t, g, "a")
		expect("1/0 a")
		push(t, g, "b")
		expect("1/0 a", "1/1 b")
		group(t, tr, 2, "c")
		expect("1/0 a", "1/1 b", "1 end", "2/0 c")
		cause := errors.New("encoder gone")
		tr.Close(cause)
		if err := <-done; !errors.Is(err, cause) {
			t.Fatalf("got %v, want %v", err, cause)
		}
		expect("1/0 a", "1/1 b", "1 end", "2/0 c", "2 end")
	})
}

func TestNextEndsWithTheContext(t *testing.T) {
	cause := errors.New("viewer left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := track(t, relay.TrackConfig{}).NewReader(relay.ReaderConfig{}).Next(ctx)
	if !errors.Is(err, cause) {
		t.Fatalf("got %v, want %v", err, cause)
	}
}

func TestWindowDropsWhatEndedBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := track(t, relay.TrackConfig{Window: 3 * time.Second})
		for id := range uint64(10) {
			group(t, tr, id, "0123456789")
			time.Sleep(time.Second)
		}
		var ids []uint64
		for _, g := range tr.Groups() {
			ids = append(ids, g.ID())
		}
		// Group 9 began at 9 s, so 6 (which ended at 7 s) is inside the window.
		equal(t, ids, []uint64{6, 7, 8, 9})
		equal(t, tr.Bytes(), 40)
		if _, ok := tr.Group(5); ok {
			t.Error("group 5 is still there")
		}
	})
}

func TestByteBudgetKeepsTheNewestGroup(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Hour, MaxBytes: 25_000})
	for id := range uint64(6) {
		group(t, tr, id, string(make([]byte, 10_000)))
	}
	equal(t, tr.Bytes(), 30_000)
	big := group(t, tr, 6, string(make([]byte, 100_000)))
	group(t, tr, 7)
	equal(t, len(tr.Groups()), 1)
	equal(t, tr.Bytes(), 0)
	equal(t, big.Len(), 1)
}

type skips []string

func (s *skips) add(reason relay.SkipReason, n int) {
	*s = append(*s, fmt.Sprintf("%s %d", reason, n))
}

func TestSlowReaderSkipsToTheNewestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := track(t, relay.TrackConfig{Window: time.Minute})
		var skipped skips
		r := tr.NewReader(relay.ReaderConfig{MaxLag: 2 * time.Second, OnSkip: skipped.add})
		group(t, tr, 1, "a", "b")
		equal(t, take(t, r, 1), []string{"1/0 a"})
		time.Sleep(5 * time.Second)
		// Late, but there is nothing newer: the object is still the best.
		equal(t, take(t, r, 1), []string{"1/1 b"})
		group(t, tr, 2, "c")
		g := group(t, tr, 3)
		time.Sleep(3 * time.Second)
		// Late again, and the newer group has nothing to show yet.
		equal(t, take(t, r, 3), []string{"1 end", "2/0 c", "2 end"})
		push(t, g, "d")
		group(t, tr, 4, "e")
		time.Sleep(3 * time.Second)
		group(t, tr, 5, "f")
		equal(t, take(t, r, 1), []string{"5/0 f"})
		equal(t, []string(skipped), []string{"lag 2"})
	})
}

func TestEvictedGroupsAreCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := track(t, relay.TrackConfig{})
		var skipped skips
		cfg := relay.ReaderConfig{OnSkip: skipped.add}
		r := tr.NewReader(cfg)
		group(t, tr, 1, "a")
		equal(t, take(t, r, 1), []string{"1/0 a"})
		group(t, tr, 2, "b")
		time.Sleep(time.Second)
		group(t, tr, 3, "c")
		// The group in hand is read to its end although it was evicted.
		equal(t, take(t, r, 2), []string{"1 end", "3/0 c"})
		equal(t, take(t, tr.NewReader(cfg), 1), []string{"3/0 c"})
		equal(t, []string(skipped), []string{"evicted 1"})
	})
}

func TestSkipGroup(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	var skipped skips
	r := tr.NewReader(relay.ReaderConfig{OnSkip: skipped.add})
	g := group(t, tr, 1, "a", "b")
	r.SkipGroup(g) // Not begun: nothing to skip.
	equal(t, take(t, r, 1), []string{"1/0 a"})
	r.SkipGroup(g)
	push(t, g, "late")
	if _, ok, err := r.TryNext(); ok || err != nil {
		t.Fatal("an object of the skipped group came")
	}
	g = group(t, tr, 2, "c")
	group(t, tr, 5, "d")
	equal(t, take(t, r, 1), []string{"2/0 c"})
	r.SkipGroup(g)
	equal(t, take(t, r, 1), []string{"5/0 d"})
	equal(t, []string(skipped), []string{"stalled 1", "stalled 3"})
}

func TestNotifyWakesOnePollerOfManyTracks(t *testing.T) {
	video := track(t, relay.TrackConfig{})
	audio := track(t, relay.TrackConfig{})
	wake := make(chan struct{}, 1)
	stopVideo := video.Notify(wake)
	defer audio.Notify(wake)()
	group(t, video, 1, "v")
	group(t, audio, 1, "a")
	<-wake
	select {
	case <-wake:
		t.Fatal("two wake-ups for one look")
	default:
	}
	stopVideo()
	group(t, video, 2, "v")
	select {
	case <-wake:
		t.Fatal("a wake-up after stop")
	default:
	}
	audio.Close(nil)
	<-wake
}

func TestNamesAreTakenOnce(t *testing.T) {
	r := relay.New(relay.Config{})
	b, err := r.Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Publish("live/cam1"); !errors.Is(err, relay.ErrExists) {
		t.Errorf("second publish: %v", err)
	}
	if _, err := b.NewTrack("video", relay.TrackConfig{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.NewTrack("video", relay.TrackConfig{}); !errors.Is(err, relay.ErrExists) {
		t.Errorf("second track: %v", err)
	}
	b.Close(nil)
	b.Close(errors.New("ignored"))
	if err := b.Err(); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("Err: %v", err)
	}
	if _, err := b.NewTrack("audio", relay.TrackConfig{}); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("track after close: %v", err)
	}
	if _, err := r.Publish("live/cam1"); err != nil {
		t.Errorf("publish after close: %v", err)
	}
}

func TestGroupOrderAndEnd(t *testing.T) {
	tr := track(t, relay.TrackConfig{})
	g := group(t, tr, 5, "a")
	if _, err := tr.NewGroup(5); !errors.Is(err, relay.ErrOrder) {
		t.Errorf("same ID: %v", err)
	}
	group(t, tr, 6)
	if err := g.Append(relay.Object{}); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("append to an old group: %v", err)
	}
	loc, ok := tr.Largest()
	if ok {
		t.Errorf("largest of an empty live edge without history: %v", loc)
	}
	tr.Close(nil)
	if _, err := tr.NewGroup(7); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("group after close: %v", err)
	}
}

func TestLargest(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	if _, ok := tr.Largest(); ok {
		t.Error("an empty track has a largest location")
	}
	group(t, tr, 5, "a", "b")
	group(t, tr, 6)
	loc, ok := tr.Largest()
	equal(t, ok, true)
	equal(t, loc, relay.Location{Group: 5, Object: 1})
}

func TestBroadcastsAreAnnounced(t *testing.T) {
	r := relay.New(relay.Config{})
	names := func(prefix relay.Namespace) []string {
		list, _ := r.Broadcasts(prefix)
		var out []string
		for _, b := range list {
			out = append(out, string(b.Namespace()))
		}
		return out
	}
	_, changed := r.Broadcasts("")
	cam1, err := r.Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	<-changed
	for _, ns := range []relay.Namespace{"live", "live2/cam", "live/cam10"} {
		if _, err := r.Publish(ns); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, names(""), []string{"live", "live/cam1", "live/cam10", "live2/cam"})
	equal(t, names("live"), []string{"live", "live/cam1", "live/cam10"})
	equal(t, names("live/cam1"), []string{"live/cam1"})
	_, changed = r.Broadcasts("")
	cam1.Close(nil)
	<-changed
	<-cam1.Done()
	equal(t, names("live/cam1"), []string(nil))
}

func TestTracksComeAndGo(t *testing.T) {
	b, err := relay.New(relay.Config{}).Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	tr, changed, err := b.WaitTrack("video")
	if tr != nil || err != nil {
		t.Fatalf("before: %v %v", tr, err)
	}
	video, err := b.NewTrack("video", relay.TrackConfig{Priority: 2})
	if err != nil {
		t.Fatal(err)
	}
	<-changed
	if tr, _, _ = b.WaitTrack("video"); tr != video {
		t.Fatal("the track is not found")
	}
	equal(t, tr.Priority(), uint8(2))
	video.Close(nil)
	equal(t, len(b.Tracks()), 0)
	if _, ok := b.Track("video"); ok {
		t.Fatal("an ended track is found")
	}
	b.Close(nil)
	if _, _, err := b.WaitTrack("video"); !errors.Is(err, relay.ErrClosed) {
		t.Fatalf("after the end: %v", err)
	}
}

// TestConcurrentReadersSeeTheSame is for the race detector, and holds the
// invariant that every reader sees each object once, in order.
func TestConcurrentReadersSeeTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := track(t, relay.TrackConfig{Window: time.Hour})
		const readers, groups, objects = 20, 30, 10
		results := make(chan []string, readers)
		for range readers {
			go func() {
				r := tr.NewReader(relay.ReaderConfig{})
				var got []string
				for {
					item, err := r.Next(t.Context())
					if err != nil {
						results <- got
						return
					}
					got = append(got, show(item))
				}
			}()
		}
		want := make([]string, 0, groups*(objects+1))
		for id := range uint64(groups) {
			g := group(t, tr, id)
			for i := range objects {
				push(t, g, "x")
				want = append(want, fmt.Sprintf("%d/%d x", id, i))
			}
			want = append(want, fmt.Sprintf("%d end", id))
		}
		tr.Close(nil)
		for range readers {
			if got := <-results; !slices.Equal(got, want) {
				t.Fatalf("got %d items, want %d", len(got), len(want))
			}
		}
	})
}

func TestNamespaceFields(t *testing.T) {
	equal(t, relay.Namespace("live/cam1").Fields(), []string{"live", "cam1"})
	equal(t, relay.Namespace("live/cam1").HasPrefix("live/cam"), false)
}

func TestCollectorCountsWhatIsHeld(t *testing.T) {
	r := relay.New(relay.Config{})
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(relay.NewCollector(r))
	values := func() map[string]float64 {
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		out := make(map[string]float64)
		for _, f := range families {
			out[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
		}
		return out
	}
	b, err := r.Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"audio", "video"} {
		tr, err := b.NewTrack(name, relay.TrackConfig{})
		if err != nil {
			t.Fatal(err)
		}
		group(t, tr, 1, "12345")
	}
	equal(t, values(), map[string]float64{
		"freshet_relay_broadcasts": 1, "freshet_relay_tracks": 2, "freshet_relay_log_bytes": 10,
		"freshet_relay_upstream_subscriptions": 0, "freshet_relay_upstream_lingering": 0, "freshet_relay_shed_groups_total": 0,
	})
	b.Close(nil)
	equal(t, values(), map[string]float64{
		"freshet_relay_broadcasts": 0, "freshet_relay_tracks": 0, "freshet_relay_log_bytes": 0,
		"freshet_relay_upstream_subscriptions": 0, "freshet_relay_upstream_lingering": 0, "freshet_relay_shed_groups_total": 0,
	})
}

func TestAGroupAndItsFirstObjectComeTogether(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute, Priority: 3})
	group(t, tr, 5, "a")
	wakes := make(chan struct{}, 10)
	defer tr.Notify(wakes)()
	r := tr.NewReader(relay.ReaderConfig{})
	equal(t, take(t, r, 1), []string{"5/0 a"})

	g, err := tr.StartGroup(6, relay.Object{Payload: []byte("b")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, len(wakes), 1)
	push(t, g, "c")
	equal(t, take(t, r, 3), []string{"5 end", "6/0 b", "6/1 c"})
	equal(t, tr.Bytes(), 3)
	if o, ok := g.Object(0); !ok || !o.First || o.Priority != 3 {
		t.Errorf("the first object is %+v", o)
	}
	if _, err := tr.StartGroup(6, relay.Object{}); !errors.Is(err, relay.ErrOrder) {
		t.Errorf("a group of an ID that is there: %v", err)
	}
	tr.Close(nil)
	if _, err := tr.StartGroup(7, relay.Object{}); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("a group of a track that has ended: %v", err)
	}
}
