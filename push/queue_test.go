package push

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func packets(n int, fill byte) []byte {
	b := bytes.Repeat([]byte{fill}, n*188)
	for i := 0; i < len(b); i += 188 {
		b[i] = 0x47
	}
	return b
}

// What nobody takes goes, oldest first, and is counted.
func TestQueueDropsTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(time.Second)
		for i := range 30 {
			q.Put(packets(10, byte(i))) // Two bursts: seven and three.
			time.Sleep(100 * time.Millisecond)
		}
		age, dropped := q.Held()
		if age != 1100*time.Millisecond || dropped != 190 {
			t.Errorf("the oldest is %v old, %d packets were dropped", age, dropped)
		}
		b, at, err := q.Next(t.Context())
		if err != nil || len(b) != maxBurst || b[1] != 19 || time.Since(at) != age {
			t.Errorf("%d bytes of %d, %v", len(b), b[1], err)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(time.Hour)
		for range maxQueued/maxBurst + 100 {
			q.Put(packets(7, 1))
		}
		if _, dropped := q.Held(); dropped < 99*7 || q.bytes > maxQueued {
			t.Errorf("%d bytes, %d dropped", q.bytes, dropped)
		}
	})
}

func TestQueueEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(time.Hour)
		got := make(chan []byte)
		go func() {
			b, err := io.ReadAll(q.Reader(context.Background()))
			if err != nil {
				t.Error(err)
			}
			got <- b
		}()
		synctest.Wait()
		want := packets(30, 5)
		q.Put(want)
		q.End()
		if b := <-got; !bytes.Equal(b, want) {
			t.Errorf("%d bytes, want %d", len(b), len(want))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := NewQueue(1).Next(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestRestKeepsToTheLimit(t *testing.T) {
	q := NewQueue(time.Hour)
	q.Put(packets(70, 1))
	first, _, err := q.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b := q.Rest(first, 4*maxBurst+100); len(b) != 4*maxBurst {
		t.Errorf("%d bytes", len(b))
	}
}

// The pauses double, and lie around their value.
func TestBackoff(t *testing.T) {
	var b backoff
	for i, want := range []time.Duration{firstPause, 2 * firstPause, 4 * firstPause} {
		if d := b.next(0); d < want/2 || d > want*3/2 {
			t.Errorf("pause %d is %v, want about %v", i, d, want)
		}
	}
	for range 20 {
		if d := b.next(0); d > maxPause*3/2 {
			t.Errorf("pause of %v", d)
		}
	}
	if d := b.next(lasted); d > firstPause*3/2 {
		t.Errorf("after a success %v", d)
	}
}
