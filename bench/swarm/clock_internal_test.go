package swarm

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Things happen by time, at equal times as they were planned, and what is planned while
// time runs has its place, too.
func TestClockOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	c := &clock{}
	type seen struct {
		at time.Duration
		n  int
	}
	var got []seen
	planned := 0
	var plan func(at time.Duration, more bool)
	plan = func(at time.Duration, more bool) {
		n := planned
		planned++
		c.at(at, func() {
			got = append(got, seen{c.now, n})
			if more {
				plan(c.now+time.Duration(r.IntN(50)), false)
			}
		})
	}
	for range 2000 {
		plan(time.Duration(r.IntN(500)), true)
	}
	c.run(1000)
	if len(got) != 4000 || c.happened != 4000 {
		t.Fatalf("%d of 4000 happened", len(got))
	}
	if !slices.IsSortedFunc(got, func(a, b seen) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.n - b.n
	}) {
		t.Error("not in order")
	}
}

// What is planned for the past happens now, and time stops where it is told to.
func TestClockBounds(t *testing.T) {
	c := &clock{}
	var at []time.Duration
	c.at(10, func() { c.at(3, func() { at = append(at, c.now) }) })
	c.at(21, func() { at = append(at, c.now) })
	c.run(20)
	if !slices.Equal(at, []time.Duration{10}) || c.now != 20 {
		t.Errorf("%v, now %v", at, c.now)
	}
}
