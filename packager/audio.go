package packager

import (
	"bytes"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/packager/cmaf"
)

// audio packages one audio stream: whole frames, three of AAC a chunk.
//
// The first PTS anchors the track; from then on samples are counted, because a
// PTS of 90 kHz cannot say where a sample of 44.1 kHz is. When the two drift
// apart by most of a frame and stay there, the track is anchored again: a gap is
// covered by the frame after it, frames of a time already published are dropped.
type audio struct {
	slot   *slot
	format *ingest.AudioFormat // Of the header.
	broken *ingest.AudioFormat // No header can be made of it.

	pending  []cmaf.Sample
	frames   []byte   // The frames of pending, one behind the other. Reused.
	units    [][]byte // Backs the Units of pending: parts of frames.
	span     int64    // Of pending, in the timescale.
	complete time.Time
	produced time.Time

	lags     bool // The samples so far do not cover a gap yet.
	drifts   int  // Units in a row that were off.
	hasGroup bool
	groupPTS int64
}

const (
	// driftFrames in a row must be off for the track to be anchored again, so
	// that a jittery PTS does not tear the sound.
	driftFrames = 3
	// minDrift is the least drift that counts, in ticks of ingest.Clock.
	minDrift = 10 * clockMs
	// maxDrift is not waited for.
	maxDrift = 200 * clockMs
)

func (a *audio) push(au *ingest.AccessUnit, at placed) error {
	ok, err := a.prepare(au)
	if !ok || err != nil {
		return err
	}
	o := a.slot.out
	scale := o.header.Timescale
	frame := int64(au.Samples)
	pts, next := rescale(at.pts, scale), int64(o.decode)+a.span
	if o.started && !a.anchorAgain(pts-next, au, scale) && !a.lags {
		pts = next
	}
	if o.started && pts < next {
		a.slot.p.drop(dropOverlap)
		return nil
	}
	if pts != next {
		if err := a.flush(); err != nil {
			return err
		}
	}
	if err := a.cut(at.pts); err != nil {
		return err
	}
	return a.add(au, pts, frame)
}

// add puts a frame, which sounds at pts, into the chunk, and publishes it when
// it is full.
func (a *audio) add(au *ingest.AccessUnit, pts, frame int64) error {
	o := a.slot.out
	duration, offset := uint32(frame), int32(0)
	if len(a.pending) == 0 {
		duration, offset = o.fit(pts, pts, frame)
		a.produced = au.Complete.Add(-a.slot.p.delay)
	}
	// Frames of pending stay where they are if this one makes the buffer grow.
	start := len(a.frames)
	a.frames = append(a.frames, au.Units[0]...)
	a.units = append(a.units, a.frames[start:])
	a.pending = append(a.pending, cmaf.Sample{
		Units: a.units[len(a.units)-1:], Duration: duration, Offset: offset, Flags: cmaf.FlagsSync,
	})
	a.span += int64(duration)
	a.complete = au.Complete
	a.lags = int64(o.decode)+a.span < pts+frame
	if !a.lags && a.span+frame <= rescale(audioChunk, o.header.Timescale) {
		return nil
	}
	return a.flush()
}

// anchorAgain tells whether a frame that is off by drift has to be placed by
// its PTS.
func (a *audio) anchorAgain(drift int64, au *ingest.AccessUnit, scale uint32) bool {
	size := max(drift, -drift)
	if size <= max(int64(au.Samples)*3/4, rescale(minDrift, scale)) {
		a.drifts = 0
		return false
	}
	a.drifts++
	return au.Lost || a.drifts >= driftFrames || size > rescale(maxDrift, scale)
}

// prepare sees to the track: a changed format starts another.
func (a *audio) prepare(au *ingest.AccessUnit) (ok bool, err error) {
	s := a.slot
	if s.out != nil && a.format != nil && (a.format == au.Format || sameFormat(a.format, au.Format)) {
		return true, nil
	}
	if a.broken != nil && sameFormat(a.broken, au.Format) {
		s.p.drop(dropFormat)
		return false, nil
	}
	header, err := cmaf.NewAudioHeader(s.stream.Codec, au.Format, s.stream.Language)
	if err != nil {
		a.broken = au.Format
		s.p.drop(dropFormat)
		s.p.log.Warn("audio format cannot be carried", "track", s.name, "error", err)
		return false, nil
	}
	if s.out != nil && bytes.Equal(s.out.header.Bytes, header.Bytes) {
		a.format = au.Format
		return true, nil
	}
	if !s.mayOpen() {
		s.p.drop(dropFormat)
		return false, nil
	}
	a.format = au.Format
	if err := s.flush(); err != nil {
		return false, err
	}
	a.hasGroup = false
	return true, s.open(header)
}

func sameFormat(a, b *ingest.AudioFormat) bool {
	return a.SampleRate == b.SampleRate && a.Channels == b.Channels && bytes.Equal(a.Config, b.Config)
}

// cut starts a group where video did, or by itself without video.
func (a *audio) cut(pts int64) error {
	g := &a.slot.p.groups
	start, found := g.newest(pts, a.slot.lastGroup)
	switch {
	case found:
	case !a.hasGroup || !g.videoLeads() && pts-a.groupPTS >= soloGroup:
		start = groupStart{id: g.lead(pts, false), pts: pts}
	default:
		return nil
	}
	if err := a.flush(); err != nil {
		return err
	}
	a.hasGroup, a.groupPTS = true, start.pts
	a.slot.openGroup(start.id)
	return nil
}

// waits tells whether frames have waited long enough for more. Their chunk is complete
// only now: it might have grown.
func (a *audio) waits(now time.Time) bool {
	if len(a.pending) == 0 || now.Sub(a.complete) <= audioPatience {
		return false
	}
	a.complete = now
	return true
}

// flush publishes the frames that are there.
func (a *audio) flush() error {
	if len(a.pending) == 0 {
		return nil
	}
	err := a.slot.out.append(a.pending, false, a.produced, a.complete)
	clear(a.units)
	a.pending, a.units, a.frames, a.span = a.pending[:0], a.units[:0], a.frames[:0], 0
	return err
}
