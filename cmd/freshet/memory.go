package main

import (
	"os"
	"runtime/debug"
)

// gcPercent collects when the heap has grown by a fifth instead of doubled. Most
// of it is payloads, which hold no pointers and cost nothing to mark, and each
// collection also gives back what pools hold of a burst of long ago. With 100
// viewers that is one a second, for a quarter of a percent of the processors.
const gcPercent = 20

// saveMemory leaves alone what the operator has set.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
