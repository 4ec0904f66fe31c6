package cluster_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/relay/cluster"
)

func TestParents(t *testing.T) {
	at := func(id string, tier cluster.Tier, region string, load float64) cluster.Node {
		return cluster.Node{ID: id, Tier: tier, Region: region, URL: "moqt://" + id, Load: load}
	}
	origins := []cluster.Node{at("o1", cluster.TierOrigin, "eu", 0), at("o2", cluster.TierOrigin, "us", 0)}
	mids := []cluster.Node{
		at("far", cluster.TierMid, "us", 0), at("busy", cluster.TierMid, "eu", 0.9), at("idle", cluster.TierMid, "eu", 0.1),
		at("fair", cluster.TierMid, "eu", 0.3),
		{ID: "dumb", Tier: cluster.TierMid, Region: "eu"},
		{ID: "leaving", Tier: cluster.TierMid, Region: "eu", URL: "moqt://leaving", Drain: true},
	}
	edge := at("e", cluster.TierEdge, "eu", 0)
	for _, tt := range []struct {
		name  string
		nodes []cluster.Node
		self  cluster.Node
		want  []string
	}{
		{"an edge has the best three mids", append(mids, origins...), edge, []string{"idle 0", "fair 1", "busy 3"}},
		{"a full mid is better than one far away", mids[:2], edge, []string{"busy 3", "far 10"}},
		{"without mids, the origins", append(origins, edge), edge, []string{"o1 0", "o2 10"}},
		{"a mid has every origin", append(mids, origins...), mids[0], []string{"o2 0", "o1 10"}},
		{"an origin has none", append(mids, origins...), origins[0], nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range cluster.Parents(tt.nodes, tt.self) {
				got = append(got, fmt.Sprint(c.ID, " ", c.Cost))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Edges spread over mids that are equally good.
func TestParentsAreSpread(t *testing.T) {
	var mids []cluster.Node
	for i := range 6 {
		mids = append(mids, cluster.Node{ID: fmt.Sprint("m", i), Tier: cluster.TierMid, URL: "moqt://m"})
	}
	first := make(map[string]int)
	for i := range 600 {
		first[cluster.Parents(mids, cluster.Node{ID: fmt.Sprint("e", i), Tier: cluster.TierEdge})[0].ID]++
	}
	for _, m := range mids {
		if n := first[m.ID]; n < 40 || n > 200 {
			t.Errorf("%d of 600 edges have %s first", n, m.ID)
		}
	}
}
