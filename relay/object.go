package relay

import (
	"strings"
	"time"
)

// Namespace names a Broadcast. It is the path form of a MoQ Track Namespace:
// the tuple's fields joined by "/", so the tuples ("live", "cam1") and
// ("live/cam1") name one broadcast, as users who type either expect.
type Namespace string

// Fields gives the tuple, one field for each path element.
func (n Namespace) Fields() []string { return strings.Split(string(n), "/") }

// HasPrefix tells whether the tuple starts with all fields of prefix. The
// empty prefix matches every namespace but the hidden ones.
func (n Namespace) HasPrefix(prefix Namespace) bool {
	if prefix == "" {
		return !n.Hidden()
	}
	if n == prefix {
		return true
	}
	return strings.HasPrefix(string(n), string(prefix)+"/")
}

// Hidden tells whether the name is for relays among themselves: its first field
// begins with a dot, and only who asks for that field is told of it.
func (n Namespace) Hidden() bool { return strings.HasPrefix(string(n), ".") }

// Location is the place of an Object in a Track
// (draft-ietf-moq-transport-18, "Location Structure").
type Location struct {
	Group  uint64
	Object uint64
}

// Less orders locations as they were published.
func (l Location) Less(m Location) bool {
	return l.Group < m.Group || l.Group == m.Group && l.Object < m.Object
}

// Object is the unit that is published, cached and delivered
// (draft-ietf-moq-transport-18, "Objects").
type Object struct {
	// Payload is immutable and shared: nobody may write to it. While the object
	// is arriving it holds what has come, of Size bytes in all.
	Payload []byte
	Size    int
	// ID is the Object ID. IDs rise within a subgroup, not always by one.
	ID uint64
	// Subgroup is the Subgroup ID, unless Datagram says that the object is of
	// none and prefers to travel in a datagram.
	Subgroup uint64
	Datagram bool
	// First says that the object is known to be the first of its subgroup.
	First bool
	// Priority is the publisher's, 0 first.
	Priority uint8
	// Status is StatusNormal for objects with a payload, be it empty.
	Status Status
	state  objectState
	// Properties travel with the object and are not looked at. Immutable.
	Properties []Property
	// Complete is when the media in the payload was known to be complete: the
	// start of the delivery latency that metrics report. While the object is
	// arriving it is when that began.
	Complete time.Time
	// Begun is when the first bytes of it came from upstream; zero for an object
	// that was made here.
	Begun time.Time
}

// Whole tells whether all of the payload is there.
func (o *Object) Whole() bool { return o.state == objectWhole }

// same tells whether two can be the one object of an ID, as far as their headers
// say ("Malformed Tracks").
func (o *Object) same(p *Object) bool {
	return o.Size == p.Size && o.Status == p.Status && o.Datagram == p.Datagram &&
		o.Subgroup == p.Subgroup
}

type objectState uint8

const (
	objectWhole objectState = iota
	objectGrowing
	objectAborted // It will not come whole.
)

// Status says what an object without payload means ("Object Status").
type Status uint8

// The statuses.
const (
	StatusNormal     Status = 0x0
	StatusEndOfGroup Status = 0x3
	StatusEndOfTrack Status = 0x4
	// StatusUnknown is of FETCH alone and never in a log: whatever there was
	// before this location, and behind the object before, nobody knows.
	StatusUnknown Status = 0xFF
)

// Property is an Object or Track Property: Int holds the value of an even Type,
// Bytes that of an odd one ("Key-Value-Pair Structure").
type Property struct {
	Type  uint64
	Int   uint64
	Bytes []byte
}
