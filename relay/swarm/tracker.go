package swarm

import "time"

// TrackerConfig configures a Tracker.
type TrackerConfig struct {
	Params Params
	// Seed makes what is drawn at random reproducible.
	Seed uint64
}

// Tracker keeps one swarm at its edge: who is there, who may feed whom, the tree
// of each sub-stream. It is used by one goroutine at a time.
type Tracker struct{}

// NewTracker makes a Tracker without viewers.
func NewTracker(cfg TrackerConfig) *Tracker { return &Tracker{} }

// Step tells what happened and gives what is to be said to viewers. The actions
// are valid until the next call.
func (t *Tracker) Step(now time.Duration, e TrackerEvent) []TrackerAction { return nil }
