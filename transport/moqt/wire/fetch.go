package wire

import "github.com/freshet-live/freshet/relay"

// FetchType says how a Fetch names its range ("FETCH").
type FetchType uint64

// The types of drafts 16 and 18.
const (
	StandaloneFetch      FetchType = 0x1
	RelativeJoiningFetch FetchType = 0x2
	AbsoluteJoiningFetch FetchType = 0x3
)

// Fetch asks for objects of the past. A standalone fetch has Track, Start and
// End; a joining one has JoiningID, the subscription's Request ID, and
// JoiningStart. End is exclusive in Object, and Object zero means the whole of
// End.Group.
type Fetch struct {
	RequestID    uint64
	Type         FetchType
	Track        TrackName
	Start, End   Location
	JoiningID    uint64
	JoiningStart uint64
	Params       Params
}

func layoutFetch(c *coder, m *Fetch) {
	c.varint(&m.RequestID)
	layoutFetchRange(c, m)
	c.params(&m.Params, KindFetch)
}

// layoutFetch16 also reads the layout of draft 14, which has Subscriber Priority
// and Group Order before the Fetch Type: Shaka Player 5.2.12 and
// Eyevinn/moqtransport 0.9.0 send it at draft 16. A message is read so only if
// draft 16 cannot read it to its end; it would close the session.
func layoutFetch16(c *coder, m *Fetch) {
	if c.writing {
		layoutFetch(c, m)
		return
	}
	old := coder{d: c.d, buf: c.buf}
	if layoutFetch(c, m); c.err == nil && len(c.buf) == 0 {
		return
	}
	var again Fetch
	if layoutFetch14(&old, &again); old.err == nil && len(old.buf) == 0 {
		*m, *c = again, old
	}
}

func layoutFetch14(c *coder, m *Fetch) {
	var priority, order uint8
	c.varint(&m.RequestID)
	c.uint8(&priority)
	c.uint8(&order)
	layoutFetchRange(c, m)
	c.params(&m.Params, KindFetch)
	if order > Descending {
		c.fail(Violation("group order %d", order))
	}
	if m.Params.SubscriberPriority == nil {
		m.Params.SubscriberPriority = &priority
	}
	if m.Params.GroupOrder == nil && order != 0 {
		m.Params.GroupOrder = &order
	}
}

func layoutFetchRange(c *coder, m *Fetch) {
	c.varint((*uint64)(&m.Type))
	switch m.Type {
	case StandaloneFetch:
		c.trackName(&m.Track)
		c.location(&m.Start)
		c.location(&m.End)
	case RelativeJoiningFetch, AbsoluteJoiningFetch:
		c.varint(&m.JoiningID)
		c.varint(&m.JoiningStart)
	default:
		c.fail(Violation("fetch type %#x", uint64(m.Type)))
	}
}

// StreamFetch is the type of a fetch stream ("Unidirectional Stream Types").
const StreamFetch = 0x5

// Serialization Flags of an object on a fetch stream ("Flags").
const (
	fetchSubgroupMask   = 0x03
	fetchSubgroupPrior  = 0x01
	fetchSubgroupNext   = 0x02
	fetchSubgroupGiven  = 0x03
	fetchObject         = 0x04
	fetchGroup          = 0x08
	fetchPriority       = 0x10
	fetchProperties     = 0x20
	fetchDatagram       = 0x40
	fetchNonExistentEnd = 0x8C
	fetchUnknownEnd     = 0x10C
)

// FetchCursor remembers what the next object on a fetch stream may refer to.
// Its zero value is the start of an ascending stream.
type FetchCursor struct {
	Descending bool

	started  bool // A location went before.
	object   bool // An object went before: subgroup and priority count.
	prior    Location
	subgroup uint64
	priority uint8
}

// Within tells whether the last object was of a group.
func (cur *FetchCursor) Within(group uint64) bool { return cur.started && cur.prior.Group == group }

// AppendFetchHeader appends the header of a fetch stream.
func (d *Dialect) AppendFetchHeader(b []byte, requestID uint64) []byte {
	return d.varint.append(d.varint.append(b, StreamFetch), requestID)
}

