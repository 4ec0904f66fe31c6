package impair

import (
	"math"
	"math/rand/v2"
	"time"
)

// dice are the chances of one direction: a sequence of its own for each stage,
// so that no stage shifts another's.
type dice struct {
	state, loss, jitter, reorder, duplicate *rand.Rand
}

// newDice makes the dice of a stream, the number of a direction, from a seed.
func newDice(seed, stream uint64) dice {
	stage := func(n uint64) *rand.Rand {
		return rand.New(rand.NewPCG(scramble(seed), scramble(stream<<8|n)))
	}
	return dice{stage(1), stage(2), stage(3), stage(4), stage(5)}
}

// scramble makes neighbours differ in all bits (the finaliser of splitmix64):
// PCG sequences of neighbouring seeds start alike.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// roll is what one packet rolled, each from 0 up to 1.
type roll struct {
	state, loss, jitter, reorder, duplicate float64
}

// next rolls for the next packet: all of them, whether they are asked or not.
func (d dice) next() roll {
	return roll{d.state.Float64(), d.loss.Float64(), d.jitter.Float64(), d.reorder.Float64(), d.duplicate.Float64()}
}

// below says whether an event of the given chance came.
func (p Percent) below(rolled float64) bool { return rolled < float64(p) }

// paretoShape has a finite variance: what comes very late is seldom, and exists.
const paretoShape = 3.0

// jitter is by how much a packet is later, or earlier, than the delay.
func (p Profile) jitter(rolled float64) time.Duration {
	if p.Jitter == 0 {
		return 0
	}
	var scale float64
	switch p.Distribution {
	case Uniform:
		scale = 2*rolled - 1
	case Pareto:
		// From 0 on, with mean 1: Pareto type II.
		scale = (paretoShape - 1) * (math.Pow(1-rolled, -1/paretoShape) - 1)
	default:
		scale = math.Sqrt2 * math.Erfinv(2*min(max(rolled, 1e-12), 1-1e-12)-1)
	}
	return time.Duration(scale * float64(p.Jitter))
}

// channel is the state of a Gilbert-Elliott model.
type channel struct{ bad bool }

// loses moves the channel on by a packet and says whether it is lost.
func (c *channel) loses(g Gilbert, r roll) bool {
	if c.bad {
		c.bad = !g.R.below(r.state)
	} else {
		c.bad = g.P.below(r.state)
	}
	if c.bad {
		return g.Bad.below(r.loss)
	}
	return g.Good.below(r.loss)
}
