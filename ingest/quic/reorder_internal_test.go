package quic

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// script plays arrivals to a reorder buffer: "3" is batch 3, "3x" its reset, "3." the
// end of the stream there, "+20" lets milliseconds pass. It gives what came out and
// when: "3@20".
func script(t *testing.T, wait time.Duration, steps string) (string, *reorder) {
	t.Helper()
	r := newReorder(wait)
	start := time.Now()
	now := start
	var out []string
	drain := func() {
		for {
			b, ok := r.take(now)
			if !ok {
				return
			}
			out = append(out, fmt.Sprintf("%s@%d", b.packets, now.Sub(start).Milliseconds()))
		}
	}
	for step := range strings.FieldsSeq(steps) {
		if step[0] == '+' {
			var ms int
			fmt.Sscan(step[1:], &ms)
			until := now.Add(time.Duration(ms) * time.Millisecond)
			for {
				due, waiting := r.due()
				if !waiting || due.After(until) {
					break
				}
				now = due
				drain()
			}
			now = until
			continue
		}
		var seq uint64
		fmt.Sscan(strings.TrimRight(step, "x."), &seq)
		b := batch{at: now, packets: []byte(fmt.Sprint(seq))}
		switch step[len(step)-1] {
		case 'x':
			b.packets = nil
		case '.':
			b.packets, b.end = []byte("end"), true
		}
		if err := r.put(seq, b); err != nil {
			t.Fatal(err)
		}
		drain()
	}
	return strings.Join(out, " "), r
}

func TestReorder(t *testing.T) {
	for _, c := range []struct {
		name, steps, want string
		lost, late        uint64
	}{
		{"in order", "0 1 +5 2", "0@0 1@0 2@5", 0, 0},
		{"out of order", "0 2 +5 3 1", "0@0 1@5 2@5 3@5", 0, 0},
		{"the first comes last", "1 2 +99 0", "0@99 1@99 2@99", 0, 0},
		{"a gap is waited for", "0 2 +50 3 +50 4", "0@0 2@100 3@100 4@100", 1, 0},
		{"too late", "0 2 +100 1 3", "0@0 2@100 3@100", 1, 1},
		{"a reset is not waited for", "0 2 +10 1x 3", "0@0 2@10 3@10", 1, 0},
		{"a reset of what has come", "0 1 0x 2", "0@0 1@0 2@0", 0, 0},
		{"twice", "0 2 2 1", "0@0 1@0 2@0", 0, 1},
		{"each gap has its own time", "0 2 +60 4 +40 +60", "0@0 2@100 4@160", 2, 0},
		{"the second gap was known before", "0 2 4 +100", "0@0 2@100 4@100", 2, 0},
		{"the end waits for the rest", "0 2. +30 1", "0@0 1@30 end@30", 0, 0},
		{"the end gives up", "0 3. +100", "0@0 end@100", 2, 0},
		{"long silence is no gap", "0 +500 1 3 +99 2", "0@0 1@500 2@599 3@599", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, r := script(t, 100*time.Millisecond, c.steps)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				if r.lost != c.lost || r.late != c.late {
					t.Errorf("lost %d, late %d; want %d, %d", r.lost, r.late, c.lost, c.late)
				}
				if r.bytes != 0 || len(r.held) != 0 {
					t.Errorf("%d bytes of %d batches are held", r.bytes, len(r.held))
				}
			})
		})
	}
}

// What one publisher makes the server hold is bounded, in bytes and in numbers.
func TestReorderIsBounded(t *testing.T) {
	r := newReorder(time.Hour)
	now := time.Now()
	most := 0
	for seq := uint64(1); seq < 1000; seq++ {
		if err := r.put(seq, batch{packets: make([]byte, maxBatch), at: now}); err != nil {
			t.Fatal(err)
		}
		most = max(most, r.bytes)
		for ok := true; ok; {
			_, ok = r.take(now)
		}
	}
	if most > maxHeldBytes+maxBatch || r.lost != 1 {
		t.Errorf("held %d bytes, lost %d", most, r.lost)
	}
	if err := r.put(r.next+maxAhead+1, batch{packets: []byte{1}, at: now}); !errors.Is(err, errOverflow) {
		t.Errorf("a number far ahead: %v", err)
	}
}
