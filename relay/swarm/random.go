package swarm

// random is mulberry32: small, the same in every language that has 32-bit
// integers. It only breaks ties; nothing rests on its quality.
type random uint32

func (r *random) next() uint32 {
	*r += 0x6D2B79F5
	t := uint32(*r)
	t = (t ^ t>>15) * (t | 1)
	t ^= t + (t^t>>7)*(t|61)
	return t ^ t>>14
}

// below draws from 0 to n-1.
func (r *random) below(n int) int { return int(r.next() % uint32(n)) }
