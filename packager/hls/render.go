package hls

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Skip is the _HLS_skip directive (6.2.5.1).
type Skip int

// The kinds of update that a client can ask for.
const (
	// SkipNone asks for the whole playlist.
	SkipNone Skip = iota
	// SkipYes asks for a delta update.
	SkipYes
	// SkipV2 asks for one that may leave out date ranges, too.
	SkipV2
)

// Versions of the protocol: EXT-X-SKIP needs 9, RECENTLY-REMOVED-DATERANGES 10
// (section 8).
const (
	version      = 9
	versionSkip2 = 10
)

// Document is the playlist's text, whole or as a delta update. Ended playlists
// are always whole.
func (l *Playlist) Document(skip Skip) *Document {
	n := 0
	if skip != SkipNone && !l.Ended {
		n = l.skippable()
	}
	if n == 0 {
		skip = SkipNone
	}
	return l.texts[skip].get(func() []byte { return l.render(skip, n) })
}

// skipBoundary is CAN-SKIP-UNTIL, six target durations (4.4.3.8).
func (l *Playlist) skipBoundary() time.Duration { return 6 * l.target }

// skippable counts the segments that are older than the skip boundary.
func (l *Playlist) skippable() int {
	segments := l.kept[l.listed:]
	var behind time.Duration
	if l.open != nil {
		behind = l.open.Duration
	}
	for i := range slices.Backward(segments) {
		if behind >= l.skipBoundary() {
			return i + 1
		}
		behind += segments[i].Duration
	}
	return 0
}

func (l *Playlist) render(skip Skip, skipped int) []byte {
	b := make([]byte, 0, 4096)
	v := version
	if skip == SkipV2 {
		v = versionSkip2
	}
	b = fmt.Appendf(b, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-TARGETDURATION:%d\n", v, l.target/time.Second)
	b = fmt.Appendf(b, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=%s,CAN-SKIP-UNTIL=%s,HOLD-BACK=%s\n",
		seconds(3*l.part), seconds(l.skipBoundary()), seconds(3*l.target))
	b = fmt.Appendf(b, "#EXT-X-PART-INF:PART-TARGET=%s\n", seconds(l.part))
	segments := l.kept[l.listed:]
	first, ok := l.first()
	if !ok {
		return b
	}
	b = fmt.Appendf(b, "#EXT-X-MEDIA-SEQUENCE:%d\n", first.MSN)
	b = fmt.Appendf(b, "#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", discontinuitiesBefore(first))
	if l.independent() {
		b = append(b, "#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	}
	if skipped > 0 {
		b = fmt.Appendf(b, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", skipped)
	}
	b = l.renderSegments(b, segments[skipped:])
	if l.Ended {
		return append(b, "#EXT-X-ENDLIST\n"...)
	}
	return l.renderReports(b)
}

func (l *Playlist) first() (*Segment, bool) {
	if l.listed < len(l.kept) {
		return l.kept[l.listed], true
	}
	return l.open, l.open != nil
}

// discontinuitiesBefore is EXT-X-DISCONTINUITY-SEQUENCE for a playlist that
// begins with s: the tag before s itself is still in the playlist.
func discontinuitiesBefore(s *Segment) uint64 {
	if s.Discontinuity {
		return s.DiscontinuitySequence - 1
	}
	return s.DiscontinuitySequence
}

func (l *Playlist) independent() bool {
	for _, s := range l.kept[l.listed:] {
		if !s.Independent() {
			return false
		}
	}
	return l.open == nil || len(l.open.Parts) == 0 || l.open.Independent()
}

// renderSegments lists parts only within three target durations from the end
// (6.2.2).
func (l *Playlist) renderSegments(b []byte, segments []*Segment) []byte {
	behind := time.Duration(0)
	if l.open != nil {
		behind = l.open.Duration
	}
	withParts := len(segments)
	for withParts > 0 && behind < 3*l.target && !l.Ended {
		withParts--
		behind += segments[withParts].Duration
	}
	var header *Header
	for i, s := range segments {
		b = renderSegment(b, s, header, i >= withParts)
		header = s.Header
		if s.Gap {
			b = append(b, "#EXT-X-GAP\n"...)
		}
		b = fmt.Appendf(b, "#EXTINF:%s,\n%s\n", seconds(s.Duration), segmentName(s.MSN))
	}
	if s := l.open; s != nil {
		if len(s.Parts) > 0 {
			b = renderSegment(b, s, header, true)
		} else if s.Header != header {
			b = fmt.Appendf(b, "#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=%q\n", s.Header.Name)
		}
		b = fmt.Appendf(b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=%q\n", partName(s.MSN, len(s.Parts)))
	}
	return b
}

// renderSegment writes what comes before EXTINF. last is the header in force.
func renderSegment(b []byte, s *Segment, last *Header, parts bool) []byte {
	if s.Discontinuity {
		b = append(b, "#EXT-X-DISCONTINUITY\n"...)
	}
	if s.Header != last {
		b = fmt.Appendf(b, "#EXT-X-MAP:URI=%q\n", s.Header.Name)
	}
	b = append(b, "#EXT-X-PROGRAM-DATE-TIME:"...)
	b = s.Start.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z\n")
	if !parts {
		return b
	}
	for i, p := range s.Parts {
		b = fmt.Appendf(b, "#EXT-X-PART:DURATION=%s,URI=%q", seconds(p.Duration), partName(s.MSN, i))
		if p.Independent {
			b = append(b, ",INDEPENDENT=YES"...)
		}
		b = append(b, '\n')
	}
	return b
}

// renderReports tells the state of the other renditions (4.4.5.4).
func (l *Playlist) renderReports(b []byte) []byte {
	for _, other := range l.rendition.p.Renditions() {
		o := other.Playlist()
		if other == l.rendition || o == nil || o.Ended {
			continue
		}
		msn, part := o.lastPart()
		b = fmt.Appendf(b, "#EXT-X-RENDITION-REPORT:URI=\"../%s/index.m3u8\",LAST-MSN=%d,LAST-PART=%d\n",
			other.name, msn, part)
	}
	return b
}

// seconds writes a duration to the microsecond, without needless zeros.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Round(time.Microsecond).Microseconds())/1e6, 'f', -1, 64)
}
