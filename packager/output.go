package packager

import (
	"math"
	"math/bits"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/relay"
)

// output is one track: it numbers chunks, keeps the sum of the durations, and
// appends to the log.
type output struct {
	// Set by newOutput, then read-only.
	p      *Packager
	track  *relay.Track
	header *cmaf.Header
	groups prometheus.Counter
	chunks prometheus.Counter
	bytes  prometheus.Counter
	// Set by slot.open, then read-only. nil without.
	beacons *beacons

	group    *relay.Group
	fresh    bool // The group has no chunk yet.
	opening  bool // The next chunk starts the group opens.
	opens    uint64
	sequence uint32 // Of the last chunk; rises through all groups.
	started  bool
	decode   uint64 // The sum of all sample durations since the start: the next tfdt.
	rate     rateMeter
}

func (p *Packager) newOutput(kind string, track *relay.Track, header *cmaf.Header) *output {
	return &output{
		p: p, track: track, header: header,
		groups: p.metrics.groups.WithLabelValues(kind),
		chunks: p.metrics.chunks.WithLabelValues(kind),
		bytes:  p.metrics.bytes.WithLabelValues(kind),
	}
}

// openGroup ends the group and starts one, both with the next chunk: viewers are
// woken once, and what ends one stream goes out with what begins the next.
func (o *output) openGroup(id uint64) { o.opens, o.fresh, o.opening = id, true, true }

// publish adds an object to the group, which it may start.
func (o *output) publish(object relay.Object) (err error) {
	if !o.opening {
		return o.group.Append(object)
	}
	if o.group, err = o.track.StartGroup(o.opens, object); err != nil {
		return err
	}
	o.opening = false
	o.groups.Inc()
	return nil
}

// fit gives the duration and the composition offset of a sample that decodes at
// dts for delta and is shown at pts, all in the timescale. What was predicted
// wrong before is made up for by this sample, or by more if it would last too
// long: its tfdt is given, its PTS exact.
func (o *output) fit(dts, pts, delta int64) (duration uint32, offset int32) {
	limit := rescale(maxAbsorbed, o.header.Timescale)
	longest := min(max(delta, rescale(maxStretch, o.header.Timescale)), math.MaxInt32)
	at := int64(o.decode)
	if !o.started || dts-at > limit || at-dts > limit {
		// The start, or the encoder was away: tfdt steps.
		o.started = true
		at = max(at, dts)
		o.decode = uint64(at)
	}
	d := max(1, min(dts+delta-at, longest))
	return uint32(d), int32(max(math.MinInt32, min(pts-at, math.MaxInt32)))
}

// append publishes samples, which decode from o.decode on, as one chunk.
// produced is when the encoder put the first one out, complete when the last one
// was here.
func (o *output) append(samples []cmaf.Sample, nal bool, produced, complete time.Time) error {
	c := cmaf.Chunk{
		Sequence: o.sequence + 1, DecodeTime: o.decode, LengthPrefix: nal,
		Segment: o.fresh, HasProducer: o.fresh, Samples: samples,
	}
	if o.fresh {
		c.Producer = cmaf.ProducerTime{NTP: cmaf.TimeNTP(produced), MediaTime: o.decode}
	}
	payload, err := c.Encode()
	if err != nil {
		o.p.drop(dropTooLarge)
		return nil //nolint:nilerr // It was counted, and the next picture may fit.
	}
	if err := o.publish(relay.Object{Payload: payload, Complete: complete}); err != nil {
		return err
	}
	if err := o.beacons.sign(o.group, payload, o.presents(&samples[0])); err != nil {
		return err
	}
	o.sequence++
	o.fresh = false
	before := o.decode
	for i := range samples {
		o.decode += uint64(samples[i].Duration)
	}
	o.rate.add(len(payload), int64(o.decode-before), o.header.Timescale)
	o.chunks.Inc()
	o.bytes.Add(float64(len(payload)))
	return nil
}

// presents is when a sample that decodes at o.decode is shown, on the broadcast's
// timeline.
func (o *output) presents(s *cmaf.Sample) time.Duration {
	ticks := max(int64(o.decode)+int64(s.Offset), 0)
	scale := int64(o.header.Timescale)
	seconds, rest := ticks/scale, ticks%scale
	return time.Duration(seconds)*time.Second + time.Duration(rest)*time.Second/time.Duration(scale)
}

// close ends the track, and that of its beacons.
func (o *output) close() {
	o.track.Close(nil)
	o.beacons.close()
}

// rescale turns ticks of ingest.Clock into a timescale, to the nearest.
func rescale(v int64, timescale uint32) int64 {
	if timescale == ingest.Clock {
		return v
	}
	hi, lo := bits.Mul64(uint64(max(v, 0)), uint64(timescale))
	lo, carry := bits.Add64(lo, ingest.Clock/2, 0)
	hi += carry
	q, _ := bits.Div64(hi%ingest.Clock, lo, ingest.Clock)
	return int64(q)
}
