package moqt

import (
	"context"
	"errors"
	"os"
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

// delivery writes a subscription's objects, one unidirectional stream for each
// group. It is used by one goroutine: that of its request.
//
// Each subscription has a goroutine that blocks in Write, and a gate that all of
// a session share decides who writes next. The two alternatives were weighed:
// a single writer for the session cannot use blocking writes, as one stream
// without flow control credit would stop all tracks, and non-blocking writes
// cost a quarter more CPU in QUIC; and without the gate a burst of video would
// go out ahead of audio. A writer that blocks longer than the gate's lease loses
// its turn to the others and finishes beside them (gate.go).
type delivery struct {
	reader  *relay.Reader
	version int // The wishes that reader follows.
	// cut overrides the reason of the next skip that the reader reports.
	cut relay.SkipReason

	stream  SendStream // Nil between groups.
	header  wire.SubgroupHeader
	group   uint64 // Of stream.
	next    uint64 // The Object ID that needs no gap.
	streams uint64 // Opened so far, for PUBLISH_DONE.
	scratch []byte // Headers.
	ticket  ticket
}

// follow places the reader anew when the subscriber's wishes changed.
func (p *publication) follow(w wishes) {
	if p.reader != nil && p.version == w.version {
		return
	}
	p.reset(wire.ResetCancelled)
	p.version = w.version
	p.reader = p.track.NewReader(relay.ReaderConfig{
		Start:  w.start,
		MaxLag: p.s.maxLag + w.debt,
		OnSkip: func(reason relay.SkipReason, groups int) {
			if p.cut != "" {
				reason = p.cut
			}
			p.s.metrics.skips.WithLabelValues(string(reason)).Add(float64(groups))
		},
	})
}

// deliver writes one object whole, or gives its group up.
func (p *publication) deliver(ctx context.Context, item relay.Item, w wishes) {
	if p.stream != nil && p.group != item.Location.Group {
		// The reader left the group before its end.
		p.reset(wire.ResetTooFarBehind)
	}
	p.ticket.key = uint16(w.priority)<<8 | uint16(p.track.Priority())
	deadline := time.Now().Add(p.s.maxLag)
	p.scratch = p.scratch[:0]
	if p.stream == nil && !p.open(ctx, item.Location, deadline) {
		return
	}
	delta := item.Location.Object - p.next
	p.scratch = p.s.d.AppendSubgroupObject(p.scratch, &p.header, delta, &item.Object)
	_ = p.stream.SetWriteDeadline(deadline)
	if err := p.s.writeMedia(ctx, p.stream, &p.ticket, p.scratch, item.Object.Payload); err != nil {
		p.giveUp(ctx, err)
		return
	}
	p.next = item.Location.Object + 1
	p.delivered(item.Object)
}

func (p *publication) delivered(o relay.Object) {
	now := time.Now()
	p.s.metrics.objects.Inc()
	p.s.metrics.bytes.Add(float64(len(o.Payload)))
	// What was complete before the subscription was not waiting for it.
	if o.Complete.After(p.born) {
		p.s.metrics.delivery.Observe(now.Sub(o.Complete).Seconds())
	}
}

// open starts the stream of a group at l and leaves its header in scratch.
func (p *publication) open(ctx context.Context, l relay.Location, deadline time.Time) bool {
	octx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	st, err := p.s.conn.OpenUniStream(octx)
	if err != nil {
		if ctx.Err() == nil {
			p.skip(skipNoStream)
			p.s.stalled()
		}
		return false
	}
	p.stream, p.group, p.next = st, l.Group, 0
	p.streams++
	p.header = wire.SubgroupHeader{
		TrackAlias:  p.x.id,
		Group:       l.Group,
		Priority:    p.track.Priority(),
		EndOfGroup:  true,
		FirstObject: l.Object == 0,
	}
	p.scratch = p.s.d.AppendSubgroupHeader(p.scratch, p.header)
	return true
}

// endGroup closes the stream of a group that was delivered to its end.
func (p *publication) endGroup(item relay.Item) {
	if p.stream != nil && p.group == item.Location.Group {
		_ = p.stream.Close()
		p.stream = nil
		p.s.progressed()
	}
}

// giveUp ends the stream of a group that cannot be delivered further.
func (p *publication) giveUp(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
		p.reset(wire.ResetCancelled)
	case errors.Is(err, os.ErrDeadlineExceeded):
		p.reset(wire.ResetDeliveryTimeout)
		p.skip(relay.SkipStalled)
		p.s.stalled()
	case isStreamEnd(err):
		p.reset(wire.ResetCancelled)
		p.skip(skipRefused)
	default:
		p.s.fail(err)
	}
}

func (p *publication) skip(reason relay.SkipReason) {
	p.cut = reason
	p.reader.SkipGroup()
	p.cut = ""
}

// reset abandons the open stream ("Closing Subgroup Streams").
func (p *publication) reset(c wire.ResetCode) {
	if p.stream != nil {
		p.stream.CancelWrite(p.s.d.Reset(c))
		p.stream = nil
	}
}
