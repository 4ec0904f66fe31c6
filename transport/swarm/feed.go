package swarm

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/freshet-live/freshet/relay"
	policy "github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/wire"
	"github.com/freshet-live/freshet/transport/moqt"
	moqwire "github.com/freshet-live/freshet/transport/moqt/wire"
)

// groupsAtOnce is how many groups are fed at one time, as with MoQ's subscriptions.
const groupsAtOnce = 3

// feeder sends a viewer the pieces that it wants fed. Pieces go out as soon as their
// bytes are there, be their chunk still arriving.
type feeder struct {
	// Set by newFeeder, then read-only.
	m     *member
	track *relay.Track
	// changed wakes run: the track grew, or the viewer's wishes changed.
	changed chan struct{}

	mu       sync.Mutex
	schedule schedule // Guarded by mu.
	version  int      // Guarded by mu. Counts changes of schedule.

	// Owned by run.
	wishes  schedule
	seen    int // The version of wishes.
	reader  *relay.Reader
	skipped bool            // The reader left a group.
	pos     policy.PieceID  // Behind the last piece that was looked at.
	reading map[uint64]bool // Groups that were begun and have not ended.
	flows   map[uint64]*flow
	sent    sent
	parked  bool   // Nothing is wanted.
	stop    func() // Ends the track's waking; nil while it does not.
	scratch []byte
}

// flow is the stream of a group, with what is still arriving of it.
type flow struct {
	stream  *moqt.MediaStream // Nil before the first piece.
	group   *relay.Group
	open    []arriving
	refused bool // The viewer wants no more of this group.
}

// arriving is a chunk of which pieces are still to come.
type arriving struct {
	index int
	first uint32
	size  int
	next  int // The piece, within the chunk.
}

func newFeeder(m *member, t *relay.Track) *feeder {
	return &feeder{
		m: m, track: t, changed: make(chan struct{}, 1), parked: true,
		reading: make(map[uint64]bool), flows: make(map[uint64]*flow),
	}
}

// want takes a message of the viewer.
func (f *feeder) want(w wish) {
	f.mu.Lock()
	f.schedule = slices.Clone(f.schedule).add(w) // What run holds stays as it is.
	f.version++
	f.mu.Unlock()
	select {
	case f.changed <- struct{}{}:
	default: // A wake-up is pending already.
	}
}

// run feeds until ctx ends; the track's end ends the feeding.
func (f *feeder) run(ctx context.Context) {
	defer f.park(moqwire.ResetCancelled)
	for ctx.Err() == nil {
		f.follow()
		if f.parked {
			f.sleep(ctx)
			continue
		}
		moved := f.pump(ctx)
		item, ok, err := f.reader.TryNext()
		f.reconcile()
		switch {
		case err != nil:
			f.closeAll()
			return
		case ok:
			f.take(ctx, item)
			f.reconcile()
		case !moved:
			f.sleep(ctx)
		}
	}
}

func (f *feeder) sleep(ctx context.Context) {
	select {
	case <-f.changed:
	case <-ctx.Done():
	}
}

// follow places the reader where the viewer's wishes begin, when they changed, and
// stops when there are none.
func (f *feeder) follow() {
	f.mu.Lock()
	wishes, version := f.schedule, f.version
	f.mu.Unlock()
	if version != f.seen {
		start := f.restart(wishes)
		f.wishes, f.seen, f.parked = wishes, version, false
		f.read(start)
	}
	if !f.parked && f.wishes.over(f.pos) && !f.busy() {
		f.closeAll()
		f.unwatch()
		f.parked = true
	}
}

// restart is the group to read from: those that are being read go on, and the new wish
// may reach further back. Which pieces went out is remembered.
func (f *feeder) restart(wishes schedule) uint64 {
	start := wishes[len(wishes)-1].from.Group
	if f.reader == nil {
		return start
	}
	if !f.parked {
		start = min(start, f.pos.Group)
	}
	for id := range f.reading {
		start = min(start, id)
	}
	return start
}

func (f *feeder) read(group uint64) {
	if f.stop == nil {
		f.stop = f.track.Notify(f.changed)
	}
	for _, fl := range f.flows {
		fl.open = nil // It is read anew.
	}
	clear(f.reading)
	f.reader = f.track.NewReader(relay.ReaderConfig{
		Start: relay.Location{Group: group}, MaxLag: f.m.peer.MaxLag(), Groups: groupsAtOnce,
		OnSkip: func(reason relay.SkipReason, groups int) {
			f.skipped = true
			f.m.room.edge.metrics.skips.WithLabelValues(string(reason)).Add(float64(groups))
		},
	})
}

func (f *feeder) unwatch() {
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
}

// busy tells whether pieces may still come that an older wish wants.
func (f *feeder) busy() bool {
	for _, fl := range f.flows {
		if len(fl.open) > 0 {
			return true
		}
	}
	for id := range f.reading {
		if id < f.wishes[len(f.wishes)-1].from.Group {
			return true
		}
	}
	return false
}

// take acts on what the reader handed out.
func (f *feeder) take(ctx context.Context, item relay.Item) {
	group := item.Location.Group
	switch {
	case item.SubgroupEnd:
	case item.End:
		f.pumpFlow(ctx, group, f.flows[group])
		f.end(group)
	case item.Object.Status != relay.StatusNormal:
	default:
		f.reading[group] = true
		f.chunk(ctx, item)
	}
}

