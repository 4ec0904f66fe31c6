package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/ingest"
)

// lease writes down what happens to it.
type lease struct {
	recorder
	lost chan struct{}
	once sync.Once
}

func (l *lease) Epoch() uint64         { return 7 }
func (l *lease) Lost() <-chan struct{} { return l.lost }
func (l *lease) Err() error            { return errors.New(`owned by node "b"`) }
func (l *lease) Hold(held bool)        { l.add("hold %v", held) }
func (l *lease) Release()              { l.add("release") }
func (l *lease) lose()                 { l.once.Do(func() { close(l.lost) }) }

// leased is a fixture that claims its names; a name in taken is another's.
func leased(taken ...string) (*fixture, map[string]*lease) {
	leases := make(map[string]*lease)
	return newFixture(func(cfg *ingest.Config) {
		cfg.Claim = func(_ context.Context, r ingest.Request) (ingest.Lease, error) {
			if slices.Contains(taken, r.Name) {
				return nil, fmt.Errorf("%w at node %q", ingest.ErrAlreadyPublishing, "b")
			}
			leases[r.Name] = &lease{lost: make(chan struct{})}
			return leases[r.Name], nil
		}
	}), leases
}

func TestLeaseLivesAsLongAsTheBroadcast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, leases := leased()
		f.open(t, "live/cam1").Close()
		time.Sleep(time.Second)
		f.open(t, "live/cam1").Close()
		time.Sleep(time.Minute)
		leases["live/cam1"].expect(t, "hold true", "hold false", "hold true", "release")
		f.open(t, "live/cam2")
		f.Close()
		leases["live/cam2"].expect(t, "release")
	})
}

// A silent publisher has not gone, but another gateway may take its name.
func TestLeaseOfASilentPublisherIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, leases := leased()
		s := f.open(t, "live/cam1")
		for range 20 {
			time.Sleep(100 * time.Millisecond)
			s.Touch()
		}
		leases["live/cam1"].expect(t)
		time.Sleep(1500 * time.Millisecond)
		leases["live/cam1"].expect(t, "hold true")
		s.Touch()
		time.Sleep(300 * time.Millisecond)
		leases["live/cam1"].expect(t, "hold true", "hold false")
		time.Sleep(1500 * time.Millisecond)
		s.Close()
		f.open(t, "live/cam1")
		time.Sleep(300 * time.Millisecond)
		leases["live/cam1"].expect(t, "hold true", "hold false", "hold true", "hold false")
		f.Close()
	})
}

func TestNameOfAnotherGatewayIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := leased("live/cam1")
		_, err := f.Open(t.Context(), ingest.Request{Name: "live/cam1", Protocol: "test"})
		if !errors.Is(err, ingest.ErrAlreadyPublishing) {
			t.Errorf("%v", err)
		}
		if n := len(f.Snapshot()) + len(f.sinks); n != 0 {
			t.Errorf("%d broadcasts and sinks of a publisher who was refused", n)
		}
		f.Close()
	})
}

func TestLostLeaseEndsTheBroadcast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, leases := leased()
		s := f.open(t, "live/cam1")
		f.open(t, "live/cam2").Close() // Held.
		for _, l := range leases {
			l.lose()
		}
		synctest.Wait()
		if err := s.Err(); !errors.Is(err, ingest.ErrTakenOver) {
			t.Errorf("the publisher is told %v", err)
		}
		for _, sink := range f.sinks {
			if last := sink.events[len(sink.events)-1]; last != `close: taken over by a new connection: owned by node "b"` {
				t.Errorf("sink: %s", last)
			}
		}
		if n := len(f.Snapshot()); n != 0 {
			t.Errorf("%d broadcasts", n)
		}
		f.Close()
	})
}
