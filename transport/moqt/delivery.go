package moqt

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/moqt/wire"
)

// Reasons for skipped groups beside those of a Reader.
const (
	// skipRefused: the subscriber sent STOP_SENDING.
	skipRefused relay.SkipReason = "refused"
	// skipNoStream: the peer gave no credit for a stream in time.
	skipNoStream relay.SkipReason = "no_stream"
)

// groupsAtOnce is how many groups of a track are delivered at one time: the newest,
// the one before whose end is still coming, and one that upstream holds back.
const groupsAtOnce = 3

// delivery writes a subscription's objects, one unidirectional stream for each
// subgroup, and object for object as far as they have come (outflow.go). It is
// used by one goroutine: that of its request.
//
// Each subscription has a goroutine that blocks in Write, and a gate that all of
// a session share decides who writes next. The two alternatives were weighed:
// a single writer for the session cannot use blocking writes, as one stream
// without flow control credit would stop all tracks, and non-blocking writes
// cost a quarter more CPU in QUIC; and without the gate a burst of video would
// go out ahead of audio. A writer that blocks longer than the gate's lease loses
// its turn to the others and finishes beside them (gate.go). What upstream holds
// back is never waited for with a turn: only bytes that are there are written.
type delivery struct {
	reader  *relay.Reader
	version int // The wishes that reader follows.
	// cut overrides the reason of the next skip that the reader reports.
	cut     relay.SkipReason
	skipped bool // The reader left a group, and its streams are to be reset.
	resumes bool // Nothing went out yet of the group in whose midst reader began.

	flows   []*outflow // Open streams, the oldest first.
	spare   *outflow   // The last one that ended, to be used again.
	streams uint64     // Opened so far, for PUBLISH_DONE.
	scratch []byte     // Headers.
	frames  *frames    // What all of the track share.
	ticket  ticket
	stall   stall

	priority uint8 // Of the subscriber, when it was last looked for.
}

// follow places the reader anew when the subscriber's wishes changed.
func (p *publication) follow(w wishes) {
	p.priority = w.priority
	if p.reader != nil && p.version == w.version {
		return
	}
	p.resetAll(wire.ResetCancelled)
	p.version = w.version
	p.resumes = w.resumes && w.start.Object > 0
	p.reader = p.track.NewReader(relay.ReaderConfig{
		Start:  w.start,
		Until:  w.endGroup + 1, // Zero for no end.
		MaxLag: p.s.maxLag + w.debt,
		Groups: groupsAtOnce,
		OnSkip: func(reason relay.SkipReason, groups int) {
			if p.cut != "" {
				reason = p.cut
			}
			p.skipped = true
			p.s.metrics.skips.WithLabelValues(string(reason)).Add(float64(groups))
		},
	})
}

// take delivers what the reader handed out.
func (p *publication) take(ctx context.Context, item relay.Item) {
	switch {
	case item.SubgroupEnd:
		if f := p.find(item.Location.Group, item.Object.Subgroup); f != nil {
			p.end(ctx, f, item.Cut)
		}
	case item.End:
		p.endGroup(ctx, item)
	case item.Object.Datagram:
		p.deliverDatagram(item)
	default:
		p.deliver(ctx, item)
	}
}

// deliver writes an object as far as it has come.
func (p *publication) deliver(ctx context.Context, item relay.Item) {
	f := p.find(item.Location.Group, item.Object.Subgroup)
	p.scratch = p.scratch[:0]
	if f == nil {
		if f = p.open(ctx, item); f == nil {
			return
		}
	}
	switch {
	case f.refused || f.started && item.Object.ID < f.next:
		// What came behind its successors is for FETCH: IDs rise on a stream.
	case f.arriving:
		f.queue = append(f.queue, item)
	default:
		p.begin(ctx, f, item)
	}
}

// deliverDatagram sends an object in a datagram or not at all ("Object Datagram").
func (p *publication) deliverDatagram(item relay.Item) {
	p.scratch = p.s.d.AppendDatagram(p.scratch[:0], p.x.id, item.Location.Group, &item.Object)
	if p.s.conn.SendDatagram(p.scratch) != nil {
		p.s.metrics.datagramsLost.Inc()
		return
	}
	p.delivered(&item.Object)
}

