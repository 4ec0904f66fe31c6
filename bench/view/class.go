package view

import "math/rand/v2"

// class is what kind of viewer one is.
type class int

const (
	steady class = iota
	slow
	misbehaving
	reference
	classes int = iota
)

func (c class) String() string {
	return [...]string{"steady", "slow", "misbehaving", "reference"}[c]
}

// cast says what each viewer is; 0 of shares is nobody, and any other at least one.
func (c *Config) cast() (of []class, stuck []bool) {
	of, stuck = make([]class, c.Viewers), make([]bool, c.Viewers)
	order := rand.New(rand.NewPCG(c.Seed, 1)).Perm(c.Viewers)
	take := func(share float64) (out []int) {
		n := min(int(share*float64(c.Viewers)+.5), len(order))
		if share > 0 && n == 0 && len(order) > 1 {
			n = 1
		}
		out, order = order[:n], order[n:]
		return out
	}
	for _, i := range take(c.Slow) {
		of[i] = slow
	}
	for _, i := range take(c.Stuck) {
		of[i], stuck[i] = slow, true
	}
	for _, i := range take(c.Misbehave) {
		of[i] = misbehaving
	}
	return of, stuck
}
