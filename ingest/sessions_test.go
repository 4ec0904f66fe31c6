package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/ingest"
)

func TestReturnWithinHoldContinuesTheBroadcast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(nil)
		first := f.open(t, "live/cam1")
		push(t, first, 1)
		first.Close()
		first.Close()
		time.Sleep(29 * time.Second)
		second := f.open(t, "live/cam1")
		push(t, second, 2)
		time.Sleep(time.Minute) // No old timer may end it.
		push(t, second, 3)
		second.Close()
		time.Sleep(31 * time.Second)
		f.sinks[0].expect(t, "begin 1s", "push 1", "end", "begin 1s", "push 2", "push 3", "end",
			"close: the publisher did not come back")
		if len(f.sinks) != 1 || len(f.Snapshot()) != 0 {
			t.Errorf("%d sinks, broadcasts %v", len(f.sinks), f.Snapshot())
		}
		f.open(t, "live/cam1")
		if len(f.sinks) != 2 {
			t.Error("after the hold the name did not start anew")
		}
		f.Close()
	})
}

// Each hold counts from its own beginning.
func TestHoldsAreTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(nil)
		f.open(t, "a").Close()
		time.Sleep(29 * time.Second)
		f.open(t, "a").Close()
		time.Sleep(29 * time.Second)
		if n := len(f.Snapshot()); n != 1 {
			t.Fatalf("%d broadcasts within the second hold", n)
		}
		time.Sleep(2 * time.Second)
		if n := len(f.Snapshot()); n != 0 {
			t.Errorf("%d broadcasts after the second hold", n)
		}
	})
}

// slowCloser is a sink whose end takes time.
type slowCloser struct{ recorder }

func (s *slowCloser) Close(reason error) {
	time.Sleep(time.Second)
	s.recorder.Close(reason)
}

func TestCloseWaitsForSinksThatEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &slowCloser{}
		f := newFixture(func(c *ingest.Config) {
			c.NewSink = func(string) (ingest.HeldSink, error) { return sink, nil }
		})
		f.open(t, "a").Close()
		time.Sleep(30*time.Second + time.Millisecond) // The hold is over, the sink is ending.
		f.Close()
		sink.expect(t, "begin 1s", "end", "close: the publisher did not come back")
	})
}

func TestNoHold(t *testing.T) {
	f := newFixture(func(c *ingest.Config) { c.Hold = 0 })
	f.open(t, "a").Close()
	f.sinks[0].expect(t, "begin 1s", "end", "close: the publisher did not come back")
}

// The owner is heard every 50 ms: whoever comes in between knows at the next look.
func TestSecondPublisherIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(nil)
		first := f.open(t, "live/cam1")
		_, err := f.Open(t.Context(), ingest.Request{Name: "live/cam1", Protocol: "test"})
		if !errors.Is(err, ingest.ErrAlreadyPublishing) {
			t.Errorf("beside one that just came: %v", err)
		}
		time.Sleep(time.Second)
		first.Touch()
		done := make(chan struct{})
		var touching sync.WaitGroup
		touching.Go(func() {
			for range time.Tick(50 * time.Millisecond) {
				select {
				case <-done:
					return
				default:
					first.Touch()
				}
			}
		})
		defer touching.Wait() // Time stands still for who is left behind.
		defer close(done)
		for range 100 {
			start := time.Now()
			_, err := f.Open(t.Context(), ingest.Request{Name: "live/cam1", Protocol: "test"})
			if !errors.Is(err, ingest.ErrAlreadyPublishing) || time.Since(start) > 70*time.Millisecond {
				t.Fatalf("second publisher: %v after %v", err, time.Since(start))
			}
			time.Sleep(37 * time.Millisecond)
		}
		push(t, first, 1)
		f.open(t, "live/cam2") // Another name is free.
		f.sinks[0].expect(t, "begin 1s", "push 1")
		if n := sum(t, f, "freshet_ingest_refused_total"); n != 101 {
			t.Errorf("refused_total %v", n)
		}
		f.Close()
	})
}

func TestSilentPublisherIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(nil)
		first := f.open(t, "live/cam1")
		first.Touch()
		time.Sleep(1500 * time.Millisecond)
		start := time.Now()
		second := f.open(t, "live/cam1")
		if d := time.Since(start); d != 0 {
			t.Errorf("took over after %v", d)
		}
		select {
		case <-first.Done():
		default:
			t.Error("the first session does not know")
		}
		if err := first.Push(ingest.AccessUnit{PTS: 1}); !errors.Is(err, ingest.ErrTakenOver) {
			t.Errorf("the first pushes on: %v", err)
		}
		first.Close() // Must not release the name.
		push(t, second, 2)
		if _, err := f.Open(t.Context(), ingest.Request{Name: "live/cam1"}); !errors.Is(err, ingest.ErrAlreadyPublishing) {
			t.Errorf("third publisher: %v", err)
		}
		f.sinks[0].expect(t, "begin 1s", "end", "begin 1s", "push 2")
		if n := sum(t, f, "freshet_ingest_takeovers_total"); n != 1 {
			t.Errorf("takeovers_total %v", n)
		}
		if n := sum(t, f, "freshet_ingest_sessions"); n != 1 {
			t.Errorf("sessions %v", n)
		}
		f.Close()
	})
}

// A publisher that has just fallen silent is given until half a second is full:
// 100 ms have passed when the other comes.
func TestSuspectedPublisher(t *testing.T) {
	tests := []struct {
		name      string
		meanwhile func(first *ingest.Session)
		want      error
		after     time.Duration
	}{
		{"stays silent", func(*ingest.Session) {}, nil, 400 * time.Millisecond},
		{"speaks", (*ingest.Session).Touch, ingest.ErrAlreadyPublishing, 120 * time.Millisecond},
		{"leaves", (*ingest.Session).Close, nil, 105 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(nil)
				first := f.open(t, "a")
				time.Sleep(time.Second)
				first.Touch()
				time.Sleep(100 * time.Millisecond)
				time.AfterFunc(105*time.Millisecond, func() { tt.meanwhile(first) })
				start := time.Now()
				_, err := f.Open(t.Context(), ingest.Request{Name: "a"})
				if !errors.Is(err, tt.want) || time.Since(start) != tt.after {
					t.Errorf("%v after %v, want %v after %v", err, time.Since(start), tt.want, tt.after)
				}
				f.Close()
			})
		})
	}
}

func TestSuspicionEndsWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(nil)
		first := f.open(t, "a")
		time.Sleep(600 * time.Millisecond)
		first.Touch()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := f.Open(ctx, ingest.Request{Name: "a"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		f.Close()
	})
}

// Many race for one name; exactly one gets it, each time.
func TestOneOwner(t *testing.T) {
	f := newFixture(func(c *ingest.Config) { c.Hold = 0 })
	for range 200 {
		var wg sync.WaitGroup
		won := make(chan *ingest.Session, 8)
		for range cap(won) {
			wg.Go(func() {
				if s, err := f.Open(t.Context(), ingest.Request{Name: "a"}); err == nil {
					won <- s
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d owners", len(won))
		}
		(<-won).Close()
	}
	f.Close()
}

func TestAuthorize(t *testing.T) {
	f := newFixture(func(c *ingest.Config) {
		c.Authorize = func(_ context.Context, r ingest.Request) (time.Time, error) {
			if r.Token != "good" {
				return time.Time{}, fmt.Errorf("token of %s: %w", r.User, ingest.ErrForbidden)
			}
			return time.Time{}, nil
		}
	})
	defer f.Close()
	if _, err := f.Open(t.Context(), ingest.Request{Name: "a", User: "eve"}); !errors.Is(err, ingest.ErrForbidden) {
		t.Errorf("got %v", err)
	}
	if _, err := f.Open(t.Context(), ingest.Request{Name: "a", Token: "good"}); err != nil {
		t.Error(err)
	}
}

// A right that runs out ends the session at that moment, and the broadcast is held.
func TestAuthorizationExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(func(c *ingest.Config) {
			c.Authorize = func(context.Context, ingest.Request) (time.Time, error) {
				return time.Now().Add(time.Minute), nil
			}
		})
		defer f.Close()
		began := time.Now()
		s, err := f.Open(t.Context(), ingest.Request{Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		<-s.Done()
		if err := s.Err(); !errors.Is(err, ingest.ErrExpired) || time.Since(began) != time.Minute {
			t.Errorf("ended with %v after %v", err, time.Since(began))
		}
		s.Close()
		if _, err := f.Open(t.Context(), ingest.Request{Name: "a"}); err != nil {
			t.Errorf("with a new right: %v", err)
		}
	})
}

func TestSinkThatCannotBeMade(t *testing.T) {
	boom := errors.New("boom")
	broken := true
	f := newFixture(nil)
	f.Sessions = ingest.NewSessions(ingest.Config{NewSink: func(string) (ingest.HeldSink, error) {
		if broken {
			return nil, boom
		}
		return &recorder{}, nil
	}})
	defer f.Close()
	if _, err := f.Open(t.Context(), ingest.Request{Name: "a"}); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	broken = false
	f.open(t, "a")
}

func TestDrainAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(nil)
		live := f.open(t, "live")
		f.open(t, "held").Close()
		f.Drain()
		if _, err := f.Open(t.Context(), ingest.Request{Name: "new"}); !errors.Is(err, ingest.ErrDraining) {
			t.Errorf("got %v", err)
		}
		push(t, live, 1)
		f.Close()
		if err := live.Err(); !errors.Is(err, ingest.ErrDraining) {
			t.Errorf("session ended with %v", err)
		}
		live.Close()
		f.sinks[0].expect(t, "begin 1s", "push 1", "end", "close: draining")
		f.sinks[1].expect(t, "begin 1s", "end", "close: draining")
	})
}

