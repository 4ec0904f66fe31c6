package encoders

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"time"

	"github.com/goccy/go-yaml"
)

// Schedule is what befalls a fleet.
type Schedule struct {
	Faults []Fault `yaml:"faults"`
	// Churn is how often encoders leave, all together, a second; they come back after
	// Away.
	Churn Frequency     `yaml:"-"`
	Away  time.Duration `yaml:"-"`
}

// maxFaults bounds a schedule.
const maxFaults = 10_000

// LoadSchedule reads faults from YAML:
//
//	faults:
//	  - 30s kill
//	  - 40s corrupt 1% for 5s @3
func LoadSchedule(name string) (Schedule, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return Schedule{}, err
	}
	s, err := parseSchedule(text)
	if err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func parseSchedule(text []byte) (Schedule, error) {
	var s Schedule
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&s); err != nil {
		return s, err
	}
	if len(s.Faults) > maxFaults {
		return s, fmt.Errorf("has more than %d faults", maxFaults)
	}
	return s, nil
}

// Check names faults of encoders that are not there.
func (s Schedule) Check(count int) error {
	for _, f := range s.Faults {
		if f.Encoder > count {
			return fmt.Errorf("fault %q: there are %d encoders", f, count)
		}
	}
	return nil
}

// step is a fault, or the end of one, in an encoder's time.
type step struct {
	Fault
	ends bool
}

// timeline gives the steps of one encoder in their order.
type timeline struct {
	pending []step
	chance  *rand.Rand
	leaves  time.Duration // When it leaves next; never is for none.
	mean    float64       // From one leaving to the next, in ns.
	away    time.Duration
}

const never = time.Duration(math.MaxInt64)

// timeline is that of encoder n of count, which starts at a time of the fleet. What
// was before that does not befall it.
func (s Schedule) timeline(n, count int, starts time.Duration, chance *rand.Rand) *timeline {
	t := &timeline{chance: chance, leaves: never, away: s.Away}
	for _, f := range s.Faults {
		if f.Encoder != 0 && f.Encoder != n {
			continue
		}
		f.At -= starts
		if f.At < 0 && f.Every > 0 {
			f.At = (f.Every + f.At%f.Every) % f.Every // The first of them after the start.
		}
		if f.At >= 0 {
			t.pending = append(t.pending, step{Fault: f})
		}
	}
	if s.Churn > 0 {
		t.mean = float64(count) / float64(s.Churn) * 1e9
		t.leaves = t.stay()
	}
	return t
}

// stay is how long the encoder stays: a Poisson process has no memory.
func (t *timeline) stay() time.Duration {
	return time.Duration(min(t.chance.ExpFloat64()*t.mean, float64(longest)))
}

// until takes off the next step that is not after now.
func (t *timeline) until(now time.Duration) (step, bool) {
	first := -1
	for i, s := range t.pending {
		if s.At <= now && (first < 0 || s.At < t.pending[first].At) {
			first = i
		}
	}
	if t.leaves <= now && (first < 0 || t.leaves < t.pending[first].At) {
		at := t.leaves
		t.leaves += t.away + t.stay()
		return step{Fault: Fault{At: at, Kind: Kill, For: t.away}}, true
	}
	if first < 0 {
		return step{}, false
	}
	s := t.pending[first]
	t.follow(first)
	return s, true
}

// follow replaces a step by what it brings: its end, its repetition.
func (t *timeline) follow(i int) {
	s := t.pending[i]
	t.pending = append(t.pending[:i:i], t.pending[i+1:]...)
	if s.ends {
		return
	}
	if s.For > 0 && (s.Kind == Corrupt || s.Kind == Drift) {
		end := s
		end.At, end.ends = s.At+s.For, true
		t.pending = append(t.pending, end)
	}
	if s.Every > 0 {
		s.At += s.Every
		t.pending = append(t.pending, s)
	}
}
