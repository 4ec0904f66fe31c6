package swarm

import "time"

// totals count since the Tracker was made.
type totals struct {
	revealed, bans int
}

// TrackerStats is what a Tracker knows of its swarm at the moment.
type TrackerStats struct {
	// Viewers of each mode; Reasons counts those not on, by reason.
	On, Receive, Edge int
	Reasons           map[Reason]int
	// Subscriptions are the sub-streams of viewers not in mode edge; EdgeFed those
	// that the edge feeds, Pending those whose parent has not fed yet. Depths counts
	// them by depth, 1 being edge-fed.
	Subscriptions, EdgeFed, Pending int
	Depths                          []int
	// Slots are what viewers can push, Used what they do.
	Slots, Used int
	// Ceiling is the offload that the supply of upload allows, 0 to 1.
	Ceiling float64
	// Reserve is capacity over egress, 0 when unknown; Admit is false when it is
	// less than it must be, and no more viewers should be let in.
	Reserve float64
	Admit   bool
	// Delay is T as hinted now.
	Delay time.Duration
	// Revealed and Bans count since the start.
	Revealed, Bans int
}

// Stats looks over the whole swarm; meant for once a second.
func (t *Tracker) Stats() TrackerStats {
	s := TrackerStats{
		Reasons: map[Reason]int{}, Depths: make([]int, t.params.Depth+1),
		Reserve: t.load.reserve(), Delay: t.params.Delay, Revealed: t.totals.revealed, Bans: t.totals.bans,
	}
	s.Admit = s.Reserve == 0 || s.Reserve >= t.cfg.Reserve
	supply := 0.0
	for _, m := range t.order {
		if m != nil {
			s.count(m)
			supply += t.supply(m)
		}
	}
	if n := s.On + s.Receive + s.Edge; n > 0 {
		s.Ceiling = min(supply/float64(n), float64(n-1)/float64(n))
	}
	return s
}

func (s *TrackerStats) count(m *member) {
	if m.reason != "" {
		s.Reasons[m.reason]++
	}
	switch m.mode {
	case ModeOn:
		s.On++
	case ModeReceive:
		s.Receive++
	default:
		s.Edge++
		return
	}
	s.Slots += m.slots
	s.Used += m.used
	for i := range m.branches {
		b := &m.branches[i]
		s.Subscriptions++
		if b.depth < len(s.Depths) {
			s.Depths[b.depth]++
		}
		if b.parent == nil {
			s.EdgeFed++
		} else if !b.confirmed {
			s.Pending++
		}
	}
}

// supply is what a viewer could upload, in bitrates.
func (t *Tracker) supply(m *member) float64 {
	if m.mode != ModeOn || t.load.bitrate <= 0 {
		return 0
	}
	line := m.uplink
	if line <= 0 {
		line = unknownUplink
	}
	most := min(t.params.Share*float64(line), float64(t.params.Cap), t.params.CapFactor*float64(t.load.bitrate))
	return most / float64(t.load.bitrate)
}