func (p *publication) delivered(o *relay.Object) {
	now := time.Now()
	p.s.metrics.objects.Inc()
	p.s.metrics.bytes.Add(float64(len(o.Payload)))
	// What was complete before the subscription was not waiting for it.
	if o.Complete.After(p.born) {
		p.s.metrics.delivery.Observe(now.Sub(o.Complete).Seconds())
	}
}

// forwarded notes that the first bytes of an object from upstream went out.
func (p *publication) forwarded(o *relay.Object) {
	if o.Begun.After(p.born) {
		p.s.metrics.forward.Observe(time.Since(o.Begun).Seconds())
	}
}

// open starts the stream of a subgroup and leaves its header in scratch.
func (p *publication) open(ctx context.Context, item relay.Item) *outflow {
	octx, cancel := context.WithDeadline(ctx, time.Now().Add(p.s.maxLag))
	defer cancel()
	st, err := p.s.conn.OpenUniStream(octx)
	if err != nil {
		if ctx.Err() == nil {
			p.skip(item.Group, skipNoStream)
			p.s.stalled()
		}
		return nil
	}
	f := p.newFlow()
	f.stream, f.group = st, item.Group
	o := &item.Object
	f.header = wire.SubgroupHeader{
		TrackAlias:  p.x.id,
		Group:       item.Location.Group,
		Subgroup:    o.Subgroup,
		Priority:    o.Priority,
		EndOfGroup:  item.Group.EndsWith(o.Subgroup),
		FirstObject: o.First,
		Properties:  p.track.Properties() || len(o.Properties) > 0,
	}
	p.streams++
	p.resumes = p.resumes && item.Location.Group != p.current().start.Group
	p.scratch = p.s.d.AppendSubgroupHeader(p.scratch, f.header)
	return f
}

// endGroup ends what is still open of a group that was delivered to its end.
func (p *publication) endGroup(ctx context.Context, item relay.Item) {
	for i := 0; i < len(p.flows); {
		f := p.flows[i]
		if f.header.Group != item.Location.Group {
			i++
			continue
		}
		p.end(ctx, f, item.Cut)
	}
	if start := p.current().start; p.resumes && !item.Cut && item.Location.Group == start.Group {
		p.sayEnd(ctx, item, start)
	}
}

// sayEnd tells a subscriber who asked to go on within a group that it has all of it
// ("Object Status": End of Group). A relay that lost its upstream does not know.
func (p *publication) sayEnd(ctx context.Context, item relay.Item, start relay.Location) {
	item.Location = start
	item.Object = relay.Object{ID: start.Object, Status: relay.StatusEndOfGroup}
	p.scratch = p.scratch[:0]
	if f := p.open(ctx, item); f != nil {
		p.begin(ctx, f, item)
		p.end(ctx, f, false)
	}
}

// giveUp abandons what cannot be delivered further.
func (p *publication) giveUp(ctx context.Context, f *outflow, err error) {
	switch {
	case ctx.Err() != nil:
		p.resetAll(wire.ResetCancelled)
	case errors.Is(err, os.ErrDeadlineExceeded):
		p.skip(f.group, relay.SkipStalled)
		p.reset(f, wire.ResetDeliveryTimeout)
		p.s.stalled()
	case isStreamEnd(err):
		f.refuse(p.s.d.Reset(wire.ResetCancelled))
		p.s.metrics.skips.WithLabelValues(string(skipRefused)).Inc()
	default:
		p.s.fail(err)
	}
}

func (p *publication) skip(g *relay.Group, reason relay.SkipReason) {
	p.cut = reason
	p.reader.SkipGroup(g)
	p.cut = ""
}

// reconcile abandons the streams of groups that the reader has left
// ("Closing Subgroup Streams").
func (p *publication) reconcile() {
	if !p.skipped {
		return
	}
	p.skipped = false
	for _, f := range slices.Backward(p.flows) { // Removing one moves none that is still to come.
		if !p.reader.Reads(f.header.Group) {
			p.reset(f, wire.ResetTooFarBehind)
		}
	}
}
