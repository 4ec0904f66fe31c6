package receive

import (
	"cmp"
	"slices"
	"time"
)

// loss is an interval of missing packets that share their history.
type loss struct {
	first, last position
	detected    time.Duration // When a later packet came.
	asked       time.Duration // When the last NAK named it.
	asks        int
	gone        bool // The sender will not send it.
}

func (l *loss) size() position { return l.last - l.first + 1 }

// losses are in order and do not overlap.
type losses []loss

// find gives the index of the interval that has p, or of the first one after.
func (s *losses) find(p position) int {
	i, _ := slices.BinarySearchFunc(*s, p, func(l loss, p position) int { return cmp.Compare(l.last, p) })
	return i
}

// add appends an interval that is later than all others.
func (s *losses) add(l loss) { *s = append(*s, l) }

// remove takes p, which has come, out of its interval and returns that.
func (s *losses) remove(p position) (loss, bool) {
	i := s.find(p)
	if i == len(*s) || (*s)[i].first > p {
		return loss{}, false
	}
	l := &(*s)[i]
	whole := *l
	switch {
	case l.first == l.last:
		*s = slices.Delete(*s, i, i+1)
	case p == l.first:
		l.first++
	case p == l.last:
		l.last--
	default:
		l.last = p - 1
		rest := whole
		rest.first = p + 1
		*s = slices.Insert(*s, i+1, rest)
	}
	return whole, true
}

// forget marks what is missing from first to last as gone.
func (s *losses) forget(first, last position) {
	for i := s.find(first); i < len(*s) && (*s)[i].first <= last; i++ {
		if (*s)[i].gone {
			continue
		}
		s.split(i, first)
		if (*s)[i].first < first {
			continue
		}
		s.split(i, last+1)
		(*s)[i].gone = true
		i = s.merge(i)
	}
}

// split makes p the start of an interval of its own, when it is within that at i.
func (s *losses) split(i int, p position) {
	l := (*s)[i]
	if p <= l.first || p > l.last {
		return
	}
	(*s)[i].last = p - 1
	l.first = p
	*s = slices.Insert(*s, i+1, l)
}

// merge joins the gone interval at i with its gone neighbours and returns its
// index: a sender may give up a long run packet by packet.
func (s *losses) merge(i int) int {
	joins := func(a, b loss) bool { return a.gone && b.gone && a.last+1 == b.first }
	if i+1 < len(*s) && joins((*s)[i], (*s)[i+1]) {
		(*s)[i].last = (*s)[i+1].last
		*s = slices.Delete(*s, i+1, i+2)
	}
	if i > 0 && joins((*s)[i-1], (*s)[i]) {
		(*s)[i-1].last = (*s)[i].last
		*s = slices.Delete(*s, i, i+1)
		i--
	}
	return i
}

// drop takes the first n intervals out.
func (s *losses) drop(n int) { *s = slices.Delete(*s, 0, n) }
