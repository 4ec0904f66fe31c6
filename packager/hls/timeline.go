package hls

import (
	"slices"
	"time"
)

// cut is the start of a segment in all renditions.
type cut struct {
	msn   uint64
	group uint64
	at    time.Time
	// byTime says that the cut is inside a group, at the time.
	byTime bool
	// discontinuity says that EXT-X-DISCONTINUITY goes here, everywhere.
	discontinuity         bool
	discontinuitySequence uint64
}

// reached tells whether a chunk belongs behind the cut.
func (c cut) reached(group uint64, at time.Time) bool {
	if c.byTime {
		return group > c.group || !at.Before(c.at)
	}
	return group >= c.group
}

// maxCuts bounds what a timeline remembers: a rendition that is further behind
// starts again.
const maxCuts = 64

// timeline is the list of cuts of one broadcast. The leading rendition makes
// them and the others follow, so media sequence numbers agree everywhere.
// Owned by the follower.
type timeline struct {
	// target is EXT-X-TARGETDURATION, set at the end of the first segment, and
	// part is PART-TARGET, set at the first frame. They never change (6.2.1).
	target time.Duration
	part   time.Duration

	cuts  []cut
	group uint64 // The newest group that the leader has begun.
	// early is set when a rendition had to begin the next segment on its own.
	early bool
	// dependent is set once a segment began inside a group.
	dependent bool
}

func (t *timeline) started() bool { return len(t.cuts) > 0 }

func (t *timeline) last() cut { return t.cuts[len(t.cuts)-1] }

// begin makes the first cut. The media sequence number comes from the media
// time, so that it rises across restarts of a broadcast or of the server:
// segments last at least about the segment duration.
func (t *timeline) begin(group uint64, at time.Time, segment time.Duration) {
	msn := uint64(max(at.UnixNano(), 0)) / uint64(segment)
	t.cuts = append(t.cuts, cut{msn: msn, group: group, at: at})
}

func (t *timeline) add(c cut) cut {
	last := t.last()
	c.msn = last.msn + 1
	c.discontinuity = c.discontinuity || t.early
	c.discontinuitySequence = last.discontinuitySequence
	if c.discontinuity {
		c.discontinuitySequence++
	}
	t.early = false
	t.dependent = t.dependent || c.byTime
	if len(t.cuts) >= maxCuts {
		t.cuts = append(t.cuts[:0:0], t.cuts[len(t.cuts)-maxCuts/2:]...)
	}
	t.cuts = append(t.cuts, c)
	return c
}

// find gives the cut with a media sequence number.
func (t *timeline) find(msn uint64) (cut, bool) {
	if len(t.cuts) == 0 || msn < t.cuts[0].msn || msn > t.last().msn {
		return cut{}, false
	}
	return t.cuts[msn-t.cuts[0].msn], true
}

// containing gives the newest cut that a chunk is behind.
func (t *timeline) containing(group uint64, at time.Time) (cut, bool) {
	for _, c := range slices.Backward(t.cuts) {
		if c.reached(group, at) {
			return c, true
		}
	}
	return cut{}, false
}

// limit is the longest duration a segment may have: rounded to the nearest
// second it may equal the target duration (4.4.3.1).
func (t *timeline) limit(unset time.Duration) time.Duration {
	target := t.target
	if target == 0 {
		target = unset
	}
	return target + time.Second/2 - time.Millisecond
}
