package swarm

import (
	"slices"

	policy "github.com/freshet-live/freshet/relay/swarm"
)

// maxWishes bounds the changes of mind that are still to come into force.
const maxWishes = 32

// wish is what a viewer wants from a piece on.
type wish struct {
	from policy.PieceID
	subs uint32
}

// schedule is what a viewer wants of which piece: the last wish at or before it.
type schedule []wish

// add takes a new wish; it counts for all behind it, whatever was wished for there.
func (s schedule) add(w wish) schedule {
	for len(s) > 0 && !s[len(s)-1].from.Less(w.from) {
		s = s[:len(s)-1]
	}
	s = append(s, w)
	if len(s) > maxWishes {
		s = s[1:]
	}
	return s
}

// wants tells whether a piece is wanted, of k sub-streams.
func (s schedule) wants(id policy.PieceID, k int) bool {
	for _, v := range slices.Backward(s) {
		if !id.Less(v.from) {
			return v.subs>>id.Sub(k)&1 == 1
		}
	}
	return false
}

// over tells whether nothing is wanted from a piece on.
func (s schedule) over(from policy.PieceID) bool {
	if len(s) == 0 {
		return true
	}
	last := s[len(s)-1]
	return last.subs == 0 && !from.Less(last.from)
}

// marks are the pieces of a group that were sent.
type marks []uint64

func (m *marks) has(n uint32) bool {
	return int(n/64) < len(*m) && (*m)[n/64]>>(n%64)&1 == 1
}

func (m *marks) set(n uint32) {
	for int(n/64) >= len(*m) {
		*m = append(*m, 0)
	}
	(*m)[n/64] |= 1 << (n % 64)
}

// sent remembers which pieces of the newest groups went out. The zero value is empty.
type sent struct {
	groups map[uint64]*marks
	floor  uint64 // Nothing is known of groups with smaller IDs.
}

// maxRemembered bounds the groups that are remembered.
const maxRemembered = 64

// of gives a group's marks, nil for one that is not remembered any more.
func (s *sent) of(group uint64) *marks {
	if m := s.groups[group]; m != nil {
		return m
	}
	if group < s.floor {
		return nil
	}
	if len(s.groups) >= maxRemembered {
		s.forget()
		if group < s.floor {
			return nil
		}
	}
	if s.groups == nil {
		s.groups = make(map[uint64]*marks)
	}
	m := new(marks)
	s.groups[group] = m
	return m
}

// forget lets go of the group with the smallest ID.
func (s *sent) forget() {
	oldest := ^uint64(0)
	for id := range s.groups {
		oldest = min(oldest, id)
	}
	delete(s.groups, oldest)
	s.floor = oldest + 1
}

func (m *marks) unset(n uint32) {
	if int(n/64) < len(*m) {
		(*m)[n/64] &^= 1 << (n % 64)
	}
}
