package moqt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// pieces are buffers between a stream and the log. They hold a chunk of most streams
// whole: 15 Mbit/s at 30 a second.
var pieces = sync.Pool{New: func() any {
	b := make([]byte, 64<<10)
	return &b
}}

// gather is how long what came of an object waits for more of it before it is passed
// on. The packets of one object mostly come at once and are read one by one, and a
// write to each viewer for each of them is what a relay would spend its time on; the
// last byte waits for nothing, so that a viewer has the object no later for it.
const gather = 2 * time.Millisecond

// subgroupFill takes one stream of a subgroup into the log.
type subgroupFill struct {
	in     *intoTrack
	header wire.SubgroupHeader
	group  *relay.Group
	st     ReceiveStream
	r      *wire.StreamReader // Of st.

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
	buf, _ := pieces.Get().(*[]byte)
	defer pieces.Put(buf)
	first, err := f.read(*buf, h.Length)
	switch {
	case err != nil:
		return err
	case len(first) == h.Length:
		o.Payload, o.Complete = bytes.Clone(first), time.Now()
		return ignoreDuplicate(f.subgroup.Insert(o))
	}
	return f.fill(o, first, *buf)
}

// fill takes in an object that comes slower than it is read, piece by piece.
func (f *subgroupFill) fill(o relay.Object, piece, buf []byte) error {
	filling, err := f.subgroup.Open(o)
	if err != nil {
		return err
	}
	for left := o.Size; ; {
		if _, err := filling.Write(piece); err != nil {
			return err
		}
		if left -= len(piece); left == 0 {
			return filling.Close()
		}
		// What came before the end of the stream is passed on before that is said.
		if piece, err = f.read(buf, left); len(piece) == 0 {
			return err
		}
	}
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

// read gives what has come of the next n bytes as soon as that is all of them, as many
// as buf holds, or what came within gather of the first. There is an error only when
// nothing came.
func (f *subgroupFill) read(buf []byte, n int) ([]byte, error) {
	buf = buf[:min(n, len(buf))]
	got, err := f.r.Read(buf)
	for err == nil && got == 0 {
		got, err = f.r.Read(buf)
	}
	if err == nil && got < len(buf) {
		_ = f.st.SetReadDeadline(time.Now().Add(gather))
		for err == nil && got < len(buf) {
			var more int
			more, err = f.r.Read(buf[got:])
			got += more
		}
		_ = f.st.SetReadDeadline(time.Time{})
	}
	switch {
	case got > 0:
		return buf[:got], nil // An error comes again.
	case errors.Is(err, io.EOF):
		return nil, wire.Violation("stream ends within an object")
	default:
		return nil, err
	}
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
