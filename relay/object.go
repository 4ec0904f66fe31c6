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
// empty prefix matches every namespace.
func (n Namespace) HasPrefix(prefix Namespace) bool {
	if prefix == "" || n == prefix {
		return true
	}
	return strings.HasPrefix(string(n), string(prefix)+"/")
}

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

// Object is the unit that is published, cached and delivered. Its ID in the
// Group is its index: a Group has no gaps.
type Object struct {
	// Payload is immutable and shared. Nobody may write to it.
	Payload []byte
	// Complete is when the media in the payload was known to be complete: the
	// start of the delivery latency that metrics report.
	Complete time.Time
}
