package cluster

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// maxParents is how many mids an edge connects to: one to take over, and one while
// that is being replaced.
const maxParents = 3

// loadStep is a difference of Load that counts.
const loadStep = 0.25

// Choice is a node to get broadcasts from. Of two that can serve one equally well,
// that with the lower Cost is better.
type Choice struct {
	Node
	Cost int
}

// otherRegion is what it costs to leave the region: more than every load.
const otherRegion = 10

// Parents chooses the parents of self among nodes: for a mid every origin, for an edge
// the best mids (of its region, with little load; equal ones are spread by a hash) or,
// where there are none, every origin. Nodes that drain, or say no URL, are none.
func Parents(nodes []Node, self Node) []Choice {
	if self.Tier == TierEdge {
		if mids := choices(nodes, self, TierMid); len(mids) > 0 {
			return mids[:min(maxParents, len(mids))]
		}
	}
	if self.Tier == TierOrigin {
		return nil
	}
	return choices(nodes, self, TierOrigin)
}

// choices are the nodes of a tier, the best first.
func choices(nodes []Node, self Node, tier Tier) []Choice {
	var out []Choice
	for _, n := range nodes {
		if n.Tier != tier || n.URL == "" || n.Drain || n.ID == self.ID {
			continue
		}
		c := Choice{Node: n, Cost: int(max(n.Load, 0) / loadStep)}
		if n.Region != self.Region {
			c.Cost += otherRegion
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Choice) int {
		return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(weight(self.ID, a.ID), weight(self.ID, b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func weight(child, parent string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(child + "\x00" + parent))
	return h.Sum64()
}
