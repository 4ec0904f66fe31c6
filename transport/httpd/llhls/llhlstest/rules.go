package llhlstest

import (
	"strconv"
	"time"
)

// static judges one version by itself.
func (f *follower) static(l *playlist) {
	f.control(l)
	for i, s := range l.segments {
		if s.duration.Round(time.Second) > l.target {
			f.add(RuleTarget, f.url, "%s lasts %v", s.uri, s.duration)
		}
		if s.date.IsZero() {
			f.add(RuleDate, f.url, "none for %s", s.uri)
		}
		f.parts(l, s, true)
		if i > 0 && !s.discontinuity {
			last := l.segments[i-1]
			if off := s.date.Sub(last.date) - last.duration; off.Abs() > 50*time.Millisecond {
				f.add(RuleDate, f.url, "%s is off by %v", s.uri, off)
			}
		}
	}
	f.parts(l, l.open, false)
	if l.hint == "" && !l.ended {
		f.add(RuleHint, f.url, "none")
	}
	f.recent(l)
}

func (f *follower) control(l *playlist) {
	if l.control["CAN-BLOCK-RELOAD"] != "YES" {
		f.add(RuleControl, f.url, "no CAN-BLOCK-RELOAD")
	}
	for name, least := range map[string]time.Duration{
		"PART-HOLD-BACK": 3 * l.partTarget, "HOLD-BACK": 3 * l.target, "CAN-SKIP-UNTIL": 6 * l.target,
	} {
		if d, err := seconds(l.control[name]); err != nil || d < least {
			f.add(RuleControl, f.url, "%s=%s, want %v at least", name, l.control[name], least)
		}
	}
}

// parts judges a segment's parts. whole says that no more will come.
func (f *follower) parts(l *playlist, s segment, whole bool) {
	var sum time.Duration
	for i, p := range s.parts {
		sum += p.duration
		if p.duration > l.partTarget {
			f.add(RulePartDuration, f.url, "%s lasts %v", p.uri, p.duration)
		}
		// The last part of an open segment may be the last for good.
		final := i == len(s.parts)-1
		if p.duration < l.partTarget*85/100 && !p.independent && !p.gap && !final {
			f.add(RulePartShort, f.url, "%s lasts %v", p.uri, p.duration)
		}
	}
	if whole && len(s.parts) > 0 && (sum-s.duration).Abs() > time.Duration(len(s.parts)+1)*time.Microsecond {
		f.add(RulePartSum, f.url, "%s lasts %v, its parts %v", s.uri, s.duration, sum)
	}
}

// recent: parts are listed for three target durations at least (6.2.2: a server
// may remove them when they are more than that from the end).
func (f *follower) recent(l *playlist) {
	if l.ended {
		return
	}
	var behind time.Duration
	for _, p := range l.open.parts {
		behind += p.duration
	}
	for i := len(l.segments) - 1; i >= 0 && behind < 3*l.target; i-- {
		if len(l.segments[i].parts) == 0 && !l.segments[i].gap {
			f.add(RulePartSum, f.url, "%s has none, %v from the end", l.segments[i].uri, behind)
		}
		behind += l.segments[i].duration
	}
}

// successor judges a version by the one before.
func (f *follower) successor(old, l *playlist) {
	if l.target != old.target || l.partTarget != old.partTarget {
		f.add(RuleTarget, f.url, "changed from %v, %v to %v, %v", old.target, old.partTarget, l.target, l.partTarget)
	}
	if l.sequence < old.sequence || l.last() < old.last() {
		f.add(RuleSequence, f.url, "%d..%d after %d..%d", l.sequence, l.last(), old.sequence, old.last())
		return
	}
	if l.length() < 3*l.target && l.sequence > old.sequence {
		f.add(RuleSequence, f.url, "%v are left", l.length())
	}
	counts := old.discontinuities()
	for i, n := range l.discontinuities() {
		msn := l.sequence + uint64(i)
		if j := msn - old.sequence; msn >= old.sequence && j < uint64(len(old.segments)) {
			was, is := old.segments[j], l.segments[i]
			if was.uri != is.uri || was.duration != is.duration || !was.date.Equal(is.date) || was.header != is.header {
				f.add(RuleSequence, f.url, "segment %d changed", msn)
			}
			if counts[j] != n {
				f.add(RuleDiscontinuity, f.url, "segment %d: %d after %d", msn, n, counts[j])
			}
		}
	}
	for i := range min(l.sequence-old.sequence, uint64(len(old.segments))) {
		s := old.segments[i]
		if !s.gap {
			// A margin for the time between removal and this look.
			stays := s.duration + old.length() - l.target
			f.removed = append(f.removed, removal{f.resolve(f.url, s.uri), time.Now().Add(stays)})
		}
	}
}

// discontinuities gives each segment's discontinuity sequence number.
func (l *playlist) discontinuities() []uint64 {
	out := make([]uint64, len(l.segments))
	n := l.discontinuity
	for i, s := range l.segments {
		if s.discontinuity {
			n++
		}
		out[i] = n
	}
	return out
}

func msnText(n uint64) string { return strconv.FormatUint(n, 10) }
