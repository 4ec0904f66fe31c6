package moqt

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGateCallsByPriority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		holder := &ticket{key: 200}
		if err := g.enter(t.Context(), holder); err != nil {
			t.Fatal(err)
		}
		var order []uint16
		done := make(chan struct{})
		for _, key := range []uint16{130, 128, 129, 128} {
			go func() {
				me := &ticket{key: key}
				if err := g.enter(t.Context(), me); err != nil {
					t.Error(err)
				}
				order = append(order, key)
				g.leave(me)
				done <- struct{}{}
			}()
			synctest.Wait() // They come in this order.
		}
		g.leave(holder)
		for range 4 {
			<-done
		}
		if diff := cmp.Diff([]uint16{128, 128, 129, 130}, order); diff != "" {
			t.Errorf("order differs (-want +got):\n%s", diff)
		}
	})
}

func TestGateTakesTurnOfBlockedWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		blocked, next := &ticket{}, &ticket{}
		if err := g.enter(t.Context(), blocked); err != nil {
			t.Fatal(err)
		}
		before := time.Now()
		if err := g.enter(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(before); took != lease {
			t.Errorf("the turn came after %v", took)
		}
		g.leave(blocked) // Late: the turn is no longer its own to give.
		ctx, cancel := context.WithTimeout(t.Context(), lease/2)
		defer cancel()
		if err := g.enter(ctx, blocked); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("two writers have the turn: %v", err)
		}
		g.leave(next)
		if err := g.enter(t.Context(), blocked); err != nil {
			t.Error(err)
		}
	})
}

func TestRequestIDs(t *testing.T) {
	ids := idTracker{max: 4096}
	for _, id := range []uint64{0, 4, 2, 8} {
		if err := ids.take(id); err != nil {
			t.Errorf("%d: %v", id, err)
		}
	}
	if got := ids.highest(); got != 10 {
		t.Errorf("highest is %d", got)
	}
	if ids.seen(6) || !ids.seen(4) {
		t.Error("6 was not seen, 4 was")
	}
	for _, id := range []uint64{1, 4, 8, 4096, 2 + 2*maxIDGap + 6} {
		if err := ids.take(id); err == nil {
			t.Errorf("%d was accepted", id)
		}
	}
	if err := ids.take(6); err != nil || len(ids.ahead) != 0 {
		t.Errorf("6: %v, %d IDs are kept", err, len(ids.ahead))
	}
}
