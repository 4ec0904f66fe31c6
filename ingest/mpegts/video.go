package mpegts

import (
	"bytes"

	"github.com/freshet-live/freshet/ingest"
)

const (
	// maxUnit bounds a picture: 500 Mbit/s at 8 pictures a second.
	maxUnit = 8 << 20
	// maxNALs bounds the NAL units of a picture: one for each macroblock row
	// of 8K, with room.
	maxNALs = 4096
	// keepBuffer is what is kept allocated after an exceptional picture.
	keepBuffer = 1 << 20
	// maxSplit is the longest PES_packet_length that is believed to hold a
	// whole picture: longer pictures are split over several PES.
	maxSplit = 60_000
	// noRandomLimit is after how many pictures without a random access point
	// a picture of I slices alone is taken for one.
	noRandomLimit = 300
)

var startCode = []byte{0, 0, 1}

// nalRole is what a NAL unit says about where access units begin.
type nalRole uint8

const (
	roleOther  nalRole = iota // Says nothing.
	roleBorder                // Begins an access unit when slices came before.
	roleMaybe                 // Belongs to the next slice, wherever that belongs.
	roleFirst                 // First slice of a picture.
	roleSlice                 // Another slice of it.
)

// field is the field of an interlaced frame that a slice belongs to.
type field struct {
	single   bool // One field, not a frame.
	bottom   bool
	frameNum uint32
}

// nalCodec is the part of a video codec that finding access units needs.
type nalCodec interface {
	// role reads the NAL unit's begin. It is not ok when b is too short and
	// not whole.
	role(b []byte, whole bool) (r nalRole, f field, ok bool)
	// complete takes a whole NAL unit, for its parameter sets.
	complete(b []byte)
	// keep is false for delimiters and filler.
	keep(b []byte) bool
	// random judges the NAL units of a picture: strictly a random access
	// point, or one for want of a better.
	random(units [][]byte) (strict, weak bool)
	// ready is true once a sequence parameter set was seen: what comes
	// before it nobody can decode.
	ready() bool
	// ticks is the duration of a picture as the encoder declares it, or zero.
	ticks() int64
}

type nal struct{ start, end int } // Without start code.

// video joins NAL units to access units (ITU-T H.264 7.4.1.2.3, H.265 7.4.2.4.4)
// in one buffer, and lends them out of it.
type video struct {
	s     *stream
	codec nalCodec

	buf     []byte   // Begins at or before the access unit. Reused.
	base    int64    // Position of buf[0] in the stream.
	scan    int      // Where in buf to look for the next start code.
	nals    []nal    // All but the last are whole.
	judged  int      // So many of nals have been looked at.
	units   [][]byte // Of the access unit being handed out. Reused.
	marks   marks
	waiting bool
	missing bool // The next access unit is Lost.

	// The access unit being put together.
	ts     times
	slices bool  // It has slices.
	first  field // Its first slice's.
	border int   // Where the next one would begin, when only a slice can tell; or -1.
	// alignAt is where a PES began whose first bytes are to be looked at; or -1.
	alignAt int64

	out sampleClock
	dry int // Pictures since the last random access point.
}

func newVideo(s *stream) *video {
	v := &video{s: s, waiting: true, border: -1, alignAt: -1}
	if s.codec == ingest.CodecH265 {
		v.codec = &h265{}
	} else {
		v.codec = &h264{}
	}
	return v
}

func (v *video) begin(ts times, size int) {
	pos := v.base + int64(len(v.buf))
	v.marks.add(pos, ts)
	v.alignAt = pos
	v.s.end.unsure = size >= maxSplit
}

func (v *video) data(p []byte) bool {
	if len(v.buf)+len(p) > maxUnit || len(v.nals) > maxNALs {
		v.s.d.tally.error(ErrorOversize)
		return false
	}
	v.buf = append(v.buf, p...)
	if v.alignAt >= 0 && v.cutOff() {
		v.s.d.tally.error(ErrorEarlyEnd)
		return false
	}
	v.find()
	return true
}

// cutOff looks at a PES's first bytes. It is true when they continue an access
// unit that was handed out already.
func (v *video) cutOff() bool {
	at := int(v.alignAt - v.base)
	if at < 0 {
		v.alignAt = -1
		return false
	}
	b := v.buf[at:]
	zeros := len(b) - len(bytes.TrimLeft(b, "\x00"))
	begins := false
	if zeros == len(b) {
		return false // Not known yet.
	}
	if b = b[zeros:]; zeros >= 2 && b[0] == 1 {
		role, _, ok := v.codec.role(b[1:], false)
		if !ok {
			return false
		}
		begins = role != roleSlice && role != roleOther
	}
	v.alignAt = -1
	return !begins && v.s.end.misaligned()
}

// find looks for start codes in what is new.
func (v *video) find() {
	for {
		i := bytes.Index(v.buf[v.scan:], startCode)
		if i < 0 {
			break
		}
		at := v.scan + i
		pos := v.base + int64(at)
		v.closeNAL(at)
		at = int(pos - v.base) // The access unit before may be gone.
		v.nals = append(v.nals, nal{start: at + 3, end: -1})
		v.scan = at + 3
		v.judge(false)
	}
	v.scan = max(v.scan, len(v.buf)-2)
	v.judge(false)
	if v.waiting && len(v.nals) == 0 {
		n := v.scan
		v.buf = append(v.buf[:0], v.buf[n:]...)
		v.base += int64(n)
		v.scan = 0
	}
}

