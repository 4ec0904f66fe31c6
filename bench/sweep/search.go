package sweep

import "slices"

// Search looks for the knee: the largest value that passes. It doubles until one
// fails, halves what lies between, and measures the knee again; one that does not
// hold is a failure, and the search goes on below.
type Search struct {
	// Start is the first value, Max the largest. Both are at least 1.
	Start, Max int
	// Tolerance is how far apart, as a share of the larger, the knee and the least
	// value that fails may be.
	Tolerance float64
	// Repeats is how often the knee is measured again. More than half must pass.
	Repeats int

	passed []int // Rising: those that passed and lie below high.
	high   int   // The least that failed; 0 for none.
	again  int   // How often the knee was measured again,
	held   int   // and passed.
	asked  int
	phase  Phase
}

// Phase is what a value is asked for.
type Phase string

// The phases of a search.
const (
	Doubling  Phase = "double"
	Bisection Phase = "bisect"
	Repeat    Phase = "repeat"
)

// Next is the value to try; false when the search is over. Report follows.
func (s *Search) Next() (value int, phase Phase, more bool) {
	low := s.Knee()
	switch {
	case s.high == 0 && low == 0:
		s.asked, s.phase = min(s.Start, s.Max), Doubling
	case s.high == 0 && low < s.Max:
		s.asked, s.phase = min(2*low, s.Max), Doubling
	case s.high > 0 && !s.close(low):
		s.asked, s.phase = low+(s.high-low)/2, Bisection
	case low > 0 && s.again < s.Repeats:
		s.asked, s.phase = low, Repeat
	default:
		return 0, "", false
	}
	return s.asked, s.phase, true
}

func (s *Search) close(low int) bool {
	return s.high-low <= max(1, int(s.Tolerance*float64(s.high)))
}

// Report says whether the value that Next gave passed.
func (s *Search) Report(pass bool) {
	if s.phase != Repeat {
		if pass {
			s.passed = append(s.passed, s.asked)
			s.again, s.held = 0, 0
			return
		}
		s.high = s.asked
		return
	}
	s.again++
	if pass {
		s.held++
	}
	if 2*(s.again-s.held) >= s.Repeats { // Too many have failed.
		s.high = s.asked
		s.passed = slices.DeleteFunc(s.passed, func(v int) bool { return v >= s.high })
		s.again, s.held = 0, 0
	}
}

// Knee is the largest value that passed; 0 for none.
func (s *Search) Knee() int {
	if len(s.passed) == 0 {
		return 0
	}
	return s.passed[len(s.passed)-1]
}

// Failed is the least value that failed; 0 if none did up to Max.
func (s *Search) Failed() int { return s.high }
