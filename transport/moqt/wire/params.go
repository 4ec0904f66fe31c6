package wire

// Params are the Message Parameters of a message; a nil field is not present.
// Durations are in milliseconds ("Message Parameters").
type Params struct {
	DeliveryTimeout         *uint64 // OBJECT_DELIVERY_TIMEOUT from draft 17 on.
	SubgroupDeliveryTimeout *uint64
	RendezvousTimeout       *uint64
	FillTimeout             *uint64
	Expires                 *uint64
	NewGroupRequest         *uint64
	Forward                 *uint8
	SubscriberPriority      *uint8
	GroupOrder              *uint8
	Largest                 *Location
	Filter                  *Filter
	NamespacePrefix         []string
	AuthTokens              [][]byte // Token structures, not looked into here.
}

// Values of GROUP_ORDER.
const (
	Ascending  uint8 = 1
	Descending uint8 = 2
)

// kinds is a set of message kinds.
type kinds uint32

func in(list ...Kind) kinds {
	var k kinds
	for _, kind := range list {
		k |= 1 << kind
	}
	return k
}

// paramSpec describes one parameter of a draft. Tables are ordered by code.
type paramSpec struct {
	code  uint64
	in    kinds // Where it may appear; elsewhere it is a violation.
	count func(*Params) int
	// value walks instance i, which exists when writing and is added when
	// reading.
	value  func(c *coder, p *Params, i int)
	repeat bool
}

// scalar describes a parameter that is a field of Params, walked by value.
func scalar[T any](code uint64, where kinds, field func(*Params) **T, value func(*coder, *T)) paramSpec {
	return paramSpec{
		code: code,
		in:   where,
		count: func(p *Params) int {
			if *field(p) == nil {
				return 0
			}
			return 1
		},
		value: func(c *coder, p *Params, _ int) {
			v := field(p)
			if !c.writing {
				*v = new(T)
			}
			value(c, *v)
		},
	}
}

func authTokens(where kinds) paramSpec {
	return paramSpec{
		code:   0x03,
		in:     where,
		repeat: true,
		count:  func(p *Params) int { return len(p.AuthTokens) },
		value: func(c *coder, p *Params, i int) {
			if !c.writing {
				p.AuthTokens = append(p.AuthTokens, nil)
				i = len(p.AuthTokens) - 1
			}
			c.bytes(&p.AuthTokens[i], maxMessage)
		},
	}
}

func namespacePrefix(where kinds) paramSpec {
	return paramSpec{
		code: 0x34,
		in:   where,
		count: func(p *Params) int {
			if p.NamespacePrefix == nil {
				return 0
			}
			return 1
		},
		value: func(c *coder, p *Params, _ int) { c.namespace(&p.NamespacePrefix) },
	}
}

// params walks the parameters of a message of the given kind.
func (c *coder) params(p *Params, kind Kind) {
	if c.writing {
		c.writeParams(p)
		return
	}
	var n, code uint64
	c.varint(&n)
	last := -1
	for i := uint64(0); i < n && c.err == nil; i++ {
		c.typeDelta(&code)
		if c.err != nil {
			return
		}
		last = c.readParam(p, kind, code, last)
	}
}

// readParam reads one parameter and gives its index in the table.
func (c *coder) readParam(p *Params, kind Kind, code uint64, last int) int {
	for i := range c.d.params {
		spec := &c.d.params[i]
		if spec.code != code {
			continue
		}
		if i == last && !spec.repeat {
			c.fail(Violation("parameter %#x twice", code))
		}
		if c.d.strictParams && spec.in&(1<<kind) == 0 {
			c.fail(Violation("parameter %#x in %s", code, kind))
		}
		if c.err == nil {
			spec.value(c, p, 0)
		}
		return i
	}
	c.fail(Violation("unknown parameter %#x in %s", code, kind))
	return last
}

func (c *coder) writeParams(p *Params) {
	var n, previous uint64
	for i := range c.d.params {
		n += uint64(c.d.params[i].count(p))
	}
	c.varint(&n)
	for i := range c.d.params {
		spec := &c.d.params[i]
		for j := range spec.count(p) {
			delta := spec.code - previous
			c.varint(&delta)
			previous = spec.code
			spec.value(c, p, j)
		}
	}
}

// The walks of single values.

func walkVarint(c *coder, v *uint64) { c.varint(v) }

func walkNonZero(c *coder, v *uint64) {
	c.varint(v)
	if *v == 0 {
		c.fail(Violation("delivery timeout of zero"))
	}
}

func walkUint8(c *coder, v *uint8)       { c.uint8(v) }
func walkVarint8(c *coder, v *uint8)     { c.varint8(v) }
func walkLocation(c *coder, l *Location) { c.location(l) }

func walkPrefixedLocation(c *coder, l *Location) {
	c.prefixed(func(c *coder) { c.location(l) })
}

// bounded limits a walk to the values from least to most.
func bounded(walk func(*coder, *uint8), least, most uint8) func(*coder, *uint8) {
	return func(c *coder, v *uint8) {
		walk(c, v)
		if c.err == nil && (*v < least || *v > most) {
			c.fail(Violation("parameter value %d is out of range", *v))
		}
	}
}

// The fields of Params, for the tables.

func deliveryTimeout(p *Params) **uint64         { return &p.DeliveryTimeout }
func subgroupDeliveryTimeout(p *Params) **uint64 { return &p.SubgroupDeliveryTimeout }
func rendezvousTimeout(p *Params) **uint64       { return &p.RendezvousTimeout }
func fillTimeout(p *Params) **uint64             { return &p.FillTimeout }
func expires(p *Params) **uint64                 { return &p.Expires }
func newGroupRequest(p *Params) **uint64         { return &p.NewGroupRequest }
func forward(p *Params) **uint8                  { return &p.Forward }
func subscriberPriority(p *Params) **uint8       { return &p.SubscriberPriority }
func groupOrder(p *Params) **uint8               { return &p.GroupOrder }
func largest(p *Params) **Location               { return &p.Largest }
func filter(p *Params) **Filter                  { return &p.Filter }
