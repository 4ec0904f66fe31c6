package hls

import (
	"hash/crc32"
	"slices"
	"strconv"
	"time"
)

// Header is a CMAF header (ftyp and moov): what EXT-X-MAP names.
type Header struct {
	// Name is the resource's name: it depends on the bytes alone, so a cache
	// can keep it for ever.
	Name string
	Data []byte
}

func newHeader(data []byte) *Header {
	sum := strconv.FormatUint(uint64(crc32.ChecksumIEEE(data)), 16)
	return &Header{Name: "init-" + sum + ".mp4", Data: data}
}

// Part is a Partial Segment: whole chunks. It is immutable.
type Part struct {
	Duration time.Duration
	// Independent says that the first frame is one.
	Independent bool
	// Payload is what the log holds; nobody may write to it.
	Payload [][]byte
	Size    int
}

// Segment is a Media Segment. It is immutable once complete; the copy of an
// open one in a Playlist is, too.
type Segment struct {
	MSN    uint64
	Parts  []*Part
	Start  time.Time
	Header *Header
	// Discontinuity says that EXT-X-DISCONTINUITY goes before the segment.
	Discontinuity bool
	// DiscontinuitySequence counts the discontinuities up to the segment, its
	// own among them.
	DiscontinuitySequence uint64
	// Gap says that there is no media for the time.
	Gap      bool
	Duration time.Duration
	Size     int
	// Modified is when the last part was added.
	Modified time.Time

	removed time.Time // When it left the playlist. Owned by the follower.
}

// Independent tells whether the segment starts with an independent frame.
func (s *Segment) Independent() bool {
	return s.Gap || len(s.Parts) > 0 && s.Parts[0].Independent
}

// Payload is the list of all chunks.
func (s *Segment) Payload() [][]byte {
	n := 0
	for _, p := range s.Parts {
		n += len(p.Payload)
	}
	out := make([][]byte, 0, n)
	for _, p := range s.Parts {
		out = append(out, p.Payload...)
	}
	return out
}

func (s *Segment) add(p *Part, now time.Time) {
	s.Parts = append(s.Parts, p)
	s.Duration += p.Duration
	s.Size += p.Size
	s.Modified = now
}

// view is a copy that later calls of add leave alone.
func (s *Segment) view() *Segment {
	v := *s
	v.Parts = slices.Clip(s.Parts)
	return &v
}

// partName and segmentName are the resources' names. They are unique over a
// rendition's life because media sequence numbers only rise.
func partName(msn uint64, part int) string {
	return "part-" + strconv.FormatUint(msn, 10) + "-" + strconv.Itoa(part) + ".m4s"
}

func segmentName(msn uint64) string {
	return "segment-" + strconv.FormatUint(msn, 10) + ".m4s"
}
