package alarm_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/freshet-live/freshet/bench/alarm"
)

func running(tb testing.TB) (*alarm.Clock, context.CancelFunc) {
	tb.Helper()
	clock, err := alarm.NewClock()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { clock.Run(ctx); close(done) }()
	tb.Cleanup(func() { cancel(); <-done })
	return clock, cancel
}

// Nobody is woken before its time, whoever else waits.
func TestClockWakesInTime(t *testing.T) {
	clock, _ := running(t)
	begin := time.Now()
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			at := begin.Add(time.Duration(50-i) * 2 * time.Millisecond)
			if err := clock.Until(t.Context(), at); err != nil || time.Now().Before(at) {
				t.Errorf("woken %v before its time: %v", time.Until(at), err)
			}
		})
	}
	group.Wait()
}

func TestClockLetsGo(t *testing.T) {
	clock, stop := running(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := clock.Until(ctx, time.Now().Add(time.Hour)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	woken := make(chan error)
	go func() { woken <- clock.Until(t.Context(), time.Now().Add(time.Hour)) }()
	time.Sleep(10 * time.Millisecond)
	stop()
	if err := <-woken; err != nil {
		t.Error(err)
	}
	if err := clock.Until(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Error(err)
	}
}
