package cluster

import (
	"cmp"
	"hash/fnv"
	"slices"
)

const (
	// maxParents is how many mids an edge connects to: one to take over, and one while
	// that is being replaced.
	maxParents = 3
	// maxCandidates bounds what is measured.
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

	steps  map[string]int      // Load by node, in loadSteps.
	chosen map[string]struct{} // The parents of the last choice.
}

// Parents chooses among nodes: for a mid every origin, for an edge the best mids (of its
// region, near, with little load; equal ones are spread by a hash, and those that were
// chosen before stay) or, where there are none, every origin. Nodes that drain, or say
// no URL, are none.
func (c *Chooser) Parents(nodes []Node, self Node) []Choice {
	out := c.rank(nodes, self)
	if len(out) > 0 && out[0].Tier == TierMid {
		out = out[:min(maxParents, len(out))]
	}
	c.chosen = make(map[string]struct{}, len(out))
	for _, choice := range out {
		c.chosen[choice.ID] = struct{}{}
	}
	return out
}

// Unchosen are the nodes that could have been chosen, had they been nearer.
func (c *Chooser) Unchosen(nodes []Node, self Node) []Choice {
	all := c.rank(nodes, self)
	all = all[:min(maxCandidates, len(all))]
	return slices.DeleteFunc(all, func(choice Choice) bool {
		_, chosen := c.chosen[choice.ID]
		return chosen
	})
}

// rank are the nodes that can be parents, the best first.
func (c *Chooser) rank(nodes []Node, self Node) []Choice {
	if self.Tier == TierEdge {
		if mids := c.tier(nodes, self, TierMid); len(mids) > 0 {
			return mids
		}
	}
	if self.Tier == TierOrigin {
		return nil
	}
	return c.tier(nodes, self, TierOrigin)
}

func (c *Chooser) tier(nodes []Node, self Node, tier Tier) []Choice {
	var out []Choice
	steps := make(map[string]int)
	for _, n := range nodes {
		if n.Tier != tier || n.URL == "" || n.Drain || n.ID == self.ID {
			continue
		}
		steps[n.ID] = c.load(n)
		out = append(out, Choice{Node: n, Cost: steps[n.ID] + c.way(n, self)})
	}
	c.steps = steps
	rank := func(n Node) int {
		if _, ok := c.chosen[n.ID]; ok {
			return 0
		}
		return 1
	}
	slices.SortFunc(out, func(a, b Choice) int {
		return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(rank(a.Node), rank(b.Node)),
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
	return int(load / loadStep)
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
