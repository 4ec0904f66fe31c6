package interop

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt"
)

// mediaTrack is the track of the data cases.
const mediaTrack = "objects"

// source is a publisher of one track that remembers what it published. The first
// error sticks.
type source struct {
	client *moqt.Client
	track  *relay.Track
	sent   []sent
	err    error
}

// sent is an object that was published.
type sent struct {
	group  uint64
	object relay.Object
}

// newSource connects a publisher whose namespace nobody knows of yet.
func newSource(e *env) (*source, error) {
	r := relay.New(relay.Config{})
	b, err := r.Publish(e.ns)
	if err != nil {
		return nil, err
	}
	s := &source{}
	if s.track, err = b.NewTrack(mediaTrack, relay.TrackConfig{Window: time.Minute, Properties: true}); err != nil {
		return nil, err
	}
	if s.client, err = e.publisher(r); err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	return s, nil
}

// announced connects a publisher and offers its namespace.
func announced(e *env) (*source, error) {
	s, err := newSource(e)
	if err != nil {
		return nil, err
	}
	if _, err := s.client.PublishNamespace(e.ctx, e.ns); err != nil {
		return nil, fmt.Errorf("PUBLISH_NAMESPACE: %w", err)
	}
	return s, nil
}

// payload gives the bytes of an object: both ends know them.
func payload(group, object uint64, size int) []byte {
	random := rand.NewPCG(group, object)
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(random.Uint64())
	}
	return b
}

// lane is a subgroup of the source.
type lane struct {
	s        *source
	group    uint64
	subgroup uint64
	to       *relay.Subgroup
	priority uint8
	begun    bool
}

// lane begins a subgroup; last says that it holds the group's last object.
func (s *source) lane(group, subgroup uint64, priority uint8, last bool) *lane {
	l := &lane{s: s, group: group, subgroup: subgroup, priority: priority}
	if g := s.group(group); g != nil {
		l.to, s.err = g.OpenSubgroup(relay.SubgroupConfig{ID: subgroup, Last: last})
	}
	return l
}

func (s *source) group(id uint64) (g *relay.Group) {
	if s.err == nil {
		g, s.err = s.track.OpenGroup(id)
	}
	return g
}

// put publishes an object of a size.
func (l *lane) put(id uint64, size int, properties ...relay.Property) {
	l.add(relay.Object{ID: id, Payload: payload(l.group, id, size), Properties: properties})
}

// status publishes what is no object but marks an end ("Object Status").
func (l *lane) status(id uint64, status relay.Status) {
	l.add(relay.Object{ID: id, Status: status})
}

func (l *lane) add(o relay.Object) {
	if l.s.err != nil {
		return
	}
	o.Subgroup, o.Priority, o.Complete = l.subgroup, l.priority, time.Now()
	o.First = !l.begun
	l.begun = true
	l.s.sent = append(l.s.sent, sent{l.group, o})
	l.s.err = l.to.Insert(o)
}

// end closes the subgroup with FIN; reset gives it up.
func (l *lane) end() {
	if l.s.err == nil {
		l.to.End(true)
	}
}

func (l *lane) reset() {
	if l.s.err == nil {
		l.to.End(false)
	}
}

// datagram publishes an object that prefers to travel in one.
func (s *source) datagram(group, id uint64, size int, properties ...relay.Property) {
	g := s.group(group)
	if g == nil {
		return
	}
	o := relay.Object{
		ID: id, Datagram: true, Priority: 9, Payload: payload(group, id, size),
		Properties: properties, Complete: time.Now(),
	}
	s.sent = append(s.sent, sent{group, o})
	s.err = g.Insert(o)
}

// simple publishes a group of n objects in one subgroup.
func (s *source) simple(group uint64, n int) {
	l := s.open(group, n)
	l.end()
}

// open publishes a group of n objects and leaves it open.
func (s *source) open(group uint64, n int) *lane {
	l := s.lane(group, 0, 128, true)
	for id := range n {
		l.put(uint64(id), 200)
	}
	return l
}
