package moqt

import (
	"context"
	"slices"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// outflow is the stream of one subgroup. Its object may still be arriving from
// upstream: header and total size go out first, then bytes as they come.
type outflow struct {
	stream  SendStream
	header  wire.SubgroupHeader
	group   *relay.Group
	next    uint64 // The Object ID that needs no gap.
	started bool
	refused bool // The subscriber wants no more of it.

	arriving bool         // The last object is incomplete.
	index    int          // Its place in the log.
	sent     int          // Bytes of it that were written.
	queue    []relay.Item // What came behind it.
}

func (p *publication) newFlow() *outflow {
	f := p.spare
	p.spare = nil
	if f == nil {
		f = new(outflow)
	}
	p.flows = append(p.flows, f)
	return f
}

func (p *publication) find(group, subgroup uint64) *outflow {
	for _, f := range p.flows {
		if f.header.Group == group && f.header.Subgroup == subgroup {
			return f
		}
	}
	return nil
}

// begin writes an object's header and what there is of its payload; scratch may
// hold the stream's header.
func (p *publication) begin(ctx context.Context, f *outflow, item relay.Item) {
	o := &item.Object
	// What most get alike can be shared: where a subgroup begins with the stream's header.
	alike := (len(p.scratch) == 0 || o.First) && o.ID == f.next && !f.header.Properties && o.Whole()
	p.scratch = p.s.d.AppendSubgroupObject(p.scratch, &f.header, o.ID-f.next, o)
	f.next, f.started = o.ID+1, true
	f.index, f.sent, f.arriving = item.Index, 0, true
	var frame []byte
	if alike {
		frame = p.frames.of(item.Index, o, p.scratch)
	}
	if p.advance(ctx, f, o, frame) {
		p.forwarded(o)
	}
}

// pump writes on what has come of objects that are arriving. It tells whether
// there was something.
func (p *publication) pump(ctx context.Context) (moved bool) {
	// A write that fails may end flows; who is passed over has its turn next time.
	for i := 0; i < len(p.flows); i++ { //nolint:intrange // It gets shorter under way.
		moved = p.pumpFlow(ctx, p.flows[i]) || moved
	}
	return moved
}

func (p *publication) pumpFlow(ctx context.Context, f *outflow) (moved bool) {
	for f.arriving && !f.refused {
		o, gone := f.group.Progress(f.index)
		p.scratch = p.scratch[:0]
		switch {
		case gone:
			p.reset(f, wire.ResetInternal)
			return true
		case len(o.Payload) == f.sent && !o.Whole():
			return moved
		case !p.advance(ctx, f, &o, nil):
			return true
		}
		moved = true
		if !f.arriving && len(f.queue) > 0 {
			item := f.queue[0]
			f.queue = f.queue[1:]
			item.Object, _ = f.group.Progress(item.Index)
			p.scratch = p.scratch[:0]
			p.begin(ctx, f, item)
		}
	}
	return moved
}

// advance writes scratch and what is there of o but not written, or frame, which
// is both, if there is one; false when the stream could not take it.
func (p *publication) advance(ctx context.Context, f *outflow, o *relay.Object, frame []byte) bool {
	p.ticket.key = uint16(p.priority)<<8 | uint16(o.Priority)
	header, rest := p.scratch, o.Payload[f.sent:]
	if frame != nil {
		header, rest = nil, frame
	}
	if len(header)+len(rest) > 0 {
		p.stall.begin(f.stream)
		err := p.s.writeMedia(ctx, f.stream, &p.ticket, header, rest)
		p.stall.end()
		if err != nil {
			p.giveUp(ctx, f, err)
			return false
		}
	}
	f.sent = len(o.Payload)
	if o.Whole() {
		f.arriving = false
		p.delivered(o)
	}
	return true
}

// end closes the stream of a subgroup with FIN, or resets it when objects are
// missing.
func (p *publication) end(ctx context.Context, f *outflow, cut bool) {
	p.pumpFlow(ctx, f)
	if !slices.Contains(p.flows, f) {
		return // It was reset meanwhile.
	}
	if cut || f.arriving {
		p.reset(f, wire.ResetInternal)
		return
	}
	if !f.refused {
		_ = f.stream.Close()
		p.s.progressed()
	}
	p.remove(f)
}

// refuse takes the subscriber's wish for no more of a subgroup.
func (f *outflow) refuse(code uint64) {
	f.stream.CancelWrite(code)
	f.refused, f.arriving, f.queue = true, false, nil
}

// reset abandons a stream ("Closing Subgroup Streams").
func (p *publication) reset(f *outflow, c wire.ResetCode) {
	if !f.refused {
		f.stream.CancelWrite(p.s.d.Reset(c))
	}
	p.remove(f)
}

func (p *publication) resetAll(c wire.ResetCode) {
	for len(p.flows) > 0 {
		p.reset(p.flows[len(p.flows)-1], c)
	}
}

func (p *publication) remove(f *outflow) {
	i := slices.Index(p.flows, f)
	p.flows = slices.Delete(p.flows, i, i+1)
	*f = outflow{queue: f.queue[:0]}
	p.spare = f
}
