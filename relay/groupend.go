package relay

import "time"

// Close ends the group: it is complete and no object will follow.
func (g *Group) Close() { g.end(false) }

// Abort ends the group: no object will follow, though more were published.
func (g *Group) Abort() { g.end(true) }

func (g *Group) end(broken bool) {
	if g.close(broken) {
		g.track.wake()
	}
}

func (g *Group) close(broken bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closeLocked(broken)
}

// closeLocked tells whether the group was open. Guarded by mu.
func (g *Group) closeLocked(broken bool) bool {
	if g.closed {
		return false
	}
	g.closed, g.broken = true, broken || len(g.open) > 0 || g.cutLocked()
	for i := range g.objects {
		if g.objects[i].state == objectGrowing {
			g.objects[i].state = objectAborted
			g.broken = true
		}
	}
	for _, s := range g.open {
		s.ended = true
	}
	g.open = nil
	return true
}

// succeed ends the group because its publisher has begun the next one.
func (g *Group) succeed(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.overtakeLocked(now)
	g.closeLocked(false)
}

// overtakeLocked notes when the first newer group began. Guarded by mu.
func (g *Group) overtakeLocked(now time.Time) {
	g.overtaken = now
	g.behind.Store(true)
}

// grace is how long a group that was overtaken waits for what is not there yet: a
// stream that was overtaken by others, or a publisher who takes over.
const grace = time.Second

// overtake notes that n newer groups began. A group that was overtaken by several,
// and has been fed and is no longer, ends: what has not come was left out.
func (g *Group) overtake(n int, now time.Time) {
	g.mu.Lock()
	changed := g.overtaken.IsZero()
	if changed {
		g.overtakeLocked(now)
	}
	fed := len(g.objects) > 0 || len(g.ends) > 0
	if n > 1 && fed && g.feedersLocked() == 0 && now.Sub(g.overtaken) >= grace {
		changed = g.closeLocked(false) || changed
	}
	g.mu.Unlock()
	if changed {
		g.track.wake()
	}
}

// Conclude ends the group, which is complete when id is the first object that it
// lacks: a publisher who takes over says so ("End of Group") when all had come
// before, though not the ends of its subgroups.
func (g *Group) Conclude(id uint64) {
	if first, ok := g.missing(); ok && first == id {
		g.conclude()
	}
}

// conclude ends the group as complete unless somebody feeds it.
func (g *Group) conclude() {
	g.mu.Lock()
	for _, s := range g.open {
		if s.suspended {
			s.ended = true
			delete(g.open, s.id)
			g.ends = append(g.ends, subgroupEnd{after: len(g.objects), subgroup: s.id, whole: true})
		}
	}
	changed := len(g.open) == 0 && g.closeLocked(false)
	g.mu.Unlock()
	if changed {
		g.track.wake()
	}
}

// forsake ends the group unless somebody feeds it.
func (g *Group) forsake() {
	g.mu.Lock()
	changed := g.feedersLocked() == 0 && g.closeLocked(false)
	g.mu.Unlock()
	if changed {
		g.track.wake()
	}
}

// quietLocked tells whether a reader of one group at a time may go on with the
// newer group: nothing is coming in, nor likely to. Guarded by mu.
func (g *Group) quietLocked(now time.Time) bool {
	if g.overtaken.IsZero() || len(g.objects) == 0 || g.feedersLocked() > 0 {
		return false
	}
	return len(g.open) == 0 || now.Sub(g.overtaken) >= grace
}

func (g *Group) feedersLocked() int {
	n := 0
	for _, s := range g.open {
		if !s.suspended {
			n++
		}
	}
	return n
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

// finishLocked closes the group once its last subgroup has ended and nothing is
// missing before it. Guarded by mu.
func (g *Group) finishLocked() {
	if g.last.ended && len(g.open) == 0 && uint64(len(g.objects)) == g.next {
		g.closeLocked(false)
	}
}

// Closed tells whether nothing more will come.
func (g *Group) Closed() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.closed
}

// Complete tells whether the group has ended and was not cut short.
func (g *Group) Complete() bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.closed && !g.broken
}

// evict marks the group as gone from the log and gives what goes with it. Nobody will
// find it to go on with it: unless it is being fed, it ends.
func (g *Group) evict() cost {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.evicted = true
	if g.feedersLocked() == 0 && len(g.open) > 0 {
		g.closeLocked(false)
	}
	return g.held
}

// missing is the first Object ID that a publisher who takes over has to bring;
// false when the group has all of its objects.
func (g *Group) missing() (uint64, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return 0, false
	}
	id := g.next
	for i := range g.objects {
		if g.objects[i].state == objectGrowing {
			id = min(id, g.objects[i].ID)
		}
	}
	return id, true
}
