package main

import (
	"os"
	"runtime/debug"
)

// gcPercent collects when the heap has grown by half instead of doubled. Most of
// it is payloads, which hold no pointers and cost nothing to mark, so that the
// second collection is cheap and a third of the memory is saved.
const gcPercent = 50

// saveMemory leaves alone what the operator has set.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
