package wire

// FetchReader decodes a fetch stream after its header.
type FetchReader struct {
	r   *StreamReader
	cur FetchCursor
}

// NewFetchReader reads from r a response in the given group order.
func NewFetchReader(r *StreamReader, descending bool) *FetchReader {
	return &FetchReader{r: r, cur: FetchCursor{Descending: descending}}
}

// Next gives the next object's header, and leaves the stream at its payload of
// Length bytes, which the caller reads or discards. io.EOF is the stream's end.
func (f *FetchReader) Next() (ObjectHeader, error) {
	flags, err := f.r.Varint()
	if err != nil {
		return ObjectHeader{}, err
	}
	h, err := f.object(flags)
	return h, midStream(err)
}

func (f *FetchReader) object(flags uint64) (ObjectHeader, error) {
	switch {
	case flags == fetchNonExistentEnd || flags == fetchUnknownEnd:
		return f.endOfRange(flags)
	case flags >= 0x80:
		return ObjectHeader{}, Violation("serialization flags %#x", flags)
	}
	h := ObjectHeader{Subgroup: f.cur.subgroup, Priority: f.cur.priority}
	if err := f.location(&h, flags); err != nil {
		return h, err
	}
	if flags&fetchPriority != 0 {
		if err := f.r.uint8(&h.Priority); err != nil {
			return h, err
		}
	} else if !f.cur.object {
		return h, Violation("object refers to a prior priority")
	}
	if flags&fetchProperties != 0 {
		var err error
		if h.Properties, err = f.r.properties(); err != nil {
			return h, err
		}
	}
	f.cur.object, f.cur.subgroup, f.cur.priority = true, h.Subgroup, h.Priority
	return h, f.r.length(&h.Length)
}

func (f *FetchReader) endOfRange(flags uint64) (ObjectHeader, error) {
	h := ObjectHeader{EndOfRange: true, Unknown: flags == fetchUnknownEnd}
	return h, f.location(&h, fetchGroup|fetchObject)
}

// location reads group, subgroup and object, in the order of the wire.
func (f *FetchReader) location(h *ObjectHeader, flags uint64) error {
	newGroup := flags&fetchGroup != 0
	if !f.cur.started && flags&(fetchGroup|fetchObject) != fetchGroup|fetchObject {
		return Violation("first object refers to a prior one")
	}
	h.Location = Location{Group: f.cur.prior.Group, Object: f.cur.prior.Object + 1}
	if newGroup {
		if err := f.id(&h.Location.Group, f.r.d.fetchIDs.group); err != nil {
			return err
		}
	}
	if err := f.subgroup(h, flags); err != nil {
		return err
	}
	if flags&fetchObject != 0 {
		object := func(cur *FetchCursor, field uint64) (uint64, bool) {
			return f.r.d.fetchIDs.object(cur, field, newGroup)
		}
		if err := f.id(&h.Location.Object, object); err != nil {
			return err
		}
	}
	f.cur.started, f.cur.prior = true, h.Location
	return nil
}

func (f *FetchReader) id(v *uint64, decode func(*FetchCursor, uint64) (uint64, bool)) error {
	field, err := f.r.Varint()
	if err != nil {
		return err
	}
	var ok bool
	if *v, ok = decode(&f.cur, field); !ok {
		return Violation("ID out of range on a fetch stream")
	}
	return nil
}

func (f *FetchReader) subgroup(h *ObjectHeader, flags uint64) error {
	mode := flags & fetchSubgroupMask
	if flags&fetchDatagram != 0 {
		h.Datagram, h.Subgroup = true, 0
		return nil
	}
	if (mode == fetchSubgroupPrior || mode == fetchSubgroupNext) && !f.cur.object {
		return Violation("object refers to a prior subgroup")
	}
	switch mode {
	case fetchSubgroupPrior:
	case fetchSubgroupNext:
		h.Subgroup++
	case fetchSubgroupGiven:
		v, err := f.r.Varint()
		h.Subgroup = v
		return err
	default:
		h.Subgroup = 0
	}
	return nil
}
