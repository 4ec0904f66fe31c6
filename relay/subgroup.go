package relay

import (
	"bytes"
	"fmt"
)

const (
	// maxObjects bounds the objects of one group: an hour of 240 pictures per
	// second. A publisher that never starts a group ends there.
	maxObjects = 1 << 20
	// firstFill is the most that is set aside for an object before its bytes
	// come.
	firstFill = 64 << 10
)

// Subgroup is the way of one subgroup's objects into a Group: that of one stream
// after the other, if the first one breaks. It is used by one goroutine at a
// time.
type Subgroup struct {
	g  *Group
	id uint64

	suspended bool // Guarded by g.mu. Its feeder has gone; another may go on.
	ended     bool // Guarded by g.mu.
}

// OpenSubgroup gives the way into a subgroup: a new one, or one that was
// suspended. One that is being fed gives ErrExists, ErrClosed says that the group
// has ended.
func (g *Group) OpenSubgroup(id uint64) (*Subgroup, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	if s, ok := g.open[id]; ok {
		if !s.suspended {
			return nil, fmt.Errorf("subgroup %d: %w", id, ErrExists)
		}
		delete(g.open, id)
		s.ended = true
	}
	s := &Subgroup{g: g, id: id}
	if g.open == nil {
		g.open = make(map[uint64]*Subgroup)
	}
	g.open[id] = s
	return s, nil
}

// Suspend leaves the subgroup as it is, for somebody to go on with it: readers
// keep waiting for the rest.
func (s *Subgroup) Suspend() {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	s.suspended = true
}

// End ends the subgroup. whole says that it has all of its objects, last that
// the group has, too.
func (s *Subgroup) End(whole, last bool) {
	g := s.g
	g.mu.Lock()
	if s.ended || g.closed {
		g.mu.Unlock()
		return
	}
	s.ended = true
	delete(g.open, s.id)
	for i := range g.objects {
		if o := &g.objects[i]; o.state == objectGrowing && o.Subgroup == s.id && !o.Datagram {
			o.state, whole = objectAborted, false
		}
	}
	g.ends = append(g.ends, subgroupEnd{after: len(g.objects), subgroup: s.id, whole: whole})
	if whole && last && len(g.open) == 0 {
		g.closeLocked(g.cutLocked())
	}
	g.mu.Unlock()
	g.track.wake()
	if g.track.newest() != g {
		g.settle()
	}
}

// cutLocked tells whether a subgroup was cut short. Guarded by mu.
func (g *Group) cutLocked() bool {
	for _, e := range g.ends {
		if !e.whole {
			return true
		}
	}
	return false
}

// Insert adds a whole object, which is of this subgroup; see Group.Insert.
func (s *Subgroup) Insert(o Object) error {
	o.Subgroup = s.id
	return s.g.Insert(o)
}

// Open starts an object of o.Size bytes whose payload will come piece by piece.
// One that is there already, whole or in part, is compared with what comes.
func (s *Subgroup) Open(o Object) (*Filling, error) {
	g := s.g
	o.Subgroup, o.Payload = s.id, nil
	g.mu.Lock()
	if i, ok := g.findLocked(o.ID); ok && g.objects[i].state != objectAborted {
		defer g.mu.Unlock()
		if g.objects[i].Size != o.Size {
			return nil, fmt.Errorf("object %d of %d: %w", o.ID, g.id, ErrMalformed)
		}
		return &Filling{g: g, index: i, size: o.Size}, nil
	}
	if err := g.addLocked(o, objectGrowing); err != nil {
		g.mu.Unlock()
		return nil, err
	}
	f := &Filling{g: g, index: len(g.objects) - 1, size: o.Size}
	g.mu.Unlock()
	g.track.wake()
	return f, nil
}

// Filling is an object that is arriving.
type Filling struct {
	g     *Group
	index int
	size  int
	seen  int // Bytes written, those that were there already among them.
}

// Write adds payload and wakes the readers. It copies b. What was there already
// must be the same: ErrMalformed.
func (f *Filling) Write(b []byte) (int, error) {
	g := f.g
	g.mu.Lock()
	o := &g.objects[f.index]
	switch {
	case f.seen+len(b) > f.size:
		g.mu.Unlock()
		return 0, fmt.Errorf("object %d: more than its %d bytes: %w", o.ID, f.size, ErrMalformed)
	case o.state == objectAborted:
		g.mu.Unlock()
		return 0, ErrClosed
	}
	rest := b
	if known := o.Payload[min(f.seen, len(o.Payload)):]; len(known) > 0 {
		n := min(len(known), len(b))
		if !bytes.Equal(known[:n], b[:n]) {
			g.mu.Unlock()
			return 0, fmt.Errorf("object %d: %w", o.ID, ErrMalformed)
		}
		rest = b[n:]
	}
	f.seen += len(b)
	o.Payload = fill(o.Payload, rest, f.size)
	counted := g.countLocked(len(rest))
	g.mu.Unlock()
	if len(rest) > 0 {
		g.track.appended(counted)
	}
	return len(b), nil
}

// fill appends without moving what readers hold: a larger buffer is a new one.
func fill(payload, b []byte, size int) []byte {
	need := len(payload) + len(b)
	if need <= cap(payload) {
		return append(payload, b...)
	}
	room := min(size, max(2*cap(payload), need, firstFill))
	larger := make([]byte, len(payload), room)
	copy(larger, payload)
	return append(larger, b...)
}

// Close says that all has come; ErrMalformed when it has not. now is when the
// object is complete, for metrics.
func (f *Filling) Close() error {
	g := f.g
	g.mu.Lock()
	o := &g.objects[f.index]
	if f.seen < f.size {
		o.state = objectAborted
		g.mu.Unlock()
		g.track.wake()
		return fmt.Errorf("object %d: %d of %d bytes: %w", o.ID, f.seen, f.size, ErrMalformed)
	}
	if o.state == objectGrowing {
		o.state, o.Complete = objectWhole, g.track.now()
	}
	g.mu.Unlock()
	g.track.wake()
	return nil
}

// Abort says that the rest will not come.
func (f *Filling) Abort() {
	f.g.mu.Lock()
	o := &f.g.objects[f.index]
	if o.state == objectGrowing {
		o.state = objectAborted
	}
	f.g.mu.Unlock()
	f.g.track.wake()
}
