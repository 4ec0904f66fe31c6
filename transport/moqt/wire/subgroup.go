package wire

import "github.com/freshet-live/freshet/relay"

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

// SubgroupHeader is the start of a subgroup stream. This side writes it with a
// Subgroup ID and a priority.
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
	// Properties: each object has properties, maybe none.
	Properties bool
	// FirstIsID: the Subgroup ID is the ID of the first object. Of streams that
	// were read.
	FirstIsID bool
}

// AppendSubgroupHeader appends the header of a stream for a subgroup.
func (d *Dialect) AppendSubgroupHeader(b []byte, h SubgroupHeader) []byte {
	t := uint64(subgroupBase)
	if h.EndOfGroup {
		t |= subgroupEndOfGroup
	}
	if h.FirstObject {
		t |= d.firstObject
	}
	if h.Properties {
		t |= subgroupProperties
	}
	if h.Subgroup != 0 {
		t |= subgroupIDGiven
	}
	b = d.varint.append(b, t)
	b = d.varint.append(b, h.TrackAlias)
	b = d.varint.append(b, h.Group)
	if h.Subgroup != 0 {
		b = d.varint.append(b, h.Subgroup)
	}
	return append(b, h.Priority)
}

// AppendSubgroupObject appends what goes before an object's payload on a stream
// with the header h. delta is the Object ID for the first object on the stream,
// then the number of IDs left out.
func (d *Dialect) AppendSubgroupObject(b []byte, h *SubgroupHeader, delta uint64, o *relay.Object) []byte {
	b = d.varint.append(b, delta)
	if h.Properties {
		b = d.appendProperties(b, o.Properties)
	}
	b = d.varint.append(b, uint64(o.Size))
	if o.Size == 0 {
		b = d.varint.append(b, uint64(o.Status))
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
		Properties:  t&subgroupProperties != 0,
		FirstIsID:   t&subgroupIDMask == subgroupIDFirst,
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
	// Status is of subgroup streams and datagrams.
	Status relay.Status
	// Datagram: the object belongs to no subgroup.
	Datagram   bool
	Properties KeyValues
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
	} else if s.h.FirstIsID {
		s.h.Subgroup = id
	}
	s.started, s.last = true, id
	h := ObjectHeader{
		Location: Location{Group: s.h.Group, Object: id},
		Subgroup: s.h.Subgroup,
		Priority: s.h.Priority,
	}
	var err error
	if s.h.Properties {
		if h.Properties, err = s.r.properties(); err != nil {
			return h, err
		}
	}
	if err := s.r.length(&h.Length); err != nil || h.Length > 0 {
		return h, err
	}
	status, err := s.r.Varint()
	if err != nil {
		return h, err
	}
	return h, h.setStatus(status)
}

// setStatus refuses unknown statuses, and properties on what is no object
// ("Object Status").
func (h *ObjectHeader) setStatus(v uint64) error {
	switch v {
	case uint64(relay.StatusNormal):
	case uint64(relay.StatusEndOfGroup), uint64(relay.StatusEndOfTrack):
		if len(h.Properties) > 0 {
			return Violation("properties on object status %#x", v)
		}
	default:
		return Violation("object status %#x", v)
	}
	h.Status = relay.Status(v)
	return nil
}