// closeNAL ends the last NAL unit before the byte end.
func (v *video) closeNAL(end int) {
	if len(v.nals) == 0 {
		return
	}
	n := &v.nals[len(v.nals)-1]
	if n.end >= 0 {
		return
	}
	for end > n.start && v.buf[end-1] == 0 { // trailing_zero_8bits
		end--
	}
	n.end = end
	v.judge(true)
	if len(v.nals) == 0 {
		return
	}
	if n = &v.nals[len(v.nals)-1]; n.end > n.start {
		v.codec.complete(v.buf[n.start:n.end])
	}
}

// judge places the newest NAL unit when enough of it is here.
func (v *video) judge(whole bool) {
	i := len(v.nals) - 1
	if i < v.judged || i < 0 {
		return
	}
	n := v.nals[i]
	b := v.buf[n.start:]
	if whole {
		b = v.buf[n.start:n.end]
	}
	role, f, ok := v.codec.role(b, whole)
	if !ok {
		return
	}
	v.judged = i + 1
	v.place(i, role, f)
}

// place decides which access unit NAL unit i belongs to.
func (v *video) place(i int, role nalRole, f field) {
	if v.waiting {
		if role != roleBorder && role != roleFirst {
			v.discard(i + 1)
			return
		}
		v.waiting = false
		v.discard(i)
		i = 0
	}
	if i == 0 {
		v.ts = v.marks.take(v.base + int64(v.nals[0].start-3))
	}
	if v.slices {
		i = v.divide(i, role, f)
	}
	if (role == roleFirst || role == roleSlice) && !v.slices {
		v.slices, v.first = true, f
		if !v.ts.hasPTS { // What precedes the slices came in the PES before.
			v.ts = v.marks.take(v.base + int64(v.nals[i].start-3))
		}
	}
}

// divide ends the access unit when NAL unit i belongs to the next one. It
// returns i's new place.
func (v *video) divide(i int, role nalRole, f field) int {
	switch role {
	case roleBorder, roleMaybe:
		if role == roleBorder && !v.first.single {
			v.cut(i)
			return 0
		}
		if v.border < 0 {
			v.border = i
		}
	case roleSlice:
		v.border = -1
	case roleFirst:
		if v.first.single && f.single && f.bottom != v.first.bottom && f.frameNum == v.first.frameNum {
			v.first.single, v.border = false, -1 // The frame's second field.
			return i
		}
		from := i
		if v.border >= 0 {
			from = v.border
		}
		v.cut(from)
		return i - from
	case roleOther:
	}
	return i
}

// discard drops the first n NAL units and what is before them.
func (v *video) discard(n int) {
	v.nals = append(v.nals[:0], v.nals[n:]...)
	v.judged -= n
}

// cut hands out the access unit before NAL unit n and begins the next one with
// it.
func (v *video) cut(n int) {
	from := v.nals[n].start - 3
	v.emit(n)
	v.discard(n)
	for i := range v.nals {
		v.nals[i].start -= from
		if v.nals[i].end >= 0 {
			v.nals[i].end -= from
		}
	}
	v.buf = append(v.buf[:0], v.buf[from:]...)
	v.base += int64(from)
	v.scan -= from
	v.ts = v.marks.take(v.base)
}

// emit pushes the first n NAL units as an access unit.
func (v *video) emit(n int) {
	v.slices, v.first, v.border = false, field{}, -1
	if !v.codec.ready() {
		return
	}
	units := v.units[:0]
	for _, u := range v.nals[:n] {
		if b := v.buf[u.start:u.end:u.end]; len(b) > 0 && v.codec.keep(b) {
			units = append(units, b)
		}
	}
	v.units = units
	strict, weak := v.codec.random(units)
	if strict {
		v.dry = 0
	} else {
		v.dry++
	}
	pts, dts, ok := v.out.video(v.ts, v.codec.ticks(), &v.s.d.tally)
	if !ok {
		v.missing = true // No time at all yet.
		return
	}
	v.s.d.push(ingest.AccessUnit{
		Stream: int(v.s.entry.pid), PTS: pts, DTS: dts, Units: units,
		Random: strict || weak && v.dry > noRandomLimit, Lost: v.missing,
	}, v.s.codec)
	v.missing = false
}

// end hands out the access unit at the end of a PES.
func (v *video) end() {
	v.closeNAL(len(v.buf))
	if !v.slices || v.first.single || v.judged < len(v.nals) {
		return // A second field or the slices are still to come.
	}
	v.all()
}

// all hands out everything there is.
func (v *video) all() {
	v.emit(len(v.nals))
	v.base += int64(len(v.buf))
	v.clear()
}

func (v *video) flush() {
	v.closeNAL(len(v.buf))
	if v.slices {
		v.all()
	}
	v.reset()
}

func (v *video) lost() {
	v.reset()
	v.waiting, v.missing = true, true
}

func (v *video) reset() {
	v.base += int64(len(v.buf))
	v.clear()
	v.marks = v.marks[:0]
	v.ts, v.slices, v.first, v.border, v.alignAt = times{}, false, field{}, -1, -1
}

// clear empties the buffer.
func (v *video) clear() {
	if v.buf = v.buf[:0]; cap(v.buf) > keepBuffer {
		v.buf, v.units = nil, nil
	}
	v.nals, v.judged, v.scan = v.nals[:0], 0, 0
}
