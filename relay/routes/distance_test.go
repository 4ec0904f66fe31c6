package routes_test

import (
	"testing"
	"time"

	"github.com/freshet-live/freshet/relay/routes"
)

func TestDistance(t *testing.T) {
	var d routes.Distance
	if _, known := d.Class(); known || d.Observe(0) {
		t.Error("a distance that nobody measured")
	}
	for _, step := range []struct {
		name    string
		rtt     time.Duration
		times   int
		class   int
		changes int
	}{
		{"the first counts", 12 * time.Millisecond, 1, 2, 1},
		{"within the class", 19 * time.Millisecond, 20, 2, 0},
		{"a little beyond its bounds", 23 * time.Millisecond, 20, 2, 0},
		{"and below", 9 * time.Millisecond, 20, 2, 0},
		{"a queue that passes", 80 * time.Millisecond, 4, 2, 0},
		{"back", 12 * time.Millisecond, 1, 2, 0},
		{"farther for good", 80 * time.Millisecond, 5, 5, 1},
		{"next door", time.Millisecond, 30, 0, 1},
	} {
		changes := 0
		for range step.times {
			if d.Observe(step.rtt) {
				changes++
			}
		}
		if class, _ := d.Class(); class != step.class || changes != step.changes {
			t.Errorf("%s: class %d after %d changes", step.name, class, changes)
		}
	}
}
