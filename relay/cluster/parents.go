package cluster

import (
	"cmp"
	"hash/fnv"
	"maps"
	"slices"
	"time"
)

const (
	// maxParents is how many mids an edge connects to: one to take over, and one while
	// that is being replaced.
	maxParents = 3
	// maxCandidates bounds what is measured, and what is tried.
	maxCandidates = 16
	// loadStep is a difference of Load that counts, as much as a round trip twice as
	// long; loadSlack is how far it has to be beyond.
	loadStep, loadSlack = 0.25, 0.1
	// otherRegion is what it costs to leave the region: more than every load and way.
	otherRegion = 20
	// unmeasured is the distance of a node that nobody has measured: 20 to 40 ms. One
	// that is near is better, one that is known to be far is not.
	unmeasured = 3
)

// Choice is a node to get broadcasts from. Of two that can serve one equally well,
// that with the lower Cost is better.
type Choice struct {
	Node
	Cost int
}

// Chooser chooses the parents of a node. It remembers its choices, so that they do not
// follow every breath of the load. It is used by one goroutine at a time.
type Chooser struct {
	// Distance tells how far a node is, in classes that each double the round trip
	// (routes.Distance); false when that is not known. Set before use.
	Distance func(Node) (class int, known bool)
	// Answers tells whether a node answers; known is false while nobody has tried. The
	// directory may be away, or reach what we cannot. All answer when it is nil.
	Answers func(Node) (ok, known bool)
	// Suffice tells whether these parents can serve all that any parent serves; they can
	// when it is nil.
	Suffice func([]Choice) bool

	steps  map[string]int      // Load by node, in loadSteps.
	chosen map[string]struct{} // The parents of the last choice.
	above  stepUp              // Of an edge, to the origins.
}

// Parents chooses among nodes: for a mid every origin, for an edge the best mids (of its
// region, near, with little load; equal ones are spread by a hash, and those that were
// chosen before stay). Where a mid does not answer, the next best is tried beside it,
// and where none does, or there is none, every origin. Nodes that drain, or say no URL,
// are none.
func (c *Chooser) Parents(nodes []Node, self Node) []Choice {
	var out []Choice
	switch self.Tier {
	case TierEdge:
		out = c.enough(c.rank(nodes, self, TierMid))
		if c.above.observe(time.Now(), !c.serve(out), c.suffice(out)) || len(out) == 0 {
			out = append(out, c.rank(nodes, self, TierOrigin)...)
		}
	case TierMid:
		out = c.rank(nodes, self, TierOrigin)
	case TierOrigin:
	}
	c.remember(nodes, out)
	return out
}

// SteppedUp tells whether origins are used because the mids do not serve.
func (c *Chooser) SteppedUp() bool { return c.above.up }

// Unchosen are the nodes that could have been chosen, had they been nearer.
func (c *Chooser) Unchosen(nodes []Node, self Node) []Choice {
	if self.Tier != TierEdge {
		return nil
	}
	all := c.rank(nodes, self, TierMid)
	all = all[:min(maxCandidates, len(all))]
	return slices.DeleteFunc(all, func(choice Choice) bool {
		_, chosen := c.chosen[choice.ID]
		return chosen
	})
}

// enough are the best mids, until maxParents of them may answer.
func (c *Chooser) enough(mids []Choice) []Choice {
	mids = mids[:min(maxCandidates, len(mids))]
	alive := 0
	for i, m := range mids {
		if ok, known := c.answers(m.Node); ok || !known {
			alive++
		}
		if alive == maxParents {
			return mids[:i+1]
		}
	}
	return mids
}

// serve tells whether one of the parents answers, or may do so.
func (c *Chooser) serve(parents []Choice) bool {
	return slices.ContainsFunc(parents, func(p Choice) bool {
		ok, known := c.answers(p.Node)
		return ok || !known
	})
}

func (c *Chooser) answers(n Node) (ok, known bool) {
	if c.Answers == nil {
		return true, true
	}
	return c.Answers(n)
}

func (c *Chooser) suffice(parents []Choice) bool { return c.Suffice == nil || c.Suffice(parents) }

// remember notes what was chosen, and forgets nodes that are no more.
func (c *Chooser) remember(nodes []Node, out []Choice) {
	c.chosen = make(map[string]struct{}, len(out))
	for _, choice := range out {
		c.chosen[choice.ID] = struct{}{}
	}
	living := make(map[string]struct{}, len(nodes))
	for _, n := range nodes {
		living[n.ID] = struct{}{}
	}
	maps.DeleteFunc(c.steps, func(id string, _ int) bool {
		_, ok := living[id]
		return !ok
	})
}

// rank are the nodes of a tier that can be parents, the best first.
func (c *Chooser) rank(nodes []Node, self Node, tier Tier) []Choice {
	var out []Choice
	for _, n := range nodes {
		if n.Tier != tier || n.URL == "" || n.Drain || n.ID == self.ID {
			continue
		}
		out = append(out, Choice{Node: n, Cost: c.load(n) + c.way(n, self)})
	}
	newcomer := func(n Node) int {
		if _, ok := c.chosen[n.ID]; ok {
			return 0
		}
		return 1
	}
	slices.SortFunc(out, func(a, b Choice) int {
		return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(newcomer(a.Node), newcomer(b.Node)),
			cmp.Compare(weight(self.ID, a.ID), weight(self.ID, b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// load is in steps, and stays where it was while it is near that.
func (c *Chooser) load(n Node) int {
	load := max(n.Load, 0)
	if step, ok := c.steps[n.ID]; ok && load > float64(step)*loadStep-loadSlack && load < float64(step+1)*loadStep+loadSlack {
		return step
	}
	if c.steps == nil {
		c.steps = make(map[string]int)
	}
	step := int(load / loadStep)
	c.steps[n.ID] = step
	return step
}

// way is the cost of the way to a node.
func (c *Chooser) way(n, self Node) int {
	cost, known := c.Distance(n)
	if !known {
		cost = unmeasured
	}
	if n.Region != self.Region {
		cost += otherRegion
	}
	return cost
}

func weight(child, parent string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(child + "\x00" + parent))
	return h.Sum64()
}
