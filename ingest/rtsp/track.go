package rtsp

import (
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtp"

	"github.com/freshet-live/freshet/ingest"
)

// maxPending is how many packets may go into one access unit: 8 MiB, which is
// where gortsplib gives up, in packets of half a kilobyte. It keeps a peer from
// filling the memory with packets of one byte.
const maxPending = 16 << 10

// moment is when an access unit is, for the stream that asks.
type moment struct {
	clock         *streamClock
	timestamp     uint32
	arrived, wall time.Time
}

// pts is asked once for an access unit that is handed out: what is dropped before
// a stream begins does not set its clock.
func (m moment) pts() int64 { return m.clock.stamp(m.timestamp, m.arrived, m.wall) }

// track makes access units of one stream's packets.
type track struct {
	// Set by newTrack, then read-only.
	id        int
	media     *description.Media
	format    format.Format
	assembler assembler

	clock  streamClock
	report report // The newest.
	decode depacketize

	sequence uint16 // Of the packet before.
	started  bool
	missing  bool // The next access unit is Lost.
	// held: the depacketizer has units of this timestamp. It hands them out at
	// the next timestamp when the sender sets no marker.
	held     bool
	heldTime uint32
	pending  int // Packets since the last access unit.
	// skipping: the access unit of this timestamp is damaged.
	skipping bool
	skipTime uint32

	stats  StreamStats
	jitter jitter
}

func newTrack(id int, c *clock, m *description.Media, f format.Format) (*track, error) {
	a, err := newAssembler(f)
	if err != nil {
		return nil, err
	}
	if f.ClockRate() <= 0 {
		return nil, errUnsupported
	}
	t := &track{
		id: id, media: m, format: f, assembler: a,
		clock: streamClock{clock: c, rate: int64(f.ClockRate())},
		stats: StreamStats{ID: id, Codec: a.codec().String()},
	}
	if t.decode, err = a.depacketizer(); err != nil {
		return nil, err
	}
	return t, nil
}

// packet takes the next packet. An error is push's.
func (t *track) packet(p *rtp.Packet, arrived time.Time, push func(ingest.AccessUnit) error) error {
	t.stats.Packets++
	t.stats.Bytes += uint64(len(p.Payload))
	t.jitter.observe(p.Timestamp, arrived, t.clock.rate)
	if !t.follow(p) || t.skip(p) {
		return nil
	}
	units := t.unpack(p)
	if units == nil {
		return nil
	}
	timestamp := p.Timestamp
	if t.held && t.heldTime != timestamp {
		timestamp = t.heldTime
		t.heldTime, t.pending = p.Timestamp, 1
	} else {
		t.held, t.pending = false, 0
	}
	at := moment{&t.clock, timestamp, arrived, t.report.wall(p.SSRC, timestamp, t.clock.rate)}
	return t.assembler.assemble(units, at, t.missing,
		func(au ingest.AccessUnit) error {
			t.missing = false
			t.stats.AccessUnits++
			au.Stream, au.Complete = t.id, arrived
			return push(au)
		})
}

// unpack gives what p completes; nil when that is nothing.
func (t *track) unpack(p *rtp.Packet) [][]byte {
	units, err := t.decode(p)
	switch {
	case err == nil:
		return units
	case needsMore(err):
		t.hold(p)
	default:
		t.stats.Damaged++
		t.restart()
	}
	return nil
}

// hold remembers that a packet waits for others.
func (t *track) hold(p *rtp.Packet) {
	if !t.held {
		t.held, t.heldTime = true, p.Timestamp
	}
	if t.pending++; t.pending > maxPending {
		t.stats.Damaged++
		t.restart()
	}
}

// follow counts what is missing before p. It is false for a packet that came
// twice.
func (t *track) follow(p *rtp.Packet) bool {
	gap := p.SequenceNumber - t.sequence - 1
	if !t.started {
		t.started, gap = true, 0
	}
	if gap == 1<<16-1 {
		return false
	}
	t.sequence = p.SequenceNumber
	if gap == 0 {
		return true
	}
	if gap < 1<<15 { // Else the sender began anew.
		t.stats.Lost += uint64(gap)
	}
	t.restart()
	if t.assembler.codec().IsVideo() {
		t.skipping, t.skipTime = true, p.Timestamp
	}
	return true
}

// skip is true for the packets of the picture in which something was missing:
// whether its head is here cannot be told.
func (t *track) skip(p *rtp.Packet) bool {
	if !t.skipping {
		return false
	}
	if p.Timestamp != t.skipTime {
		t.skipping = false
		return false
	}
	t.skipping = !p.Marker
	return true
}

// restart forgets what is half done.
func (t *track) restart() {
	t.missing, t.held, t.pending = true, false, 0
	if decode, err := t.assembler.depacketizer(); err == nil { // It was made before.
		t.decode = decode
	}
}
