package relay_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// step is a source that appends objects up to a Location and then ends.
type step struct {
	until uint64 // Object ID in group 1, exclusive.
	end   error  // nil: stays.
}

func (s *step) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	accepted(relay.TrackConfig{Window: time.Minute})
	from, ok := t.Resume()
	if !ok {
		from = relay.Location{Group: 1}
	}
	g, err := t.OpenGroup(from.Group)
	if err != nil {
		return err
	}
	for id := from.Object; id < s.until; id++ {
		if err := g.Insert(relay.Object{ID: id, Payload: fmt.Append(nil, id)}); err != nil {
			return err
		}
	}
	if s.end != nil {
		return s.end
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (s *step) Fetch(context.Context, *relay.Track, relay.Location, relay.Location, func(uint64, relay.Object) error) error {
	return errors.ErrUnsupported
}

// A reader sees one track, whatever happens to its sources.
func TestSourcesChangeUnderATrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relay.New(relay.Config{})
		sw := &relay.Switch{Grace: 2 * time.Second}
		b, err := r.Announce("live/cam1", relay.AnnounceConfig{Upstream: sw})
		if err != nil {
			t.Fatal(err)
		}
		d := b.Demand("video")
		time.Sleep(time.Second)
		sw.Set(&step{until: 2, end: fmt.Errorf("read: %w", relay.ErrLost)})
		tr, err := d.Track(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		reader := tr.NewReader(relay.ReaderConfig{})
		equal(t, take(t, reader, 2), []string{"1/0 0", "1/1 1"})
		time.Sleep(time.Hour) // Nobody else: it waits.
		synctest.Wait()
		equal(t, tr.Err(), error(nil))
		sw.Set(&step{until: 3})
		equal(t, take(t, reader, 1), []string{"1/2 2"})
		sw.Set(&step{until: 4, end: fmt.Errorf("elsewhere: %w", relay.ErrMoved)}) // Better than one that still runs.
		equal(t, take(t, reader, 1), []string{"1/3 3"})
		time.Sleep(time.Second)
		sw.Set(&step{until: 5})
		equal(t, take(t, reader, 1), []string{"1/4 4"})
		sw.Set(&step{until: 6, end: relay.ErrMoved})
		equal(t, take(t, reader, 1), []string{"1/5 5"})
		time.Sleep(time.Second)
		equal(t, tr.Err(), error(nil))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		equal(t, errors.Is(tr.Err(), relay.ErrEnded), true)
		b.Close(nil)
		r.Wait()
	})
}

// A track that was there waits a while for a source that does not have it yet; one
// that was never there does not.
func TestSourceHasNoTrackYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relay.New(relay.Config{})
		const grace = 5 * time.Second
		sw := &relay.Switch{Grace: grace}
		b, err := r.Announce("live/cam1", relay.AnnounceConfig{Upstream: sw})
		if err != nil {
			t.Fatal(err)
		}
		late := &lateSource{begins: time.Now().Add(time.Hour)}
		sw.Set(late)
		if _, err := b.Demand("video").Track(t.Context()); !errors.Is(err, relay.ErrNoTrack) {
			t.Errorf("a track that was never there: %v", err)
		}
		sw.Set(&step{until: 2})
		tr, err := b.Demand("video").Track(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		reader := tr.NewReader(relay.ReaderConfig{})
		equal(t, take(t, reader, 2), []string{"1/0 0", "1/1 1"})
		for id := uint64(3); id < 5; id++ { // The grace counts anew.
			sw.Set(&lateSource{step: step{until: id, end: relay.ErrMoved}, begins: time.Now().Add(grace - time.Second)})
			equal(t, take(t, reader, 1), []string{fmt.Sprintf("1/%d %d", id-1, id-1)})
		}
		began := time.Now()
		for tr.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(began); took < grace || took > grace+200*time.Millisecond {
			t.Errorf("the track ended after %v", took)
		}
		b.Close(nil)
		r.Wait()
	})
}

// lateSource has no track before some time.
type lateSource struct {
	step
	begins time.Time
}

func (s *lateSource) Subscribe(ctx context.Context, t *relay.Track, accepted func(relay.TrackConfig)) error {
	if time.Now().Before(s.begins) {
		return fmt.Errorf("subscribe: %w", relay.ErrNoTrack)
	}
	return s.step.Subscribe(ctx, t, accepted)
}

// After the end for good nothing is waited for: not the publisher of a track that has
// ended, nor a source.
func TestNothingFollows(t *testing.T) {
	for name, source := range map[string]relay.Upstream{
		"moved": &step{until: 2, end: relay.ErrMoved},
		"lost":  &step{until: 2, end: relay.ErrLost},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := relay.New(relay.Config{})
				sw := &relay.Switch{Grace: time.Hour}
				b, err := r.Announce("live/cam1", relay.AnnounceConfig{Upstream: sw})
				if err != nil {
					t.Fatal(err)
				}
				sw.Set(source)
				tr, err := b.Demand("video").Track(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(30 * time.Minute)
				equal(t, tr.Err(), error(nil))
				sw.Finish()
				time.Sleep(time.Millisecond)
				if !errors.Is(tr.Err(), relay.ErrEnded) {
					t.Errorf("the end is %v", tr.Err())
				}
				b.Close(nil)
				r.Wait()
			})
		})
	}
}

// A track that its publisher ended is waited for nowhere.
func TestPublisherEndsATrack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relay.New(relay.Config{})
		sw := &relay.Switch{Grace: time.Hour}
		b, err := r.Announce("live/cam1", relay.AnnounceConfig{Upstream: sw})
		if err != nil {
			t.Fatal(err)
		}
		sw.Set(&step{until: 2, end: fmt.Errorf("read: %w", relay.ErrEnded)})
		tr, err := b.Demand("video").Track(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		equal(t, take(t, tr.NewReader(relay.ReaderConfig{}), 2), []string{"1/0 0", "1/1 1"})
		equal(t, errors.Is(tr.Err(), relay.ErrEnded), true)
		b.Close(nil)
		r.Wait()
	})
}
