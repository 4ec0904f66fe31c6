package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The heap is collected when it reaches plainHeap, or has grown by mostPercent: each
// collection takes processors from the burst of writes in which it falls, and the
// tail of delivery grows with how often that is (bench/results, 2026-11-26). A
// large heap is collected when it has grown by leastPercent instead of doubled:
// most of it is payloads, which hold no pointers and cost nothing to mark, and
// each collection also gives back what pools hold of a burst of long ago. So is
// one that is smaller than idleHeap, that of a gateway which nobody uses.
const (
	idleHeap     = 8 << 20  // bytes
	plainHeap    = 80 << 20 // bytes
	leastPercent = 20
	mostPercent  = 400
)

// saveMemory leaves alone what the operator has set.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		tuneCollector(collector{})
	}
}

// collector is garbage that a collection finds.
type collector struct{ _ *collector }

// tuneCollector sets when the next collection is due, and does so again after it.
func tuneCollector(collector) {
	debug.SetGCPercent(percentFor(readHeap()))
	runtime.AddCleanup(new(collector), tuneCollector, collector{})
}

// readHeap gives the bytes that the last collection found in use, and those of
// stacks and globals that it looked through.
func readHeap() (live, roots uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64() + samples[2].Value.Uint64()
}

// percentFor is the growth that a heap with so many bytes in use is allowed; the
// runtime counts it of roots too.
func percentFor(live, roots uint64) int {
	if live < idleHeap || live >= plainHeap {
		return leastPercent
	}
	return int(min(max(100*(plainHeap-live)/(live+roots+1), leastPercent), mostPercent))
}
