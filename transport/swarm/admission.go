package swarm

const (
	// reserve is how many times its present egress the edge may have to send when many
	// leave at once: 1.7 to 2.5 in simulations.
	reserve = 2.5
	// readmit is the part of the capacity that must be enough before new viewers come in
	// again, so that it does not go to and fro.
	readmit = 0.95
)

// Admits tells whether the edge could still feed all of its viewers, should their peers
// leave, and may be given more. Without a capacity it always does.
func (e *Edge) Admits() bool { return !e.full.Load() }

// judgeAdmission compares what the edge may have to send with what it can. That is
// never more than it sends already and what peers carry now: an edge without a swarm
// may be used whole.
func (e *Edge) judgeAdmission() {
	capacity := float64(e.cfg.Policy.Capacity)
	if capacity <= 0 {
		return
	}
	egress := float64(e.egress.Load())
	need := min(reserve*egress, egress+e.carried())
	if e.full.Load() {
		capacity *= readmit
	}
	e.full.Store(need > capacity)
}

// carried is what viewers get from each other, bit/s, by their last reports.
func (e *Edge) carried() (rate float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.rooms {
		if s := r.state.Load(); s != nil {
			rate += s.Offload * float64(s.Viewers) * float64(s.Bitrate)
		}
	}
	return rate
}
