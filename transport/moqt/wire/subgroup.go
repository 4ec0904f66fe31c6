package wire

// Bits of a subgroup stream's type ("Subgroup Header").
const (
	subgroupBase        = 0x10
	subgroupProperties  = 0x01
	subgroupIDMask      = 0x06
	subgroupIDFirst     = 0x02
	subgroupIDGiven     = 0x04
	subgroupEndOfGroup  = 0x08
	subgroupNoPriority  = 0x20
	subgroupFirstObject = 0x40
)

// Values of Object Status.
const (
	StatusNormal     = 0x0
	StatusEndOfGroup = 0x3
	StatusEndOfTrack = 0x4
)

// SubgroupHeader is the start of a subgroup stream. This side writes subgroup 0
// with a priority and without properties.
type SubgroupHeader struct {
	TrackAlias uint64
	Group      uint64
	Subgroup   uint64
	Priority   uint8
	// HasPriority is false when the track's default priority counts.
	HasPriority bool
	// EndOfGroup: a FIN ends the group, too.
	EndOfGroup bool
	// FirstObject: the stream starts with the subgroup's first object. From
	// draft 18 on.
	FirstObject bool

	properties bool
	firstIsID  bool // The Subgroup ID is the first object's ID.
}

// AppendSubgroupHeader appends the header of a stream for subgroup 0 of a
// group, which holds all of the group.
func (d *Dialect) AppendSubgroupHeader(b []byte, h SubgroupHeader) []byte {
	t := uint64(subgroupBase)
	if h.EndOfGroup {
		t |= subgroupEndOfGroup
	}
	if h.FirstObject {
		t |= d.firstObject
	}
	b = d.varint.append(b, t)
	b = d.varint.append(b, h.TrackAlias)
	b = d.varint.append(b, h.Group)
	return append(b, h.Priority)
}

// AppendSubgroupObject appends what goes before an object's payload. delta is
// the Object ID for the first object on the stream, then the number of IDs left
// out.
func (d *Dialect) AppendSubgroupObject(b []byte, delta uint64, length int) []byte {
	b = d.varint.append(b, delta)
	b = d.varint.append(b, uint64(length))
	if length == 0 {
		b = d.varint.append(b, StatusNormal)
	}
	return b
}

// IsSubgroup tells whether a stream type is that of a subgroup stream.
func (d *Dialect) IsSubgroup(t uint64) bool {
	allowed := subgroupBase | 0x0f | subgroupNoPriority | d.firstObject
	return t&subgroupBase != 0 && t&^allowed == 0 && t&subgroupIDMask != subgroupIDMask
}

// ReadSubgroupHeader reads what follows the stream type t.
func (s *StreamReader) ReadSubgroupHeader(t uint64) (SubgroupHeader, error) {
	h := SubgroupHeader{
		HasPriority: t&subgroupNoPriority == 0,
		EndOfGroup:  t&subgroupEndOfGroup != 0,
		FirstObject: t&subgroupFirstObject != 0,
		properties:  t&subgroupProperties != 0,
		firstIsID:   t&subgroupIDMask == subgroupIDFirst,
	}
	fields := []*uint64{&h.TrackAlias, &h.Group}
	if t&subgroupIDMask == subgroupIDGiven {
		fields = append(fields, &h.Subgroup)
	}
	for _, f := range fields {
		v, err := s.Varint()
		if err != nil {
			return h, midStream(err)
		}
		*f = v
	}
	if h.HasPriority {
		return h, midStream(s.uint8(&h.Priority))
	}
	return h, nil
}

// ObjectHeader is what goes before an object's payload on a data stream.
type ObjectHeader struct {
	Location Location
	Subgroup uint64
	Priority uint8
	Length   int
	// Status is of subgroup streams.
	Status uint64
	// EndOfRange is of fetch streams: nothing between the object before and
	// Location exists, or it is Unknown whether it does.
	EndOfRange bool
	Unknown    bool
}

// SubgroupReader decodes a subgroup stream after its header.
type SubgroupReader struct {
	r       *StreamReader
	h       SubgroupHeader
	started bool
	last    uint64
}

// NewSubgroupReader reads from r, which stands behind the header h.
func NewSubgroupReader(r *StreamReader, h SubgroupHeader) *SubgroupReader {
	return &SubgroupReader{r: r, h: h}
}

// Next gives the next object's header, and leaves the stream at its payload of
// Length bytes, which the caller reads or discards. io.EOF is the stream's end.
func (s *SubgroupReader) Next() (ObjectHeader, error) {
	delta, err := s.r.Varint()
	if err != nil {
		return ObjectHeader{}, err
	}
	h, err := s.object(delta)
	return h, midStream(err)
}

func (s *SubgroupReader) object(delta uint64) (ObjectHeader, error) {
	id := delta
	if s.started {
		if id = s.last + delta + 1; id <= s.last {
			return ObjectHeader{}, Violation("object ID overflows")
		}
	} else if s.h.firstIsID {
		s.h.Subgroup = id
	}
	s.started, s.last = true, id
	h := ObjectHeader{
		Location: Location{Group: s.h.Group, Object: id},
		Subgroup: s.h.Subgroup,
		Priority: s.h.Priority,
	}
	if s.h.properties {
		if err := s.r.skipProperties(); err != nil {
			return h, err
		}
	}
	if err := s.r.length(&h.Length); err != nil || h.Length > 0 {
		return h, err
	}
	var err error
	h.Status, err = s.r.Varint()
	if err == nil && h.Status != StatusNormal && h.Status != StatusEndOfGroup && h.Status != StatusEndOfTrack {
		return h, Violation("object status %#x", h.Status)
	}
	return h, err
}
