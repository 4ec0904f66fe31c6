package swarm

import "time"

// Params are the swarm's numbers; the edge sends them in welcome. docs/swarm-policy.md
// gives the reason of each.
type Params struct {
	// Delay is T: how long after a chunk reached the edge it is displayed.
	Delay time.Duration `json:"delay"`
	// Subs is K.
	Subs int `json:"subs"`
	// Depth bounds the trees.
	Depth int `json:"depth"`
	// GapPull is G: how long before the hedge a gap is asked for at a neighbour.
	GapPull time.Duration `json:"gapPull"`
	// HedgeStart, HedgeMin and HedgeMax: H, how long before its deadline a piece is
	// asked for at the edge.
	HedgeStart time.Duration `json:"hedgeStart"`
	HedgeMin   time.Duration `json:"hedgeMin"`
	HedgeMax   time.Duration `json:"hedgeMax"`
	// Share is f: how much of a measured uplink is used.
	Share float64 `json:"share"`
	// CapFactor bounds a viewer's upload to so many times the bitrate, Cap to so
	// many bit/s.
	CapFactor float64 `json:"capFactor"`
	Cap       int64   `json:"cap"`
}

// DefaultParams are for a delay of one second.
func DefaultParams() Params {
	return Params{
		Delay:      time.Second,
		Subs:       8,
		Depth:      4,
		GapPull:    150 * time.Millisecond,
		HedgeStart: 200 * time.Millisecond,
		HedgeMin:   150 * time.Millisecond,
		HedgeMax:   400 * time.Millisecond,
		Share:      0.4,
		CapFactor:  2,
		Cap:        8_000_000,
	}
}
