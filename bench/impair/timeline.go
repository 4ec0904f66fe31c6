package impair

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Step is something that happens to a link on its timeline.
type Step struct {
	At   time.Duration `yaml:"at"`
	For  time.Duration `yaml:"for"` // 0: from then on.
	Note string        `yaml:"note"`
	Both Settings      `yaml:"both"`
	Up   Settings      `yaml:"up"`
	Down Settings      `yaml:"down"`
	// Rebind gives the client's traffic a new source port, as a NAT does that
	// forgot its binding.
	Rebind bool `yaml:"rebind"`
}

func (s Step) end() time.Duration {
	if s.For == 0 {
		return never
	}
	return s.At + s.For
}

// never is later than anything.
const never = time.Duration(math.MaxInt64)

// Plan is what is in force when, in one direction. It is read-only.
type Plan struct {
	segments []segment // By start; the first starts at 0.
	period   time.Duration
	trace    *Opportunities
}

// segment is a time without changes.
type segment struct {
	start, end time.Duration // Within the period.
	profile    Profile
	note       string
}

// change is a step as one direction sees it.
type change struct {
	start, end time.Duration
	settings   []Settings
	note       string
}

// newPlan lays changes over a base. With a period, time starts again after it.
func newPlan(base Profile, changes []change, period time.Duration, trace *Opportunities) (*Plan, error) {
	limit := never
	if period > 0 {
		limit = period
	}
	bounds := []time.Duration{0}
	for _, c := range changes {
		for _, t := range []time.Duration{c.start, c.end} {
			if t < limit {
				bounds = append(bounds, t)
			}
		}
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	plan := &Plan{period: period, trace: trace}
	var active []int // In the order of the list: the later wins.
	order := byStart(changes)
	for i, start := range bounds {
		for len(order) > 0 && changes[order[0]].start <= start {
			active, order = append(active, order[0]), order[1:]
		}
		slices.Sort(active)
		active = slices.DeleteFunc(active, func(n int) bool { return changes[n].end <= start })
		s := segment{start: start, end: limit, profile: base}
		if i+1 < len(bounds) {
			s.end = bounds[i+1]
		}
		for _, n := range active {
			s.apply(changes[n])
		}
		if err := s.profile.check(); err != nil {
			return nil, fmt.Errorf("at %v: %w", start, err)
		}
		plan.segments = append(plan.segments, s)
	}
	return plan, nil
}

// byStart are the indexes of changes by their start.
func byStart(changes []change) []int {
	order := make([]int, len(changes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(changes[a].start, changes[b].start) })
	return order
}

// apply lays a change over the segment.
func (s *segment) apply(c change) {
	for _, settings := range c.settings {
		s.profile = s.profile.with(settings)
	}
	if c.note != "" {
		s.note = c.note
	}
}

// at is what is in force at a time and until when.
func (p *Plan) at(now time.Duration) (*segment, time.Duration) {
	now = max(now, 0)
	var base time.Duration
	if p.period > 0 {
		base = now - now%p.period
	}
	i, found := slices.BinarySearchFunc(p.segments, now-base, func(s segment, t time.Duration) int {
		return cmp.Compare(s.start, t)
	})
	if !found {
		i--
	}
	s := &p.segments[i]
	if s.end == never {
		return s, never
	}
	return s, base + s.end
}

// InForce is the profile at a time, with the note of the step that made it so.
func (p *Plan) InForce(now time.Duration) (profile Profile, note string) {
	s, _ := p.at(now)
	return s.profile, s.note
}

// openFrom is the first time from t on when the bottleneck sends.
func (p *Plan) openFrom(t time.Duration) time.Duration {
	for range len(p.segments) + 1 {
		s, until := p.at(t)
		if !s.profile.Stall {
			return t
		}
		t = until
	}
	return never
}

// room is how many bytes a profile's queue holds.
func (p *Plan) room(profile *Profile) int {
	if profile.Queue.Bytes > 0 {
		return profile.Queue.Bytes
	}
	rate := profile.Rate
	if p.trace != nil {
		rate = p.trace.mean()
	}
	if rate == 0 {
		return stallRoom
	}
	held := profile.Queue.Time
	if held == 0 {
		held = defaultQueue
	}
	return int(max(min(float64(rate)/8*held.Seconds(), maxQueue), leastRoom))
}

const (
	// defaultQueue is what home routers have, more or less.
	defaultQueue = 100 * time.Millisecond
	// leastRoom lets a slow line hold a few packets.
	leastRoom = 3000
	// stallRoom is held where there is no rate to count by.
	stallRoom = 1 << 20
)

// rebinds are the times of new NAT bindings, in order.
func rebinds(steps []Step) []time.Duration {
	var out []time.Duration
	for _, s := range steps {
		if s.Rebind {
			out = append(out, s.At)
		}
	}
	slices.Sort(out)
	return out
}

// nextRebind is the first of the times after now, on a timeline with a period;
// never if there is none.
func nextRebind(times []time.Duration, period, now time.Duration) time.Duration {
	var base time.Duration
	if period > 0 {
		base = now - now%period
	}
	for _, t := range times {
		if base+t > now {
			return base + t
		}
	}
	if period > 0 && len(times) > 0 {
		return base + period + times[0]
	}
	return never
}
