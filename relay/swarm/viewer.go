package swarm

import "time"

// ViewerConfig configures a Viewer.
type ViewerConfig struct {
	// Seed makes what is drawn at random reproducible.
	Seed uint64
}

// Viewer decides for one viewer of a swarm: what it takes from whom, and what it
// gives. It is used by one goroutine at a time.
type Viewer struct{}

// NewViewer makes a Viewer that has heard of nothing: the edge feeds all.
func NewViewer(cfg ViewerConfig) *Viewer { return &Viewer{} }

// Step tells what happened and gives what is to be done. The actions are valid
// until the next call.
func (v *Viewer) Step(now time.Duration, e Event) []Action { return nil }
