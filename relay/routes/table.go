package routes

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
)

const (
	// MaxHops bounds the way of a broadcast: origin, mids, edge, with room.
	MaxHops = 8
	// MaxRoutes bounds what one parent may announce.
	MaxRoutes = 10_000
	// MaxSize bounds an announcement in bytes.
	MaxSize = 4 << 20
	maxName = 512
)

// Route says that a parent can serve a broadcast.
type Route struct {
	// Name is the broadcast's.
	Name string `json:"ns"`
	// Epoch rises with each owner of the name; zero when it is not known.
	Epoch uint64 `json:"epoch,omitempty"`
	// Hops are the IDs of the nodes it passes, the origin first.
	Hops []string `json:"hops"`
	// Doubt says that a parent on the way goes away or does not answer: every other
	// way is better.
	Doubt bool `json:"doubt,omitempty"`
	// Ended says that there is no way any more: the origin's publisher has left for
	// good. One whose origin is lost is not announced instead.
	Ended bool `json:"ended,omitempty"`
}

// ErrInvalid is wrapped by the errors of Parse.
var ErrInvalid = errors.New("invalid announcement")

// Parse reads an announcement: a JSON list of routes.
func Parse(b []byte) ([]Route, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrInvalid, len(b))
	}
	var out []Route
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(out) > MaxRoutes {
		return nil, fmt.Errorf("%w: %d routes", ErrInvalid, len(out))
	}
	for _, r := range out {
		if r.Name == "" || len(r.Name) > maxName || len(r.Hops) > MaxHops {
			return nil, fmt.Errorf("%w: name of %d bytes, %d hops", ErrInvalid, len(r.Name), len(r.Hops))
		}
	}
	return out, nil
}

// Encode writes an announcement, ordered by name.
func Encode(list []Route) ([]byte, error) {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Route) int { return cmp.Compare(a.Name, b.Name) })
	if list == nil {
		list = []Route{}
	}
	return json.Marshal(list)
}

// Table holds what the parents announce. It is used by one goroutine at a time.
type Table struct {
	self    string
	parents map[string]*parent
}

type parent struct {
	cost   int
	avoid  bool
	doubt  bool
	routes map[string]Route
}

// NewTable makes the table of the node self.
func NewTable(self string) *Table {
	return &Table{self: self, parents: make(map[string]*parent)}
}

// Set replaces what a parent announces, and what it costs to use it. It gives the
// number of routes that were refused because they have passed this node.
func (t *Table) Set(name string, cost int, list []Route) (loops int) {
	p := &parent{cost: cost, routes: make(map[string]Route, len(list))}
	for _, r := range list {
		if slices.Contains(r.Hops, t.self) {
			loops++
			continue
		}
		if len(r.Hops) < MaxHops {
			p.routes[r.Name] = r
		}
	}
	t.parents[name] = p
	return loops
}

// Cost changes what it costs to use a parent.
func (t *Table) Cost(name string, cost int) {
	if p := t.parents[name]; p != nil {
		p.cost = cost
	}
}

// Avoid says whether every other parent is better than this one. It holds until the
// next Set.
func (t *Table) Avoid(name string, avoid bool) {
	if p := t.parents[name]; p != nil {
		p.avoid = avoid
	}
}

// Doubt is Avoid for a parent that goes away or does not answer, which children are
// told: they may have another way.
func (t *Table) Doubt(name string, doubt bool) {
	if p := t.parents[name]; p != nil {
		p.doubt = doubt
	}
}

// Remove forgets a parent.
func (t *Table) Remove(name string) { delete(t.parents, name) }

// Choice is the best way to a broadcast.
type Choice struct {
	Parent string
	Route  Route
}

// Choices gives the best way to each broadcast that some parent can serve.
func (t *Table) Choices() map[string]Choice {
	out := make(map[string]Choice)
	ways := make(map[string]*parent)
	ended := t.Ended()
	for name, p := range t.parents {
		for ns, r := range p.routes {
			if e, ok := ended[ns]; r.Ended || ok && r.over(e) {
				continue
			}
			c := Choice{Parent: name, Route: r}
			if old, ok := out[ns]; !ok || better(c, p, old, ways[ns]) {
				out[ns], ways[ns] = c, p
			}
		}
	}
	return out
}

// Serves is how many broadcasts a parent can serve.
func (t *Table) Serves(name string) int {
	serves := 0
	if p := t.parents[name]; p != nil {
		for _, r := range p.routes {
			if !r.Ended {
				serves++
			}
		}
	}
	return serves
}

// Suffice tells whether the parents that are told by among have a way, beyond doubt and
// to the newest owner, to each broadcast that some parent can serve.
func (t *Table) Suffice(among func(parent string) bool) bool {
	have := func(name string, epoch uint64) bool {
		for parent, p := range t.parents {
			if r, ok := p.routes[name]; ok && !r.Ended && r.Epoch >= epoch && !p.doubt && !r.Doubt && among(parent) {
				return true
			}
		}
		return false
	}
	for name, c := range t.Choices() {
		if !have(name, c.Route.Epoch) {
			return false
		}
	}
	return true
}

// Ended gives the broadcasts that some parent says have ended, as the newest owner had
// them. What others still announce of the same owner, or of one before, counts no more.
func (t *Table) Ended() map[string]Route {
	out := make(map[string]Route)
	for _, p := range t.parents {
		for ns, r := range p.routes {
			if old, ok := out[ns]; r.Ended && (!ok || cmp.Or(cmp.Compare(r.Epoch, old.Epoch), cmp.Compare(len(old.Hops), len(r.Hops))) > 0) {
				out[ns] = r
			}
		}
	}
	return out
}

// over tells whether a way went with the end of another.
func (r Route) over(ended Route) bool {
	same := len(r.Hops) > 0 && len(ended.Hops) > 0 && r.Hops[0] == ended.Hops[0]
	return same && r.Epoch <= ended.Epoch || r.Epoch != 0 && r.Epoch < ended.Epoch
}

// better orders two ways to one broadcast: the newer owner, then one that is
// not to be avoided, fewer hops, lower cost. What is still equal is settled by a hash, so that children of two equal
// parents spread over them, and each stays with its choice.
func better(a Choice, of *parent, b Choice, other *parent) bool {
	return cmp.Or(
		cmp.Compare(b.Route.Epoch, a.Route.Epoch),
		compareBool(of.avoids(a), other.avoids(b)),
		cmp.Compare(len(a.Route.Hops), len(b.Route.Hops)),
		cmp.Compare(of.cost, other.cost),
		cmp.Compare(weight(a), weight(b)),
		cmp.Compare(a.Parent, b.Parent),
	) < 0
}

func (p *parent) avoids(c Choice) bool { return p.avoid || p.doubt || c.Route.Doubt }

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func weight(c Choice) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(c.Parent + "\x00" + c.Route.Name))
	return h.Sum64()
}

// Passed is what this node announces of an end.
func (t *Table) Passed(r Route) Route {
	r.Hops = append(slices.Clone(r.Hops), t.self)
	return r
}

// Onward is what this node announces of a choice.
func (t *Table) Onward(c Choice) Route {
	r := t.Passed(c.Route)
	if p := t.parents[c.Parent]; p != nil {
		r.Doubt = r.Doubt || p.doubt
	}
	return r
}
