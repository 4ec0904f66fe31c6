package mpegts

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/freshet-live/freshet/ingest"
)

// ErrNoSync says that what is sent is no MPEG transport stream.
var ErrNoSync = errors.New("mpegts: no transport stream: sync bytes not found")

// Config is what a Demuxer needs.
type Config struct {
	// Sink takes the program and the access units.
	Sink ingest.Sink
	// Metrics are shared by all demuxers; nil counts for Stats alone.
	Metrics *Metrics
	// Logger may be nil.
	Logger *slog.Logger
}

// Demuxer reads one transport stream. Its methods, Stats excepted, are for one
// goroutine at a time.
type Demuxer struct {
	// Set by New, then read-only.
	sink    ingest.Sink
	metrics *Metrics
	log     *slog.Logger

	framer framer
	now    time.Time // When the bytes at hand arrived.
	index  [8192]uint8
	pids   []*pid // Index 0 is nobody.
	psi    psi
	clock  clock
	err    error // The sink's; sticky.

	tally  tally
	warned [classes]bool
	totals totals // Read by Stats from any goroutine.
}

// pid is what is known of one PID that is listened to.
type pid struct {
	num      uint16
	cc       uint8
	seen     bool
	repeated bool   // The last packet came twice.
	step     bool   // A packet without payload announced a discontinuity.
	sig      uint64 // Tells a repeated packet from one 16 packets later.
	sections *sections
	section  func([]byte)
	stream   *stream
}

// New makes a Demuxer that has seen nothing yet.
func New(cfg Config) *Demuxer {
	d := &Demuxer{sink: cfg.Sink, metrics: cfg.Metrics, log: cfg.Logger, pids: make([]*pid, 1, 8)}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.metrics == nil {
		d.metrics = NewMetrics(nil)
	}
	d.listen(&pid{num: pidPAT, sections: &sections{}, section: d.patSection})
	return d
}

// Stats is safe for any goroutine.
func (d *Demuxer) Stats() Stats { return d.totals.snapshot() }

// Write takes the next bytes, in any chunking, and the time they arrived. p is
// not retained. The errors are ErrNoSync and the Sink's.
func (d *Demuxer) Write(p []byte, at time.Time) error {
	if d.err != nil {
		return d.err
	}
	d.now = at
	d.tally.bytes += uint64(len(p))
	data := p
	if len(d.framer.carry) > 0 {
		d.framer.carry = append(d.framer.carry, p...)
		data = d.framer.carry
	}
	n := d.consume(data, false)
	d.framer.carry = append(d.framer.carry[:0], data[n:]...)
	d.publish()
	return d.err
}

// Flush hands out what is complete at the end of the stream.
func (d *Demuxer) Flush(at time.Time) error {
	if d.err != nil {
		return d.err
	}
	d.now = at
	d.consume(d.framer.carry, true)
	d.framer.carry = d.framer.carry[:0]
	d.choose(true)
	for _, p := range d.pids[1:] {
		if p.stream != nil {
			p.stream.flush()
		}
	}
	d.publish()
	return d.err
}

func (d *Demuxer) publish() {
	if d.tally.damaged {
		for c, n := range d.tally.errors {
			if n > 0 && !d.warned[c] {
				d.warned[c] = true
				d.log.LogAttrs(context.Background(), slog.LevelWarn,
					"transport stream damaged; more of this class is only counted",
					slog.String("class", classNames[c]))
			}
		}
	}
	d.tally.publish(&d.totals, d.metrics)
}

// consume reads the packets in b and returns how many bytes it has done with.
func (d *Demuxer) consume(b []byte, final bool) int {
	f := &d.framer
	pos := 0
	for d.err == nil {
		rest := b[pos:]
		if f.stride == 0 {
			skip, stride := f.lock(rest, final)
			pos += skip
			d.skipped(skip)
			if f.stride = stride; stride == 0 {
				return pos
			}
			f.locked = true
			continue
		}
		if len(rest) < f.stride && (!final || len(rest) < packetSize) {
			return pos
		}
		pos += d.frame(rest)
	}
	return len(b)
}

