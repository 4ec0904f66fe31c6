package client

import (
	"time"

	"github.com/freshet-live/freshet/relay/swarm"
)

// What a peer may send that it was not asked for.
const (
	// grace is how long pieces of a sub-stream may come after UNSUB, and how long
	// the answer to PULL may take.
	grace = 2 * time.Second
	// tolerance bytes may come unasked, since CANCEL and UNSUB cross what is on its
	// way; forgiven a second are forgotten.
	tolerance = 256 << 10
	forgiven  = 32 << 10
	// maxGiven bounds the pieces of a peer that are remembered.
	maxGiven = 2048
)

// asked is what a peer was asked for, and what it sent unasked: a peer that floods
// pays with its connection. Pieces may be asked for at most by hundreds.
type asked struct {
	subs    map[int]time.Time // Zero while subscribed, else until when.
	pulled  map[swarm.PieceID]time.Time
	given   map[swarm.PieceID]struct{}
	unasked int
	at      time.Time // When unasked was right.
}

func newAsked() asked {
	return asked{
		subs:   make(map[int]time.Time),
		pulled: make(map[swarm.PieceID]time.Time), given: make(map[swarm.PieceID]struct{}),
	}
}

func (a *asked) sub(sub int) { a.subs[sub] = time.Time{} }

func (a *asked) unsub(now time.Time, sub int) {
	if _, ok := a.subs[sub]; ok {
		a.subs[sub] = now.Add(grace)
	}
}

func (a *asked) pull(now time.Time, ids []swarm.PieceID) {
	for id, until := range a.pulled {
		if now.After(until) {
			delete(a.pulled, id)
		}
	}
	for _, id := range ids {
		a.pulled[id] = now.Add(grace)
	}
}

// take takes a piece into account, of k sub-streams. False says that too much came
// that nobody asked for.
func (a *asked) take(now time.Time, id swarm.PieceID, size, k int) bool {
	if a.wanted(now, id, k) {
		return true
	}
	a.unasked = max(0, a.unasked-int(now.Sub(a.at).Seconds()*forgiven)) + size
	a.at = now
	return a.unasked <= tolerance
}

// wanted tells whether a piece was asked for, and has not come from this peer yet.
func (a *asked) wanted(now time.Time, id swarm.PieceID, k int) bool {
	if _, again := a.given[id]; again {
		return false
	}
	if len(a.given) >= maxGiven {
		clear(a.given)
	}
	a.given[id] = struct{}{}
	if until, ok := a.subs[id.Sub(k)]; ok && (until.IsZero() || now.Before(until)) {
		return true
	}
	until, ok := a.pulled[id]
	return ok && now.Before(until)
}

// chunkSet remembers the newest chunks that something was done with.
type chunkSet struct {
	in    map[chunkKey]struct{}
	order []chunkKey
}

func newChunkSet() chunkSet { return chunkSet{in: make(map[chunkKey]struct{})} }

func (s *chunkSet) has(k chunkKey) bool {
	_, ok := s.in[k]
	return ok
}

func (s *chunkSet) add(k chunkKey) {
	if s.has(k) {
		return
	}
	if len(s.order) >= maxGiven {
		delete(s.in, s.order[0])
		s.order = s.order[1:]
	}
	s.in[k] = struct{}{}
	s.order = append(s.order, k)
}
