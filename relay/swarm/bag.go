package swarm

// A member is in several bags at once; each kind of bag has its place in
// member.at.
const (
	bagAll = iota
	bagASN
	bagRegion
	bagCountry
	bagKinds
	// Those with a free slot, everybody, and the edge-fed of each sub-stream.
	bagFree    = 0
	bagPresent = bagKinds
	bagRoots   = 2 * bagKinds
	bagCount   = bagRoots + maxSubs
)

// bag is a set of members that one can be drawn from at random: order depends on
// what was put in and taken out only, so runs repeat.
type bag struct {
	kind  int
	items []*member
}

func (b *bag) has(m *member) bool { return m.at[b.kind] > 0 }

func (b *bag) put(m *member) {
	if m.at[b.kind] == 0 {
		b.items = append(b.items, m)
		m.at[b.kind] = len(b.items)
	}
}

func (b *bag) take(m *member) {
	i := m.at[b.kind] - 1
	if i < 0 {
		return
	}
	last := len(b.items) - 1
	b.items[i] = b.items[last]
	b.items[i].at[b.kind] = i + 1
	b.items[last] = nil
	b.items = b.items[:last]
	m.at[b.kind] = 0
}

// index finds members that are near.
type index struct {
	base    int
	all     bag
	asn     map[uint32]*bag
	region  map[string]*bag
	country map[string]*bag
}

func newIndex(base int) index {
	return index{
		base: base, all: bag{kind: base + bagAll},
		asn: map[uint32]*bag{}, region: map[string]*bag{}, country: map[string]*bag{},
	}
}

func (x *index) put(m *member) {
	x.all.put(m)
	p := &m.profile
	putIn(x.asn, p.ASN, p.ASN != 0, x.base+bagASN, m)
	putIn(x.region, p.Country+"/"+p.Region, p.Region != "", x.base+bagRegion, m)
	putIn(x.country, p.Country, p.Country != "", x.base+bagCountry, m)
}

func (x *index) take(m *member) {
	x.all.take(m)
	p := &m.profile
	takeOut(x.asn, p.ASN, m)
	takeOut(x.region, p.Country+"/"+p.Region, m)
	takeOut(x.country, p.Country, m)
}

// near gives the bags a member's neighbours are in, the nearest first.
func (x *index) near(m *member) [bagKinds]*bag {
	p := &m.profile
	return [bagKinds]*bag{x.asn[p.ASN], x.region[p.Country+"/"+p.Region], x.country[p.Country], &x.all}
}

func putIn[K comparable](bags map[K]*bag, key K, known bool, kind int, m *member) {
	if !known {
		return
	}
	b := bags[key]
	if b == nil {
		b = &bag{kind: kind}
		bags[key] = b
	}
	b.put(m)
}

func takeOut[K comparable](bags map[K]*bag, key K, m *member) {
	b := bags[key]
	if b == nil {
		return
	}
	b.take(m)
	if len(b.items) == 0 {
		delete(bags, key)
	}
}