// chunk begins with an object.
func (f *feeder) chunk(ctx context.Context, item relay.Item) {
	first, ok := f.m.room.pieces.number(item.Group, item.Location.Object)
	if !ok {
		f.m.room.edge.metrics.unnumbered.Inc()
		return
	}
	group, size := item.Location.Group, item.Object.Size
	if next := (policy.PieceID{Group: group, N: first + uint32(len(policy.Cut(size)))}); f.pos.Less(next) {
		f.pos = next
	}
	fl := f.flows[group]
	if fl == nil {
		fl = &flow{group: item.Group}
		f.flows[group] = fl
	}
	fl.open = append(fl.open, arriving{index: item.Index, first: first, size: size})
	f.pumpFlow(ctx, group, fl)
}

// pump sends what has come of chunks that are arriving. It tells whether there was
// something.
func (f *feeder) pump(ctx context.Context) (moved bool) {
	for id, fl := range f.flows {
		moved = f.pumpFlow(ctx, id, fl) || moved
	}
	return moved
}

func (f *feeder) pumpFlow(ctx context.Context, group uint64, fl *flow) (moved bool) {
	if fl == nil {
		return false
	}
	for i := 0; i < len(fl.open); {
		a := &fl.open[i]
		some, done := f.advance(ctx, group, fl, a)
		moved = moved || some
		switch {
		case f.flows[group] != fl || ctx.Err() != nil:
			return moved // It was given up.
		case done:
			fl.open = append(fl.open[:i], fl.open[i+1:]...)
		default:
			i++
		}
	}
	return moved
}

// advance sends the pieces of a chunk whose bytes are there. done says that no more
// will come.
func (f *feeder) advance(ctx context.Context, group uint64, fl *flow, a *arriving) (moved, done bool) {
	o, gone := fl.group.Progress(a.index)
	if gone || o.Size != a.size || fl.refused {
		return false, true
	}
	sizes := policy.Cut(a.size)
	for a.next < len(sizes) {
		from := a.next * sizes[0]
		if len(o.Payload) < from+sizes[a.next] {
			return moved, false
		}
		id := policy.PieceID{Group: group, N: a.first + uint32(a.next)}
		if !f.send(ctx, fl, id, o.Payload[from:from+sizes[a.next]]) {
			return true, true
		}
		a.next++
		moved = true
	}
	return moved, true
}

// send writes a piece that is wanted and was not sent; false when the group was given
// up.
func (f *feeder) send(ctx context.Context, fl *flow, id policy.PieceID, b []byte) bool {
	if !f.wishes.wants(id, f.m.subs) {
		return true
	}
	marks := f.sent.of(id.Group)
	if marks == nil || marks.has(id.N) {
		return true
	}
	f.scratch = f.scratch[:0]
	if fl.stream == nil && !f.open(ctx, fl) {
		return false
	}
	f.scratch = wire.AppendPieceHeader(f.scratch, id, len(b))
	if err := fl.stream.Write(ctx, f.scratch, b); err != nil {
		f.giveUp(fl, err)
		return false
	}
	marks.set(id.N)
	f.m.room.edge.metrics.fed.Add(float64(len(b)))
	f.m.totals.fed.Add(int64(len(b)))
	return true
}

// open starts the stream of a group and leaves its header in scratch.
func (f *feeder) open(ctx context.Context, fl *flow) bool {
	octx, cancel := context.WithDeadline(ctx, time.Now().Add(f.m.peer.MaxLag()))
	defer cancel()
	st, err := f.m.peer.OpenUniStream(octx, moqt.OrderBulk)
	if err != nil {
		f.giveUp(fl, os.ErrDeadlineExceeded)
		return false
	}
	fl.stream = st
	f.scratch = wire.AppendPiecesHeader(f.scratch, wire.PiecesHeader{Swarm: f.m.number, Kind: wire.PiecesFed, ID: fl.group.ID()})
	return true
}

// giveUp abandons a group that cannot be delivered.
func (f *feeder) giveUp(fl *flow, err error) {
	if _, refused := errors.AsType[*moqt.StreamError](err); refused {
		fl.refused, fl.open = true, nil
		return
	}
	f.reader.SkipGroup(fl.group)
	f.reset(fl.group.ID(), moqwire.ResetDeliveryTimeout)
}

// reconcile abandons the groups that the reader has left, because the viewer is too far
// behind.
func (f *feeder) reconcile() {
	if !f.skipped {
		return
	}
	f.skipped = false
	for id := range f.flows {
		if !f.reader.Reads(id) {
			f.reset(id, moqwire.ResetTooFarBehind)
		}
	}
	for id := range f.reading {
		if !f.reader.Reads(id) {
			delete(f.reading, id)
		}
	}
}

// end closes the stream of a group that was delivered.
func (f *feeder) end(group uint64) {
	delete(f.reading, group)
	fl := f.flows[group]
	if fl == nil {
		return
	}
	delete(f.flows, group)
	if fl.stream != nil && !fl.refused {
		_ = fl.stream.Close()
	}
}

// reset abandons the stream of a group.
func (f *feeder) reset(group uint64, c moqwire.ResetCode) {
	delete(f.reading, group)
	fl := f.flows[group]
	if fl == nil {
		return
	}
	delete(f.flows, group)
	if fl.stream != nil && !fl.refused {
		fl.stream.Cancel(c)
	}
}

func (f *feeder) closeAll() {
	for id := range f.flows {
		f.end(id)
	}
}

// park is the end of feeding.
func (f *feeder) park(c moqwire.ResetCode) {
	f.unwatch()
	for id := range f.flows {
		f.reset(id, c)
	}
}
