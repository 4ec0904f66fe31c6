package wire

// FilterType says where a subscription starts ("Subscription Filters").
type FilterType uint64

// The filter types of drafts 14 to 19.
const (
	NextGroupStart FilterType = 0x1
	LargestObject  FilterType = 0x2
	AbsoluteStart  FilterType = 0x3
	AbsoluteRange  FilterType = 0x4
)

// Filter says which objects of a track a subscription wants. Start and EndGroup
// (inclusive) count for the absolute types only.
type Filter struct {
	Type     FilterType
	Start    Location
	EndGroup uint64
}

// walkFilter16 has an absolute End Group.
func walkFilter16(c *coder, f *Filter) {
	c.prefixed(func(c *coder) {
		filterHead(c, f)
		if f.Type == AbsoluteRange {
			c.varint(&f.EndGroup)
			if c.err == nil && f.EndGroup < f.Start.Group {
				c.fail(Violation("filter ends before it starts"))
			}
		}
	})
}

// walkFilter18 has the End Group as a distance from the start.
func walkFilter18(c *coder, f *Filter) {
	c.prefixed(func(c *coder) {
		filterHead(c, f)
		if f.Type != AbsoluteRange {
			return
		}
		delta := f.EndGroup - f.Start.Group
		c.varint(&delta)
		if f.EndGroup = f.Start.Group + delta; f.EndGroup < f.Start.Group {
			c.fail(Violation("filter's end group overflows"))
		}
	})
}

func filterHead(c *coder, f *Filter) {
	c.varint((*uint64)(&f.Type))
	switch f.Type {
	case NextGroupStart, LargestObject:
	case AbsoluteStart, AbsoluteRange:
		c.location(&f.Start)
	default:
		c.fail(Violation("filter type %#x", uint64(f.Type)))
	}
}
