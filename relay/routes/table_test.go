package routes_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/freshet-live/freshet/relay/routes"
)

func route(epoch uint64, hops ...string) routes.Route {
	return routes.Route{Name: "live/cam1", Epoch: epoch, Hops: hops}
}

func TestBestWay(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b         routes.Route
		costA, costB int
		want         string
	}{
		"fewer hops":           {route(1, "o"), route(1, "o", "m"), 9, 0, "a"},
		"newer owner":          {route(1, "o"), route(2, "p", "m"), 0, 0, "b"},
		"cheaper":              {route(1, "o", "m"), route(1, "o", "n"), 2, 1, "b"},
		"has passed us":        {route(3, "o", "self", "m"), route(1, "o", "n"), 0, 0, "b"},
		"a way in doubt":       {routes.Route{Name: "live/cam1", Epoch: 1, Hops: []string{"o"}, Doubt: true}, route(1, "o", "n"), 0, 9, "b"},
		"equal: always so":     {route(1, "o", "m"), route(1, "o", "n"), 0, 0, "a"},
		"too many hops to add": {route(9, strings.Split("12345678", "")...), route(1, "o", "n"), 0, 0, "b"},
	} {
		table := routes.NewTable("self")
		table.Set("a", tt.costA, []routes.Route{tt.a})
		table.Set("b", tt.costB, []routes.Route{tt.b})
		if got := table.Choices()["live/cam1"].Parent; got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// An end counts against what others still announce of the same owner, or of one before,
// and not against a newer owner.
func TestEndForGood(t *testing.T) {
	over := func(epoch uint64, hops ...string) routes.Route {
		return routes.Route{Name: "live/cam1", Epoch: epoch, Hops: hops, Ended: true}
	}
	for name, tt := range map[string]struct {
		a, b  routes.Route
		want  string // The parent that serves.
		ended bool
	}{
		"said by all":             {over(1, "o", "m"), over(1, "o", "n"), "", true},
		"not heard by the other":  {over(1, "o", "m"), route(1, "o", "n"), "", true},
		"of an older owner":       {over(2, "o", "m"), route(1, "p", "n"), "", true},
		"a newer owner":           {over(1, "o", "m"), route(2, "p", "n"), "b", true},
		"the same origin, later":  {over(1, "o", "m"), route(2, "o", "n"), "b", true},
		"owners without epochs":   {over(0, "o", "m"), route(0, "p", "n"), "b", true},
		"another kind of relay":   {over(3, "o", "m"), route(0, "p"), "b", true},
		"has passed us":           {over(1, "o", "self"), route(1, "o", "n"), "b", false},
		"has passed all it may":   {over(1, strings.Split("o2345678", "")...), route(1, "o", "n"), "b", false},
		"an older end is no news": {over(1, "o", "m"), over(2, "p", "n"), "", true},
	} {
		table := routes.NewTable("self")
		table.Set("a", 0, []routes.Route{tt.a})
		table.Set("b", 0, []routes.Route{tt.b})
		got, ended := table.Ended()["live/cam1"]
		if parent := table.Choices()["live/cam1"].Parent; parent != tt.want || ended != tt.ended {
			t.Errorf("%s: parent %q, ended: %v", name, parent, ended)
		}
		if name == "an older end is no news" && got.Epoch != 2 {
			t.Errorf("%s: epoch %d", name, got.Epoch)
		}
	}
}

func TestParentGone(t *testing.T) {
	table := routes.NewTable("self")
	if n := table.Set("a", 0, []routes.Route{route(1, "o"), route(1, "self")}); n != 1 {
		t.Errorf("%d loops", n)
	}
	table.Set("a", 0, []routes.Route{route(1, "o")})
	onward := table.Onward(table.Choices()["live/cam1"])
	if diff := cmp.Diff(route(1, "o", "self"), onward); diff != "" {
		t.Error(diff)
	}
	table.Doubt("a", true)
	if !table.Onward(table.Choices()["live/cam1"]).Doubt {
		t.Error("children are not told that the way is in doubt")
	}
	table.Remove("a")
	if len(table.Choices()) != 0 {
		t.Error("a route without a parent")
	}
}

// Parents suffice when they have each broadcast, from its newest owner and beyond doubt.
func TestSuffice(t *testing.T) {
	other := routes.Route{Name: "live/cam2", Epoch: 1, Hops: []string{"o"}}
	for name, tt := range map[string]struct {
		a, b  []routes.Route
		doubt bool
		want  bool
	}{
		"nothing is served":     {want: true},
		"all":                   {a: []routes.Route{route(1, "o", "m"), other}, b: []routes.Route{route(1, "o")}, want: true},
		"one is missing":        {a: []routes.Route{route(1, "o", "m")}, b: []routes.Route{route(1, "o"), other}},
		"of an owner before":    {a: []routes.Route{route(1, "o", "m")}, b: []routes.Route{route(2, "o")}},
		"a way that has doubts": {a: []routes.Route{{Name: "live/cam2", Epoch: 1, Doubt: true}}, b: []routes.Route{other}},
		"a parent in doubt":     {a: []routes.Route{other}, b: []routes.Route{other}, doubt: true},
	} {
		table := routes.NewTable("self")
		table.Set("a", 0, tt.a)
		table.Set("b", 0, tt.b)
		table.Doubt("a", tt.doubt)
		if got := table.Suffice(func(parent string) bool { return parent == "a" }); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
		if n := table.Serves("a"); n != len(tt.a) {
			t.Errorf("%s: serves %d", name, n)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no list": `{}`, "no name": `[{"hops":[]}]`, "hops": `[{"ns":"a","hops":["1","2","3","4","5","6","7","8","9"]}]`,
		"length": `["` + strings.Repeat("x", routes.MaxSize) + `"]`, "name": `[{"ns":"` + strings.Repeat("x", 513) + `"}]`,
	} {
		if _, err := routes.Parse([]byte(text)); !errors.Is(err, routes.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`[{"ns":"live/cam1","epoch":7,"hops":["a","b"]}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := routes.Parse(b)
		if err != nil {
			return
		}
		text, err := routes.Encode(list)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := routes.Parse(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	})
}

// graph is a set of nodes that announce to each other in rounds.
type graph struct {
	tables map[string]*routes.Table
	owners map[string]uint64 // Nodes that publish, with their epochs.
	links  map[string][]string
}

// round lets every node hear its parents once, all at the same time.
func (g *graph) round() {
	said := make(map[string][]routes.Route)
	for id := range g.tables {
		said[id] = g.announces(id)
	}
	for id, table := range g.tables {
		for _, parent := range g.links[id] {
			table.Set(parent, 0, said[parent])
		}
	}
}

func (g *graph) announces(id string) []routes.Route {
	if epoch, ok := g.owners[id]; ok {
		return []routes.Route{route(epoch, id)}
	}
	var out []routes.Route
	for _, c := range g.tables[id].Choices() {
		out = append(out, g.tables[id].Onward(c))
	}
	return out
}

// way follows the choices of a node up to an owner.
func (g *graph) way(id string) (hops []string, ok bool) {
	for range len(g.tables) + 1 {
		if _, ok := g.owners[id]; ok {
			return hops, true
		}
		c, ok := g.tables[id].Choices()["live/cam1"]
		if !ok {
			return hops, false
		}
		hops = append(hops, c.Parent)
		id = c.Parent
	}
	return hops, false
}

// Invariants, in any graph, with nodes that vanish under way: after as many rounds
// as there are hops, every choice leads to the newest owner within reach, without a
// loop; and nobody chooses anything when no owner is within reach.
func TestRoutesConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 7).Draw(t, "nodes")
		g := &graph{tables: map[string]*routes.Table{}, owners: map[string]uint64{}, links: map[string][]string{}}
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprintf("n%d", i)
			g.tables[ids[i]] = routes.NewTable(ids[i])
		}
		for _, id := range ids {
			for _, other := range ids {
				if id != other && rapid.Bool().Draw(t, id+" from "+other) {
					g.links[id] = append(g.links[id], other)
				}
			}
		}
		g.owners[ids[0]] = 1
		for range routes.MaxHops + 1 {
			g.round()
		}
		g.check(t)
		if rapid.Bool().Draw(t, "moves") {
			g.owners[ids[1]] = 2
		}
		if rapid.Bool().Draw(t, "owner goes") {
			delete(g.owners, ids[0])
		}
		gone := rapid.SampledFrom(ids).Draw(t, "gone")
		g.remove(gone)
		for range 2*routes.MaxHops + 2 {
			g.round()
		}
		g.check(t)
	})
}

func (g *graph) remove(gone string) {
	delete(g.tables, gone)
	delete(g.owners, gone)
	delete(g.links, gone)
	for id, table := range g.tables {
		table.Remove(gone)
		g.links[id] = slices.DeleteFunc(g.links[id], func(p string) bool { return p == gone })
	}
}

func (g *graph) check(t *rapid.T) {
	for id := range g.tables {
		newest := g.newestWithin(id)
		_, owner := g.owners[id]
		c, chosen := g.tables[id].Choices()["live/cam1"]
		switch {
		case owner:
		case newest == 0 && chosen:
			t.Fatalf("%s goes to %v, which leads nowhere", id, c)
		case newest > 0 && !chosen:
			t.Fatalf("%s has no way to epoch %d", id, newest)
		case newest > 0:
			if hops, ok := g.way(id); !ok {
				t.Fatalf("%s goes round in %v", id, hops)
			}
			if c.Route.Epoch != newest {
				t.Fatalf("%s follows epoch %d, not %d", id, c.Route.Epoch, newest)
			}
		}
	}
}

// newestWithin is the newest epoch that a node can hear of: an owner passes on
// nobody's announcement but its own.
func (g *graph) newestWithin(id string) uint64 {
	seen := map[string]bool{id: true}
	todo := []string{id}
	newest := uint64(0)
	for len(todo) > 0 {
		at := todo[0]
		todo = todo[1:]
		if epoch, ok := g.owners[at]; ok {
			newest = max(newest, epoch)
			continue
		}
		for _, p := range g.links[at] {
			if !seen[p] {
				seen[p] = true
				todo = append(todo, p)
			}
		}
	}
	return newest
}
