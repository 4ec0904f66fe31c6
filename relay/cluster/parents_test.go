package cluster_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/freshet-live/freshet/relay/cluster"
)

// chooser knows the distances of some nodes.
func chooser(classes map[string]int) *cluster.Chooser {
	return &cluster.Chooser{Distance: func(n cluster.Node) (int, bool) {
		class, ok := classes[n.ID]
		return class, ok
	}}
}

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
		{"an edge has the best three mids", append(mids, origins...), edge, []string{"idle 3", "fair 4", "busy 6"}},
		{"a full mid is better than another region", mids[:2], edge, []string{"busy 6", "far 23"}},
		{"without mids, the origins", append(origins, edge), edge, []string{"o1 3", "o2 23"}},
		{"a mid has every origin", append(mids, origins...), mids[0], []string{"o2 3", "o1 23"}},
		{"an origin has none", append(mids, origins...), origins[0], nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range chooser(nil).Parents(tt.nodes, tt.self) {
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
		first[chooser(nil).Parents(mids, cluster.Node{ID: fmt.Sprint("e", i), Tier: cluster.TierEdge})[0].ID]++
	}
	for _, m := range mids {
		if n := first[m.ID]; n < 40 || n > 200 {
			t.Errorf("%d of 600 edges have %s first", n, m.ID)
		}
	}
}

// A near mid is better than one that nobody measured, that better than a far one; of
// those that are left out, the ones worth a measurement are told.
func TestParentsByDistance(t *testing.T) {
	var mids []cluster.Node
	for _, id := range []string{"near", "far", "new", "fair", "farther"} {
		mids = append(mids, cluster.Node{ID: id, Tier: cluster.TierMid, URL: "moqt://" + id})
	}
	edge := cluster.Node{ID: "e", Tier: cluster.TierEdge}
	c := chooser(map[string]int{"near": 0, "fair": 2, "far": 5, "farther": 6})
	names := func(list []cluster.Choice) (out []string) {
		for _, choice := range list {
			out = append(out, fmt.Sprint(choice.ID, " ", choice.Cost))
		}
		return out
	}
	if diff := cmp.Diff([]string{"near 0", "fair 2", "new 3"}, names(c.Parents(mids, edge))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"far 5", "farther 6"}, names(c.Unchosen(mids, edge))); diff != "" {
		t.Error(diff)
	}
	mids[0].Load = 1 // As bad as a way 16 times as long.
	if diff := cmp.Diff([]string{"fair 2", "new 3", "near 4"}, names(c.Parents(mids, edge))); diff != "" {
		t.Error(diff)
	}
}

// A load that swings about a step changes nothing; and among equals those that were
// chosen stay.
func TestParentsStay(t *testing.T) {
	mids := []cluster.Node{
		{ID: "a", Tier: cluster.TierMid, URL: "moqt://a", Load: 0.2}, {ID: "b", Tier: cluster.TierMid, URL: "moqt://b", Load: 0.2},
	}
	edge := cluster.Node{ID: "e", Tier: cluster.TierEdge}
	c := chooser(nil)
	want := c.Parents(mids, edge)
	for i := range 20 {
		mids[0].Load, mids[1].Load = 0.2+0.1*float64(i%2), 0.3-0.1*float64(i%2)
		for j, choice := range c.Parents(mids, edge) {
			if choice.ID != want[j].ID || choice.Cost != want[j].Cost {
				t.Fatalf("choice %d is %s at %d", j, choice.ID, choice.Cost)
			}
		}
	}
	mids[0].Load = 0.6
	if got := c.Parents(mids, edge); got[0].ID != "b" || got[1].Cost != want[0].Cost+2 {
		t.Errorf("%+v", got)
	}
	for i := range 20 {
		mids = append(mids, cluster.Node{ID: fmt.Sprint("c", i), Tier: cluster.TierMid, URL: "moqt://c", Load: 0.2})
	}
	for range 20 {
		var got []string
		for _, choice := range c.Parents(mids, edge) {
			got = append(got, choice.ID)
		}
		if !slices.Contains(got, "b") {
			t.Fatalf("b was replaced by its equals %v", got)
		}
		mids = append(mids[1:], mids[0])
	}
}

// parentsOf are the IDs of what is chosen.
func parentsOf(c *cluster.Chooser, nodes []cluster.Node, self cluster.Node) (out []string) {
	for _, choice := range c.Parents(nodes, self) {
		out = append(out, choice.ID)
	}
	return out
}

// Mids that do not answer are tried on beside those that may; when none answers for a
// while the origins are asked, too, until mids have done well for longer.
func TestParentsThatDoNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var nodes []cluster.Node
		for i, id := range []string{"a", "b", "c", "d", "e"} {
			nodes = append(nodes, cluster.Node{ID: id, Tier: cluster.TierMid, URL: "moqt://" + id, Load: 0.25 * float64(i)})
		}
		nodes = append(nodes,
			cluster.Node{ID: "o1", Tier: cluster.TierOrigin, URL: "moqt://o1"},
			cluster.Node{ID: "o2", Tier: cluster.TierOrigin, URL: "moqt://o2", Region: "far"},
		)
		edge := cluster.Node{ID: "edge", Tier: cluster.TierEdge}
		silent, suffice := map[string]bool{}, true
		c := chooser(nil)
		c.Answers = func(n cluster.Node) (ok, known bool) {
			dead, tried := silent[n.ID]
			return !dead, tried || n.ID < "d"
		}
		c.Suffice = func([]cluster.Choice) bool { return suffice }
		expect := func(why string, want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, parentsOf(c, nodes, edge)); diff != "" {
				t.Errorf("%s: %s", why, diff)
			}
		}
		expect("all is well", "a", "b", "c")
		silent["b"] = true
		expect("one is silent", "a", "b", "c", "d")
		for _, id := range []string{"a", "c", "d", "e"} {
			silent[id] = true
		}
		expect("all are silent, just now", "a", "b", "c", "d", "e")
		time.Sleep(900 * time.Millisecond)
		expect("all are silent", "a", "b", "c", "d", "e")
		time.Sleep(100 * time.Millisecond)
		expect("for a second", "a", "b", "c", "d", "e", "o1", "o2")
		clear(silent)
		suffice = false
		expect("they are back", "a", "b", "c", "o1", "o2")
		time.Sleep(time.Minute)
		expect("they are back, and serve less", "a", "b", "c", "o1", "o2")
		suffice = true
		expect("and serve all", "a", "b", "c", "o1", "o2")
		time.Sleep(9 * time.Second)
		suffice = false
		expect("with a break", "a", "b", "c", "o1", "o2")
		suffice = true
		expect("and again", "a", "b", "c", "o1", "o2")
		time.Sleep(9 * time.Second)
		expect("for a while", "a", "b", "c", "o1", "o2")
		time.Sleep(time.Second)
		expect("for ten seconds", "a", "b", "c")
		if c.SteppedUp() {
			t.Error("it says that the origins are used")
		}
	})
}
