package cluster

import "time"

const (
	// stepUpAfter is how long no parent may answer before the next tier is asked, too:
	// shorter stalls are the network's, and cost every node above a session.
	stepUpAfter = time.Second
	// stepDownAfter is how long the preferred parents have to do well before the next
	// tier is left: one that comes and goes is not worth a move each time.
	stepDownAfter = 10 * time.Second
)

// stepUp says whether the next tier is used beside the preferred parents.
type stepUp struct {
	up    bool
	since time.Time // Since when what is seen calls for the other; zero while it does not.
}

// observe takes what is seen now: whether the preferred parents fail, and whether they
// could serve all alone. Between these two all stays as it is.
func (s *stepUp) observe(now time.Time, fail, suffice bool) (up bool) {
	change, after := fail, stepUpAfter
	if s.up {
		change, after = suffice && !fail, stepDownAfter
	}
	switch {
	case !change:
		s.since = time.Time{}
	case s.since.IsZero():
		s.since = now
	case now.Sub(s.since) >= after:
		s.up, s.since = !s.up, time.Time{}
	}
	return s.up
}
