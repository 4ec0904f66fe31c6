package encoders

import (
	"strings"
	"testing"
	"time"
)

func TestSchedule(t *testing.T) {
	s, err := parseSchedule([]byte("faults:\n  - 30s kill\n  - 40s corrupt 1% for 5s @3\n"))
	if err != nil || len(s.Faults) != 2 || s.Faults[0].At != 30*time.Second || s.Faults[1].Encoder != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	if err := s.Check(2); err == nil || !strings.Contains(err.Error(), "there are 2 encoders") {
		t.Error(err)
	}
	for _, text := range []string{"faults: [30s nap]", "fault: []", "faults: {a: b}", "]"} {
		if _, err := parseSchedule([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func FuzzSchedule(f *testing.F) {
	f.Add([]byte("faults:\n  - 30s kill\n  - 40s corrupt 1% for 5s every 1m @3\n"), int64(5e9))
	f.Fuzz(func(t *testing.T, text []byte, ns int64) {
		starts := time.Duration(ns)
		s, err := parseSchedule(text)
		if err != nil || starts < 0 || starts > longest {
			return
		}
		line := s.timeline(1, 1, starts, chance(1, 1, "churn"))
		last := time.Duration(0)
		for range 1000 {
			step, ok := line.until(time.Minute)
			if !ok {
				return
			}
			if step.At < last {
				t.Fatalf("%v after %v", step.At, last)
			}
			last = step.At
		}
	})
}
