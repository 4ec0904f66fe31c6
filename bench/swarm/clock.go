package swarm

import "time"

// clock is virtual time: what is to happen, by time, and where times are equal in the
// order in which it was planned. So a run is a function of its seed.
type clock struct {
	now     time.Duration
	planned uint64
	heap    []happening
	// happened is how much there was, for those who look at speed.
	happened int
}

type happening struct {
	at    time.Duration
	order uint64
	do    func()
}

func (h *happening) before(o *happening) bool {
	return h.at < o.at || h.at == o.at && h.order < o.order
}

// at plans what is to be done at a time; the past is now.
func (c *clock) at(t time.Duration, do func()) {
	c.planned++
	c.heap = append(c.heap, happening{max(t, c.now), c.planned, do})
	c.up(len(c.heap) - 1)
}

// after plans what is to be done in a while.
func (c *clock) after(d time.Duration, do func()) { c.at(c.now+d, do) }

// run lets happen what is planned until a time.
func (c *clock) run(until time.Duration) {
	for len(c.heap) > 0 && c.heap[0].at <= until {
		next := c.pop()
		c.now = next.at
		c.happened++
		next.do()
	}
	c.now = until
}

// ways is how many children a node of the heap has: four are faster than two, as a
// level less is a cache line less.
const ways = 4

func (c *clock) up(i int) {
	h := c.heap[i]
	for i > 0 {
		parent := (i - 1) / ways
		if !h.before(&c.heap[parent]) {
			break
		}
		c.heap[i] = c.heap[parent]
		i = parent
	}
	c.heap[i] = h
}

func (c *clock) pop() happening {
	first := c.heap[0]
	last := len(c.heap) - 1
	moved := c.heap[last]
	c.heap[last] = happening{}
	c.heap = c.heap[:last]
	if last > 0 {
		c.down(moved)
	}
	return first
}

// down puts h where the root is missing.
func (c *clock) down(h happening) {
	i := 0
	for {
		least := c.least(i)
		if least < 0 || h.before(&c.heap[least]) {
			break
		}
		c.heap[i] = c.heap[least]
		i = least
	}
	c.heap[i] = h
}

// least is the earliest child of i, -1 where it has none.
func (c *clock) least(i int) int {
	first := ways*i + 1
	if first >= len(c.heap) {
		return -1
	}
	least := first
	for j := first + 1; j < min(first+ways, len(c.heap)); j++ {
		if c.heap[j].before(&c.heap[least]) {
			least = j
		}
	}
	return least
}