// frame reads one packet at rest[0] and returns how far to go on.
func (d *Demuxer) frame(rest []byte) int {
	f := &d.framer
	next := min(f.stride, len(rest))
	if rest[0] != syncByte {
		d.tally.error(ErrorSync)
		if len(rest) > next && rest[next] == syncByte {
			return next // This packet alone is damaged.
		}
		f.stride = 0
		return 0
	}
	if len(rest) > f.stride && rest[f.stride] != syncByte {
		if n := f.cut(rest); n > 0 {
			d.tally.error(ErrorSync)
			return n
		}
	}
	d.packet(rest[:packetSize])
	return next
}

// skipped accounts for n bytes without sync.
func (d *Demuxer) skipped(n int) {
	if n == 0 {
		return
	}
	if !d.framer.locked {
		d.framer.before += n
		if d.framer.before > noSyncLimit {
			d.err = ErrNoSync
		}
		return
	}
	if n >= 15*packetSize { // The continuity counters could come round.
		for _, p := range d.pids[1:] {
			p.damage()
		}
	}
}

func (d *Demuxer) packet(b []byte) {
	d.tally.packets++
	num := binary.BigEndian.Uint16(b[1:]) & 0x1FFF
	i := d.index[num]
	if b[1]&0x80 != 0 {
		d.tally.error(ErrorTransport)
		return
	}
	if i == 0 {
		return
	}
	var pkt packet
	p := d.pids[i]
	if !parsePacket(b, &pkt) {
		d.tally.error(ErrorPES)
		p.damage()
		return
	}
	if pkt.scrambled {
		d.tally.error(ErrorScrambled)
		p.damage()
		return
	}
	if !d.continuity(p, &pkt) || len(pkt.payload) == 0 {
		return
	}
	if p.sections != nil {
		p.sections.packet(pkt.payload, pkt.start, p.section)
		return
	}
	p.stream.packet(&pkt)
}

// continuity checks the counter (ISO/IEC 13818-1, 2.4.3.3). It is false for a
// packet to be left out.
func (d *Demuxer) continuity(p *pid, pkt *packet) bool {
	if !pkt.hasPayload {
		p.step = p.step || pkt.discontinuity
		return false
	}
	sig := signature(pkt.payload)
	seen, last, step := p.seen, p.cc, p.step || pkt.discontinuity
	same := pkt.cc == last && sig == p.sig
	p.seen, p.cc, p.sig, p.step = true, pkt.cc, sig, false
	switch {
	case !seen, pkt.cc == (last+1)&0x0F:
		p.repeated = false
		return true
	case same && (!p.repeated || p.sections != nil): // Tables often stand still.
		p.repeated = true
		d.tally.error(ErrorDuplicate)
		return false
	case step:
		d.tally.error(ErrorDiscontinuity)
	default:
		d.tally.error(ErrorContinuity)
	}
	p.repeated = false
	p.damage()
	return true
}

func signature(b []byte) uint64 {
	if len(b) < 8 {
		return uint64(len(b))
	}
	return binary.LittleEndian.Uint64(b) ^ binary.BigEndian.Uint64(b[len(b)-8:])
}

// damage says that something of this PID is missing.
func (p *pid) damage() {
	if p.sections != nil {
		p.sections.reset()
		return
	}
	p.stream.damage()
}

// listen adds a PID, or replaces what is known of it.
func (d *Demuxer) listen(p *pid) {
	if i := d.index[p.num]; i != 0 {
		d.pids[i] = p
		return
	}
	if len(d.pids) > 255 {
		return // More than any program has; the rest is not read.
	}
	d.index[p.num] = uint8(len(d.pids))
	d.pids = append(d.pids, p)
}

// ignore removes a PID.
func (d *Demuxer) ignore(num uint16) {
	i, last := d.index[num], len(d.pids)-1
	if i == 0 {
		return
	}
	d.pids[i] = d.pids[last]
	d.index[d.pids[i].num] = i
	d.index[num] = 0
	d.pids = d.pids[:last]
}

// push hands an access unit over; before the first one the program is announced.
func (d *Demuxer) push(au ingest.AccessUnit, codec ingest.Codec) {
	if d.err != nil {
		return
	}
	if !d.psi.announced {
		d.announce()
	}
	au.Complete = d.now
	if codec.IsVideo() {
		d.tally.units[1]++
	} else {
		d.tally.units[0]++
	}
	if err := d.sink.Push(au); err != nil {
		d.err = fmt.Errorf("push access unit: %w", err)
	}
}
