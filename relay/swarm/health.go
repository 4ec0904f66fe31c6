package swarm

import (
	"slices"
	"time"
)

// Figures are what a set of viewers drew and saw: bytes of media by their source,
// and how playing went.
type Figures struct {
	// PeerBytes came from peers, verified and on time; EdgeBytes were fed and
	// HedgeBytes answered by the edge; late, twice and invalid ones are waste.
	PeerBytes, EdgeBytes, HedgeBytes        int64
	LateBytes, DuplicateBytes, InvalidBytes int64
	Stalls                                  int64
	StallTime, PlayTime                     time.Duration
}

// Add gives the sum.
func (f Figures) Add(g Figures) Figures {
	return Figures{
		f.PeerBytes + g.PeerBytes, f.EdgeBytes + g.EdgeBytes, f.HedgeBytes + g.HedgeBytes,
		f.LateBytes + g.LateBytes, f.DuplicateBytes + g.DuplicateBytes, f.InvalidBytes + g.InvalidBytes,
		f.Stalls + g.Stalls, f.StallTime + g.StallTime, f.PlayTime + g.PlayTime,
	}
}

// media is what was needed, once.
func (f Figures) media() int64 { return f.PeerBytes + f.EdgeBytes + f.HedgeBytes + f.LateBytes }

func (f Figures) all() int64 { return f.media() + f.DuplicateBytes + f.InvalidBytes }

// Offload is the share of media that peers brought, verified and on time.
func (f Figures) Offload() float64 { return share(f.PeerBytes, f.media()) }

// Hedged is the share of media that the edge brought in answer to hedges.
func (f Figures) Hedged() float64 { return share(f.HedgeBytes, f.media()) }

// Late is the share of media that came after its time.
func (f Figures) Late() float64 { return share(f.LateBytes, f.media()) }

// Waste is the share of all bytes that were of no use.
func (f Figures) Waste() float64 {
	return share(f.LateBytes+f.DuplicateBytes+f.InvalidBytes, f.all())
}

// StallsPerHour counts stalls by the hour of playing.
func (f Figures) StallsPerHour() float64 {
	if f.PlayTime <= 0 {
		return 0
	}
	return float64(f.Stalls) / f.PlayTime.Hours()
}

// Rebuffer is the share of time that the picture stood still.
func (f Figures) Rebuffer() float64 { return share(int64(f.StallTime), int64(f.StallTime+f.PlayTime)) }

func share(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// HealthConfig configures a Health. Zero values mean the defaults named.
type HealthConfig struct {
	// Worse is by how much the swarm's share of time standing still may exceed the
	// control group's; 0 is 0.001, a tenth of a point.
	Worse float64
	// Window is over what time the two are compared; 0 is ten minutes.
	Window time.Duration
	// PlayTime is how much must have been played by each side before it counts; 0
	// is ten minutes. Stalls is how many the swarm must have had; 0 is 3.
	PlayTime time.Duration
	Stalls   int64
	// Pause is how long a cohort is off at first; it doubles with each time. 0 is
	// ten minutes.
	Pause time.Duration
}

// Health compares the swarm with the control group, for each cohort (a stream, an
// ASN, a browser: whoever calls names them), and says when a cohort's swarm is to
// be off. It is used by one goroutine at a time.
type Health struct {
	cfg     HealthConfig
	cohorts map[string]*cohort
	order   []string
}

const (
	healthSlots = 10
	// maxCohorts bounds the memory; further ones are not looked at.
	maxCohorts = 4096
	maxPauses  = 6
)

// cohort holds the window in slots, the newest first.
type cohort struct {
	swarm, control [healthSlots]Figures
	turnAt         time.Duration
	offUntil       time.Duration
	kills          int
}

// NewHealth makes a Health that knows no cohort.
func NewHealth(cfg HealthConfig) *Health {
	cfg.Worse = defaulted(cfg.Worse, 0.001)
	cfg.Window = defaulted(cfg.Window, 10*time.Minute)
	cfg.PlayTime = defaulted(cfg.PlayTime, 10*time.Minute)
	cfg.Stalls = defaulted(cfg.Stalls, 3)
	cfg.Pause = defaulted(cfg.Pause, 10*time.Minute)
	return &Health{cfg: cfg, cohorts: map[string]*cohort{}}
}

// Add counts what viewers of a cohort, of the control group or not, reported.
func (h *Health) Add(now time.Duration, name string, control bool, f Figures) {
	c := h.cohorts[name]
	if c == nil {
		if len(h.cohorts) >= maxCohorts {
			return
		}
		c = &cohort{turnAt: now}
		h.cohorts[name] = c
		h.order = append(h.order, name)
	}
	h.turn(c, now)
	if control {
		c.control[0] = c.control[0].Add(f)
	} else {
		c.swarm[0] = c.swarm[0].Add(f)
	}
}

// turn moves the window on.
func (h *Health) turn(c *cohort, now time.Duration) {
	slot := h.cfg.Window / healthSlots
	for n := 0; now-c.turnAt >= slot; n++ {
		if n >= healthSlots {
			c.turnAt = now
			return
		}
		copy(c.swarm[1:], c.swarm[:healthSlots-1])
		copy(c.control[1:], c.control[:healthSlots-1])
		c.swarm[0], c.control[0] = Figures{}, Figures{}
		c.turnAt += slot
	}
}

// Window gives a cohort's figures within the window.
func (h *Health) Window(now time.Duration, name string) (swarm, control Figures) {
	c := h.cohorts[name]
	if c == nil {
		return
	}
	h.turn(c, now)
	for i := range healthSlots {
		swarm, control = swarm.Add(c.swarm[i]), control.Add(c.control[i])
	}
	return swarm, control
}

// KillChange says that a cohort's swarm is to be off, or may be on again.
type KillChange struct {
	Cohort         string
	Off            bool
	Swarm, Control Figures
}

// Step compares, and gives the cohorts for which the switch is to be turned.
func (h *Health) Step(now time.Duration) []KillChange {
	var changes []KillChange
	for _, name := range h.order {
		c := h.cohorts[name]
		swarm, control := h.Window(now, name)
		switch {
		case c.offUntil != 0 && now >= c.offUntil:
			c.offUntil = 0
			c.swarm, c.control = [healthSlots]Figures{}, [healthSlots]Figures{}
			changes = append(changes, KillChange{name, false, swarm, control})
		case c.offUntil == 0 && h.worse(swarm, control):
			c.offUntil = now + h.cfg.Pause<<min(c.kills, maxPauses)
			c.kills++
			changes = append(changes, KillChange{name, true, swarm, control})
		}
	}
	return changes
}

// worse: the swarm's viewers fared worse than the control group, on enough
// evidence.
func (h *Health) worse(swarm, control Figures) bool {
	if swarm.PlayTime < h.cfg.PlayTime || control.PlayTime < h.cfg.PlayTime || swarm.Stalls < h.cfg.Stalls {
		return false
	}
	return swarm.Rebuffer() > control.Rebuffer()+h.cfg.Worse
}

// Off says whether a cohort's swarm is off.
func (h *Health) Off(name string) bool {
	c := h.cohorts[name]
	return c != nil && c.offUntil != 0
}

// Cohorts gives the names, in the order in which they came.
func (h *Health) Cohorts() []string { return slices.Clone(h.order) }
