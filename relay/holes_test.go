package relay_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// idle is an upstream that leaves its tracks to the test.
type idle struct{}

func (idle) Subscribe(ctx context.Context, _ *relay.Track, accepted func(relay.TrackConfig)) error {
	accepted(relay.TrackConfig{Window: time.Minute})
	<-ctx.Done()
	return context.Cause(ctx)
}

func (idle) Fetch(context.Context, *relay.Track, relay.Location, relay.Location, func(uint64, relay.Object) error) error {
	return relay.ErrNotHere
}

// relayedTrack is one that comes from upstream, until the test ends.
func relayedTrack(tb testing.TB) *relay.Track {
	tb.Helper()
	r := relay.New(relay.Config{})
	b, err := r.Announce("live/cam1", relay.AnnounceConfig{Upstream: idle{}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		b.Close(nil)
		r.Wait()
	})
	t, err := b.Demand("video").Track(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestHoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := relayedTrack(t)
		began := time.Now()
		holes := func(start, end relay.Location) (out []string) {
			for _, h := range tr.Holes(start, end) {
				text := fmt.Sprintf("%d/%d to %d/%d since %v", h.Start.Group, h.Start.Object, h.End.Group, h.End.Object, h.Since.Sub(began))
				if !h.Coming.IsZero() {
					text += fmt.Sprintf(", fed at %v", h.Coming.Sub(began))
				}
				out = append(out, text)
			}
			return out
		}
		all := func() []string { return holes(relay.Location{}, relay.Location{Group: 9, Object: 1}) }
		equal(t, all(), []string(nil))
		insert(t, openSubgroup(t, openGroup(t, tr, 4), 0), 1, "4/1") // What is before is not in the log.
		time.Sleep(time.Second)
		s := openSubgroup(t, openGroup(t, tr, 6), 0)
		insert(t, s, 0, "6/0")
		time.Sleep(time.Second)
		insert(t, s, 3, "6/3")
		equal(t, all(), []string{"4/2 to 6/0 since 1s, fed at 0s", "6/1 to 6/3 since 2s"})
		openGroup(t, tr, 4).Close() // It ended there; the group behind it is not known.
		equal(t, all(), []string{"5/0 to 6/0 since 1s", "6/1 to 6/3 since 2s"})
		insert(t, openSubgroup(t, openGroup(t, tr, 9), 0), 0, "9/0")
		equal(t, all(), []string{"5/0 to 6/0 since 1s", "6/1 to 6/3 since 2s", "6/4 to 9/0 since 2s, fed at 2s"})
		equal(t, holes(relay.Location{Group: 6, Object: 2}, relay.Location{Group: 7}), []string{"6/2 to 6/3 since 2s", "6/4 to 8/0 since 2s, fed at 2s"})
		equal(t, holes(relay.Location{Group: 6}, relay.Location{Group: 6, Object: 1}), []string(nil))
		tr.Settle(tr.Holes(relay.Location{}, relay.Location{Group: 9})[2])
		equal(t, holes(relay.Location{Group: 6, Object: 2}, relay.Location{Group: 7}), []string{"6/2 to 6/3 since 2s"})
		insert(t, s, 2, "6/2") // It was overtaken.
		insert(t, openSubgroup(t, openGroup(t, tr, 5), 0), 0, "5/0")
		equal(t, all(), []string{"5/1 to 6/0 since 1s, fed at 2s", "6/1 to 6/2 since 2s"})
	})
}

// What is published here is known: gaps are its publisher's.
func TestNoHolesAtThePublisher(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	insert(t, openSubgroup(t, openGroup(t, tr, 4), 0), 3, "a")
	insert(t, openSubgroup(t, openGroup(t, tr, 7), 0), 3, "b")
	equal(t, len(tr.Holes(relay.Location{}, relay.Location{Group: 8})), 0)
}

// Who brings the past of a subgroup makes way for who goes on with it; what it still
// brings is not lost.
func TestSubgroupYields(t *testing.T) {
	tr := track(t, relay.TrackConfig{Window: time.Minute})
	g := openGroup(t, tr, 4)
	past := openWith(t, g, relay.SubgroupConfig{Yields: true})
	insert(t, past, 0, "a")
	live := openSubgroup(t, g, 0)
	insert(t, past, 1, "b")
	past.Suspend()
	if _, err := g.OpenSubgroup(relay.SubgroupConfig{Yields: true}); err == nil {
		t.Error("a stream made way for the past")
	}
	insert(t, live, 2, "c")
	live.End(true)
	equal(t, showAll(t, tr.NewReader(relay.ReaderConfig{})), []string{"4/0 in 0 a", "4/1 in 0 b", "4/2 in 0 c", "4 end of 0"})
}
