package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPercentFor(t *testing.T) {
	for _, c := range []struct {
		live, roots uint64
		want        int
	}{
		{0, 0, leastPercent},
		{5 << 20, 1 << 20, leastPercent},
		{10 << 20, 1 << 20, mostPercent},
		{40 << 20, 0, 99},
		{40 << 20, 10 << 20, 79}, // The runtime lets the heap grow by the percentage of roots too.
		{79 << 20, 1 << 20, leastPercent},
		{500 << 20, 20 << 20, leastPercent},
	} {
		if got := percentFor(c.live, c.roots); got != c.want {
			t.Errorf("%d in use, roots of %d: %d %%, want %d", c.live, c.roots, got, c.want)
		}
	}
}

// Each collection sets when the next one is due.
func TestCollectorFollowsTheHeap(t *testing.T) {
	t.Setenv("GOGC", "")
	saveMemory()
	for _, c := range []struct {
		held   int
		wished func(percent uint64) bool
	}{
		{2 * plainHeap, func(percent uint64) bool { return percent == leastPercent }},
		{2 * idleHeap, func(percent uint64) bool { return percent > leastPercent }},
	} {
		held := make([]byte, c.held)
		awaitPercent(t, c.wished)
		runtime.KeepAlive(held)
	}
}

// awaitPercent collects until the growth that is allowed is as wished.
func awaitPercent(t *testing.T, wished func(uint64) bool) {
	t.Helper()
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	for range 200 {
		runtime.GC()
		metrics.Read(sample)
		if wished(sample[0].Value.Uint64()) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the heap may grow by %d %%", sample[0].Value.Uint64())
}