// Close while a sink is being made closes that sink too.
func TestCloseDuringOpen(t *testing.T) {
	made, release := make(chan struct{}), make(chan struct{})
	sink := &recorder{}
	s := ingest.NewSessions(ingest.Config{NewSink: func(string) (ingest.HeldSink, error) {
		close(made)
		<-release
		return sink, nil
	}})
	done := make(chan error)
	go func() {
		_, err := s.Open(t.Context(), ingest.Request{Name: "a"})
		done <- err
	}()
	<-made
	s.Close()
	close(release)
	if err := <-done; !errors.Is(err, ingest.ErrDraining) {
		t.Errorf("got %v", err)
	}
	sink.expect(t, "close: draining")
}

func TestSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(nil)
		f.open(t, "c/held").Close()
		f.open(t, "b/silent")
		time.Sleep(2 * time.Second)
		if _, err := f.Open(t.Context(), ingest.Request{
			Name: "a/live", Protocol: "srt", Remote: "1.2.3.4:5", User: "ann", Stats: func() any { return 42 },
		}); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		want := []ingest.Status{
			{Name: "a/live", State: ingest.StateReceiving, Since: now, Protocol: "srt", Remote: "1.2.3.4:5", User: "ann", Stats: 42},
			{Name: "b/silent", State: ingest.StateSilent, Since: now.Add(-2 * time.Second), Protocol: "test", Remote: "peer"},
			{Name: "c/held", State: ingest.StateReconnecting, Since: now.Add(-2 * time.Second)},
		}
		if diff := cmp.Diff(want, f.Snapshot()); diff != "" {
			t.Error(diff)
		}
		states := map[string]float64{"receiving": 1, "silent": 1, "reconnecting": 1}
		if diff := cmp.Diff(states, values(t, f, "freshet_ingest_broadcasts")); diff != "" {
			t.Error(diff)
		}
		f.Close()
	})
}

func TestValidateName(t *testing.T) {
	good := []string{"a", "live/cam1", "A-b_c.d~e/0", "live/v1", strings.Repeat("x", 255), "..."}
	bad := []string{
		"", "/", "/a", "a/", "a//b", "..", "a/../b", "./a", "a b", "a%20b", "ä", "a\x00", "a\\b", "a?b", "a#b", "a:b",
		"v1", "v1/x", "player/x", "moq", strings.Repeat("x", 256),
	}
	for _, name := range good {
		if err := ingest.ValidateName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range bad {
		if err := ingest.ValidateName(name); !errors.Is(err, ingest.ErrBadName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	f := newFixture(nil)
	if _, err := f.Open(t.Context(), ingest.Request{Name: "a b"}); !errors.Is(err, ingest.ErrBadName) {
		t.Errorf("Open: %v", err)
	}
}

func TestEndOfBroadcastIsLogged(t *testing.T) {
	var b bytes.Buffer
	f := newFixture(func(c *ingest.Config) { c.Logger = slog.New(slog.NewTextHandler(&b, nil)); c.Hold = 0 })
	f.open(t, "live/cam1").Close()
	if got := b.String(); strings.Count(got, "broadcast ended") != 1 || !strings.Contains(got, "name=live/cam1") {
		t.Errorf("log: %s", got)
	}
}

// A publisher that packages by itself cannot go on with another's sink, nor the
// other way round.
func TestSinkOfAnotherKindIsReplaced(t *testing.T) {
	f := newFixture(nil)
	f.open(t, "a").Close()
	own := &recorder{}
	s, err := f.Open(t.Context(), ingest.Request{
		Name: "a", Protocol: "moq", NewSink: func(string) (ingest.HeldSink, error) { return own, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Sink() != own {
		t.Error("the session feeds another sink")
	}
	f.sinks[0].expect(t, "begin 1s", "end", "close: taken over by a new connection")
	s.Close()
	f.open(t, "a")
	own.expect(t, "close: taken over by a new connection")
	if len(f.sinks) != 2 {
		t.Errorf("%d sinks made", len(f.sinks))
	}
}
