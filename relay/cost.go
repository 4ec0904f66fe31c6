package relay

// cost is memory that a log holds: payload bytes, and what is kept beside them. Objects
// without payload would be free otherwise, and a publisher can send a million.
type cost struct{ payload, own int }

const (
	// objectOverhead is an Object's struct of 128 bytes, in a slice that grows by a
	// quarter and is found by a map where IDs are no positions.
	objectOverhead = 192
	// groupOverhead is a Group's struct, and its place in the track.
	groupOverhead = 512
	// propertyOverhead is a Property's struct.
	propertyOverhead = 40
)

func (c cost) plus(d cost) cost { return cost{c.payload + d.payload, c.own + d.own} }

func (c cost) minus(d cost) cost { return cost{c.payload - d.payload, c.own - d.own} }

func (c cost) sum() int { return c.payload + c.own }

// ownCost is what an object costs beside its payload.
func (o *Object) ownCost() cost {
	own := objectOverhead
	for i := range o.Properties {
		own += propertyOverhead + len(o.Properties[i].Bytes)
	}
	return cost{own: own}
}

// wholeCost is that of an object whose payload is there.
func (o *Object) wholeCost() cost { return o.ownCost().plus(cost{payload: o.Size}) }
