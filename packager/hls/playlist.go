package hls

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Playlist is one version of a rendition's Media Playlist. It is immutable.
type Playlist struct {
	rendition *Rendition
	target    time.Duration
	part      time.Duration
	kept      []*Segment
	listed    int
	open      *Segment // The segment that grows; nil when the playlist ended.
	changed   chan struct{}

	// Ended says that the playlist has EXT-X-ENDLIST.
	Ended bool
	// Modified is when the version was made.
	Modified time.Time

	texts [3]lazyDocument // By Skip.
}

// Changed is closed when there is a newer version.
func (l *Playlist) Changed() <-chan struct{} { return l.changed }

// TargetDuration is EXT-X-TARGETDURATION.
func (l *Playlist) TargetDuration() time.Duration { return l.target }

// last is the newest complete segment; nil before there is one.
func (l *Playlist) last() *Segment {
	if len(l.kept) == 0 {
		return nil
	}
	return l.kept[len(l.kept)-1]
}

// position is what a client knows of a playlist: the last complete segment's
// media sequence number, and the parts that follow it in the open one.
func (l *Playlist) position() (msn uint64, parts int) {
	if s := l.last(); s != nil {
		msn = s.MSN
	}
	if l.open != nil {
		// Before the first segment there is no last one.
		msn, parts = l.open.MSN-1, len(l.open.Parts)
	}
	return msn, parts
}

// lastPart is what EXT-X-RENDITION-REPORT tells.
func (l *Playlist) lastPart() (msn uint64, part int) {
	msn, parts := l.position()
	if parts > 0 {
		return msn + 1, parts - 1
	}
	if s := l.last(); s != nil {
		part = max(len(s.Parts)-1, 0)
	}
	return msn, part
}

// Verdict is how to answer a blocking playlist request.
type Verdict int

const (
	// Answer at once with this version.
	Answer Verdict = iota
	// Wait for a later version.
	Wait
	// Reject: the request is too far in the future (6.2.5.2).
	Reject
)

// Reload judges the directives _HLS_msn and _HLS_part; part is -1 when it is
// not there.
func (l *Playlist) Reload(msn uint64, part int) Verdict {
	if l.Ended {
		return Answer
	}
	last, parts := l.position()
	switch {
	case msn <= last && part < l.partsOf(msn):
		return Answer
	case msn <= last:
		// A part past the last one is the first one of the next segment.
		msn, part = msn+1, 0
	}
	switch {
	case msn <= last, msn == last+1 && part >= 0 && part < parts:
		return Answer
	case msn > last+2:
		return Reject
	case msn == last+1 && part >= parts+l.advanceLimit(), msn == last+2 && part >= l.advanceLimit():
		return Reject
	}
	return Wait
}

// partsOf counts the parts of a complete segment; of one that is not kept any
// number was there.
func (l *Playlist) partsOf(msn uint64) int {
	if s, ok := l.find(msn); ok {
		return len(s.Parts)
	}
	return int(^uint(0) >> 1)
}

// advanceLimit is the Advance Part Limit (6.2.5.2).
func (l *Playlist) advanceLimit() int {
	if l.part <= 0 || l.part >= time.Second {
		return 3
	}
	return int((3*time.Second + l.part - 1) / l.part)
}

func (l *Playlist) find(msn uint64) (*Segment, bool) {
	if len(l.kept) == 0 || msn < l.kept[0].MSN || msn > l.kept[len(l.kept)-1].MSN {
		return nil, false
	}
	return l.kept[msn-l.kept[0].MSN], true
}

// Resource is a segment, a part or a header.
type Resource struct {
	// Kind is one of "segment", "part", "header".
	Kind     string
	Payload  [][]byte
	Size     int
	Modified time.Time
}

// Resource looks a file of the rendition up by name. wait says that it is the
// part of the preload hint: it is to come with one of the next versions.
func (l *Playlist) Resource(name string) (res Resource, wait, ok bool) {
	if kind, ok := strings.CutPrefix(name, "segment-"); ok {
		res, ok := l.segment(kind)
		return res, false, ok
	}
	if kind, ok := strings.CutPrefix(name, "part-"); ok {
		return l.findPart(kind)
	}
	for _, s := range slices.Backward(l.kept) {
		if s.Header.Name == name {
			return headerResource(s.Header, s), false, true
		}
	}
	if l.open != nil && l.open.Header.Name == name {
		return headerResource(l.open.Header, l.open), false, true
	}
	return Resource{}, false, false
}

func headerResource(h *Header, s *Segment) Resource {
	return Resource{Kind: "header", Payload: [][]byte{h.Data}, Size: len(h.Data), Modified: s.Start}
}

func (l *Playlist) segment(id string) (Resource, bool) {
	id, ok := strings.CutSuffix(id, ".m4s")
	msn, err := strconv.ParseUint(id, 10, 64)
	s, found := l.find(msn)
	if !ok || err != nil || !found || s.Gap || segmentName(msn) != "segment-"+id+".m4s" {
		return Resource{}, false
	}
	return Resource{Kind: "segment", Payload: s.Payload(), Size: s.Size, Modified: s.Modified}, true
}

func (l *Playlist) findPart(id string) (res Resource, wait, ok bool) {
	number, partID, _ := strings.Cut(id, "-")
	msn, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return Resource{}, false, false
	}
	partID, ok = strings.CutSuffix(partID, ".m4s")
	n, err := strconv.Atoi(partID)
	if !ok || err != nil || n < 0 || partName(msn, n) != "part-"+id {
		return Resource{}, false, false
	}
	s, found := l.find(msn)
	if !found && l.open != nil && l.open.MSN == msn {
		s, found = l.open, true
		wait = n == len(s.Parts)
	}
	if !found || n >= len(s.Parts) {
		return Resource{}, wait, false
	}
	p := s.Parts[n]
	return Resource{Kind: "part", Payload: p.Payload, Size: p.Size, Modified: s.Modified}, false, true
}
