package relay

import "fmt"

// SubgroupConfig describes a subgroup as its stream's header does ("Subgroup
// Header").
type SubgroupConfig struct {
	ID uint64
	// Last says that the group's last object is in this subgroup.
	Last bool
	// Yields lets another feeder take over at any time: who brings the past of a
	// subgroup is not in the way of who goes on with it.
	Yields bool
}

// Subgroup is the way of one subgroup's objects into a Group: that of one stream
// or, if it breaks, of one stream after the other. It is used by one goroutine at
// a time.
type Subgroup struct {
	g  *Group
	id uint64

	yields    bool // Set by OpenSubgroup, then read-only.
	suspended bool // Guarded by g.mu. Its feeder has gone; another may go on.
	ended     bool // Guarded by g.mu.
}

// OpenSubgroup gives the way into a subgroup: a new one, or one that was
// suspended, or whose feeder yields. Another that is being fed gives ErrExists;
// ErrClosed says that the group has ended.
func (g *Group) OpenSubgroup(cfg SubgroupConfig) (*Subgroup, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	if s, ok := g.open[cfg.ID]; ok {
		if !s.suspended && !s.yields {
			return nil, fmt.Errorf("subgroup %d: %w", cfg.ID, ErrExists)
		}
		s.ended = true
	}
	if cfg.Last {
		g.last.id, g.last.known = cfg.ID, true
	}
	if g.open == nil {
		g.open = make(map[uint64]*Subgroup)
	}
	s := &Subgroup{g: g, id: cfg.ID, yields: cfg.Yields}
	g.open[cfg.ID] = s
	return s, nil
}

// Suspend leaves the subgroup as it is, for somebody to go on with it after the
// feeder was lost: readers keep waiting for the rest.
func (s *Subgroup) Suspend() {
	s.g.mu.Lock()
	s.suspended = true
	s.g.mu.Unlock()
	s.g.track.wake()
}

// End ends the subgroup; whole says that all of its objects came. If it is the
// group's last, the group is closed when nothing else is missing.
func (s *Subgroup) End(whole bool) {
	g := s.g
	g.mu.Lock()
	if s.ended || g.closed {
		g.mu.Unlock()
		return
	}
	s.ended = true
	delete(g.open, s.id)
	if g.abortLocked(s.id) {
		whole = false
	}
	g.ends = append(g.ends, subgroupEnd{after: len(g.objects), subgroup: s.id, whole: whole})
	if whole && g.last.known && g.last.id == s.id {
		g.last.ended = true
	}
	g.finishLocked()
	g.mu.Unlock()
	g.track.wake()
	if n := g.track.newerThan(g); n > 0 {
		g.overtake(n, g.track.now())
	}
}

// abortLocked gives up what is arriving of a subgroup. Guarded by mu.
func (g *Group) abortLocked(subgroup uint64) (some bool) {
	for i := range g.objects {
		if o := &g.objects[i]; o.state == objectGrowing && o.Subgroup == subgroup && !o.Datagram {
			o.state, some = objectAborted, true
		}
	}
	return some
}

// Insert adds a whole object of this subgroup; see Group.Insert.
func (s *Subgroup) Insert(o Object) error {
	o.Subgroup = s.id
	return s.g.Insert(o)
}

// Open starts an object of o.Size bytes whose payload will come piece by piece.
// One that is there already, whole or in part, is compared with what comes, so
// that an object that broke off goes on where it was.
func (s *Subgroup) Open(o Object) (*Filling, error) {
	g := s.g
	o.Subgroup, o.Payload = s.id, nil
	g.mu.Lock()
	if i, ok := g.findLocked(o.ID); ok && g.objects[i].state != objectAborted {
		defer g.mu.Unlock()
		if !g.objects[i].same(&o) {
			return nil, fmt.Errorf("object %d of group %d: %w", o.ID, g.id, ErrMalformed)
		}
		return &Filling{g: g, index: i, size: o.Size}, nil
	}
	if err := g.addLocked(&o, objectGrowing); err != nil {
		g.mu.Unlock()
		return nil, err
	}
	f := &Filling{g: g, index: len(g.objects) - 1, size: o.Size}
	counted := g.countLocked(o.ownCost())
	g.mu.Unlock()
	g.track.appended(counted)
	return f, nil
}