// AppendFetchObject appends what goes before the payload of an object of a
// group, with its length.
func (d *Dialect) AppendFetchObject(b []byte, cur *FetchCursor, group uint64, o *relay.Object) []byte {
	newGroup := !cur.started || group != cur.prior.Group
	flags := fetchFlags(cur, newGroup, o)
	b = d.varint.append(b, flags)
	if newGroup {
		b = d.varint.append(b, d.fetchIDs.groupField(cur, group))
	}
	if !o.Datagram && flags&fetchSubgroupMask == fetchSubgroupGiven {
		b = d.varint.append(b, o.Subgroup)
	}
	if flags&fetchObject != 0 {
		b = d.varint.append(b, d.fetchIDs.objectField(cur, o.ID, newGroup))
	}
	if flags&fetchPriority != 0 {
		b = append(b, o.Priority)
	}
	if flags&fetchProperties != 0 {
		b = d.appendProperties(b, o.Properties)
	}
	cur.started, cur.object = true, true
	cur.prior, cur.priority = Location{Group: group, Object: o.ID}, o.Priority
	return d.varint.append(b, uint64(o.Size))
}

// LastObject is the largest object ID that every draft can say.
const LastObject = 1<<62 - 1

// AppendFetchUnknown appends the mark that nothing is known of what is between the
// object before and a location, inclusive, in a group behind it: draft 18 cannot say so
// of one in the same group ("End of Range").
func (d *Dialect) AppendFetchUnknown(b []byte, cur *FetchCursor, at Location) []byte {
	b = d.varint.append(b, fetchUnknownEnd)
	b = d.varint.append(b, d.fetchIDs.groupField(cur, at.Group))
	b = d.varint.append(b, d.fetchIDs.objectField(cur, at.Object, true))
	cur.started, cur.prior = true, at
	return b
}

func fetchFlags(cur *FetchCursor, newGroup bool, o *relay.Object) uint64 {
	flags := uint64(0)
	switch {
	case o.Datagram:
		flags = fetchDatagram
	case o.Subgroup != 0:
		flags = fetchSubgroupGiven
	}
	if newGroup {
		flags |= fetchGroup | fetchObject
	} else if o.ID != cur.prior.Object+1 {
		flags |= fetchObject
	}
	if !cur.object || o.Priority != cur.priority {
		flags |= fetchPriority
	}
	if len(o.Properties) > 0 {
		flags |= fetchProperties
	}
	return flags
}

// fetchIDs is how a draft codes the IDs on a fetch stream: the values of the
// fields, and back.
type fetchIDs struct {
	groupField  func(cur *FetchCursor, group uint64) uint64
	objectField func(cur *FetchCursor, object uint64, newGroup bool) uint64
	group       func(cur *FetchCursor, field uint64) (uint64, bool)
	object      func(cur *FetchCursor, field uint64, newGroup bool) (uint64, bool)
}

// absoluteIDs is the coding of draft 16.
var absoluteIDs = fetchIDs{
	groupField:  func(_ *FetchCursor, group uint64) uint64 { return group },
	objectField: func(_ *FetchCursor, object uint64, _ bool) uint64 { return object },
	group:       func(_ *FetchCursor, field uint64) (uint64, bool) { return field, true },
	object:      func(_ *FetchCursor, field uint64, _ bool) (uint64, bool) { return field, true },
}

// deltaIDs is the coding of draft 18: distances from the prior object, where a
// group's is one less because it cannot be zero.
var deltaIDs = fetchIDs{
	groupField: func(cur *FetchCursor, group uint64) uint64 {
		switch {
		case !cur.started:
			return group
		case cur.Descending:
			return cur.prior.Group - group - 1
		}
		return group - cur.prior.Group - 1
	},
	objectField: func(cur *FetchCursor, object uint64, newGroup bool) uint64 {
		if newGroup {
			return object
		}
		return object - cur.prior.Object
	},
	group: func(cur *FetchCursor, field uint64) (uint64, bool) {
		switch {
		case !cur.started:
			return field, true
		case cur.Descending:
			return cur.prior.Group - field - 1, field < cur.prior.Group
		}
		g := cur.prior.Group + field + 1
		return g, g > cur.prior.Group
	},
	object: func(cur *FetchCursor, field uint64, newGroup bool) (uint64, bool) {
		if newGroup {
			return field, true
		}
		o := cur.prior.Object + field
		return o, o >= cur.prior.Object
	},
}
