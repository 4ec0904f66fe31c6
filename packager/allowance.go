package packager

import "time"

const (
	// headerBurst is how many headers a slot may have at once, and headerEvery
	// how often one more: a producer who switches sources is not held up, but an
	// encoder that changes its parameter sets with every group, there and back,
	// does not make a track and a catalog of each.
	headerBurst = 8
	headerEvery = 5 * time.Second
)

// allowance bounds how often something is done. The zero value allows a burst.
type allowance struct {
	used int
	last time.Time // When one of used was given back.
}

// take asks for one at the time now.
func (a *allowance) take(now time.Time) bool {
	back := int(now.Sub(a.last) / headerEvery)
	if a.used == 0 || back >= a.used {
		a.used, a.last = 0, now
	} else if back > 0 {
		a.used -= back
		a.last = a.last.Add(time.Duration(back) * headerEvery)
	}
	if a.used == headerBurst {
		return false
	}
	a.used++
	return true
}
