package moqt

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// pieces are buffers between a stream and the log. An object of several packets is
// passed on piece by piece, as it comes.
var pieces = sync.Pool{New: func() any {
	b := make([]byte, 16<<10)
	return &b
}}

// subgroupFill takes one stream of a subgroup into the log.
type subgroupFill struct {
	in     *intoTrack
	header wire.SubgroupHeader
	group  *relay.Group
	r      *wire.StreamReader

	subgroup *relay.Subgroup // nil before the first object.
}

func (f *subgroupFill) run(objects *wire.SubgroupReader) error {
	for {
		h, err := objects.Next()
		if err == nil {
			err = f.object(&h)
		}
		if err != nil {
			return f.end(err)
		}
	}
}

// object takes in one object.
func (f *subgroupFill) object(h *wire.ObjectHeader) error {
	o := objectOf(h)
	o.Priority = f.header.Priority
	if o.Status == relay.StatusEndOfGroup && h.Location == f.in.from {
		// There is no such object: it says that nothing was missing.
		f.group.Conclude(o.ID)
		return nil
	}
	if f.subgroup == nil {
		if err := f.open(h); err != nil {
			return err
		}
		o.First = f.header.FirstObject
	}
	if h.Length == 0 {
		return ignoreDuplicate(f.subgroup.Insert(o))
	}
	filling, err := f.subgroup.Open(o)
	if err != nil {
		return err
	}
	if err := f.payload(filling, h.Length); err != nil {
		return err
	}
	return filling.Close()
}

// open starts the subgroup with its first object on this stream.
func (f *subgroupFill) open(h *wire.ObjectHeader) (err error) {
	in := f.in
	// Only what waited for the past may ask whether it came.
	if in.join != nil && h.Location.Group <= in.join.Group && in.gone && h.Location.Object > 0 {
		return fmt.Errorf("%w: its start is missing", errLeftOut)
	}
	f.subgroup, err = f.group.OpenSubgroup(relay.SubgroupConfig{ID: h.Subgroup, Last: f.header.EndOfGroup})
	if err != nil {
		return fmt.Errorf("%w: %w", errLeftOut, err)
	}
	return nil
}

// payload copies n bytes, as many at a time as have come.
func (f *subgroupFill) payload(to *relay.Filling, n int) error {
	buf, _ := pieces.Get().(*[]byte)
	defer pieces.Put(buf)
	for n > 0 {
		got, err := f.r.Read((*buf)[:min(n, len(*buf))])
		if got > 0 {
			if _, err := to.Write((*buf)[:got]); err != nil {
				return err
			}
			n -= got
		}
		if err != nil && n > 0 {
			if errors.Is(err, io.EOF) {
				return wire.Violation("stream ends within an object")
			}
			return err
		}
	}
	return nil
}

// end closes the subgroup for what it was: complete, given up by the publisher, or
// lost with the session, when somebody else may go on with it.
func (f *subgroupFill) end(err error) error {
	reset, isReset := errors.AsType[*StreamError](err)
	switch {
	case errors.Is(err, io.EOF):
		if f.subgroup != nil {
			f.subgroup.End(true)
		}
		return nil
	case f.subgroup == nil:
	case isReset && reset.Remote && !f.in.departed() && !f.in.s.d.ResetCode(reset.Code).OfSubscription():
		f.subgroup.End(false)
	case errors.Is(err, relay.ErrMalformed):
		f.subgroup.End(false)
		f.in.sub.leave(err)
	default:
		f.subgroup.Suspend()
	}
	return err
}

// departed tells whether we left, so that the peer's resets say nothing of the
// objects.
func (in *intoTrack) departed() bool {
	select {
	case <-in.sub.left:
		return true
	default:
		return in.s.ctx.Err() != nil
	}
}
