package cmaf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Sample flags (ISO/IEC 14496-12, 8.8.3.1), with sample_depends_on.
const (
	// FlagsSync marks a picture that decoding can start at, and audio.
	FlagsSync uint32 = 0x02000000
	// FlagsIntra marks a picture that depends on no other, but is no sync
	// sample: a recovery point.
	FlagsIntra uint32 = 0x02000000 | sampleNonSync
	// FlagsDependent marks all others.
	FlagsDependent uint32 = 0x01000000 | sampleNonSync
)

// TrackID is the track_ID in all headers and chunks: a CMAF track is alone in
// its file.
const TrackID = 1

// Sample is one coded picture or audio frame, with times in the timescale.
type Sample struct {
	// Units are joined to the sample's data; Chunk.LengthPrefix says how.
	Units    [][]byte
	Duration uint32
	// Offset is the composition time offset: presentation less decode time.
	Offset int32
	Flags  uint32
}

// Chunk is what Encode writes. The zero values of the optional parts leave them
// out.
type Chunk struct {
	Sequence   uint32
	DecodeTime uint64
	// LengthPrefix writes each unit with its length in 32 bits before it, the
	// form of NAL units in avc1 and hvc1.
	LengthPrefix bool
	// Segment writes styp: the chunk is the first of a segment.
	Segment bool
	// Producer writes prft, if HasProducer is set.
	HasProducer bool
	Producer    ProducerTime
	Samples     []Sample
}

const (
	stypSize = 28
	prftSize = 32
	// moof, mfhd, traf, tfhd, tfdt and trun without rows, as written here.
	moofFixed = 8 + 16 + 8 + 16 + 20 + 20
	mdatFixed = 8
)

// layout is how the samples share fields: what all have in common goes to tfhd,
// the rest into columns of trun. Nothing is left to trex, as cmf2 asks.
type layout struct {
	tfhd, trun uint32
	moof       int
	media      int
}

// Encode gives the chunk's bytes in one allocation. Units are copied. It fails
// without samples or with more media than an mdat of 32 bits holds.
func (c *Chunk) Encode() ([]byte, error) {
	if len(c.Samples) == 0 {
		return nil, fmt.Errorf("chunk without samples")
	}
	l := c.layout()
	size := l.moof + mdatFixed + l.media
	if c.Segment {
		size += stypSize
	}
	if c.HasProducer {
		size += prftSize
	}
	if uint64(size) > math.MaxUint32 {
		return nil, fmt.Errorf("chunk of %d bytes", size)
	}
	b := make([]byte, 0, size)
	if c.Segment {
		b = appendStyp(b)
	}
	if c.HasProducer {
		b = c.appendPrft(b)
	}
	b = c.appendMoof(b, l)
	b = appendBox(b, mdatFixed+l.media, boxMdat)
	return c.appendMedia(b), nil
}

func (c *Chunk) layout() layout {
	l := layout{
		tfhd: tfhdDefaultBaseMoof | tfhdSampleDescIndex | tfhdDefaultDuration | tfhdDefaultFlags,
		trun: trunDataOffset | trunSize,
	}
	first := &c.Samples[0]
	for i := range c.Samples {
		s := &c.Samples[i]
		if s.Duration != first.Duration {
			l.trun |= trunDuration
		}
		if s.Flags != first.Flags {
			l.trun |= trunFlags
		}
		if s.Offset != 0 {
			l.trun |= trunOffset
		}
		l.media += c.sampleSize(s)
	}
	columns := 1
	if l.trun&trunDuration != 0 {
		l.tfhd &^= tfhdDefaultDuration
		columns++
	}
	if l.trun&trunFlags != 0 {
		l.tfhd &^= tfhdDefaultFlags
		columns++
	}
	if l.trun&trunOffset != 0 {
		columns++
	}
	l.moof = moofFixed + 4 + columns*4*len(c.Samples)
	for _, flag := range [...]uint32{tfhdDefaultDuration, tfhdDefaultFlags} {
		if l.tfhd&flag != 0 {
			l.moof += 4
		}
	}
	return l
}

func (c *Chunk) sampleSize(s *Sample) int {
	n := 0
	if c.LengthPrefix {
		n = 4 * len(s.Units)
	}
	for _, u := range s.Units {
		n += len(u)
	}
	return n
}

func appendBox(b []byte, size int, kind fourCC) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	return binary.BigEndian.AppendUint32(b, uint32(kind))
}

func appendFull(b []byte, size int, kind fourCC, version uint8, flags uint32) []byte {
	b = appendBox(b, size, kind)
	return binary.BigEndian.AppendUint32(b, uint32(version)<<24|flags)
}

// appendStyp names the chunk the first of a CMAF segment, which is the first of
// a fragment and a chunk too.
func appendStyp(b []byte) []byte {
	b = appendBox(b, stypSize, boxStyp)
	return append(b, "cmfs\x00\x00\x00\x00cmfscmffcmfl"...)
}

// prftCaptured says that the NTP time is when the media was captured, rather
// than when it was written.
const prftCaptured = 24

func (c *Chunk) appendPrft(b []byte) []byte {
	b = appendFull(b, prftSize, boxPrft, 1, prftCaptured)
	b = binary.BigEndian.AppendUint32(b, TrackID)
	b = binary.BigEndian.AppendUint64(b, c.Producer.NTP)
	return binary.BigEndian.AppendUint64(b, c.Producer.MediaTime)
}

func (c *Chunk) appendMoof(b []byte, l layout) []byte {
	b = appendBox(b, l.moof, boxMoof)
	b = appendFull(b, 16, boxMfhd, 0, 0)
	b = binary.BigEndian.AppendUint32(b, c.Sequence)
	b = appendBox(b, l.moof-24, boxTraf)
	b = c.appendTfhd(b, l)
	b = appendFull(b, 20, boxTfdt, 1, 0)
	b = binary.BigEndian.AppendUint64(b, c.DecodeTime)
	return c.appendTrun(b, l)
}

func (c *Chunk) appendTfhd(b []byte, l layout) []byte {
	size := 20
	for _, flag := range [...]uint32{tfhdDefaultDuration, tfhdDefaultFlags} {
		if l.tfhd&flag != 0 {
			size += 4
		}
	}
	b = appendFull(b, size, boxTfhd, 0, l.tfhd)
	b = binary.BigEndian.AppendUint32(b, TrackID)
	b = binary.BigEndian.AppendUint32(b, 1) // sample_description_index
	if l.tfhd&tfhdDefaultDuration != 0 {
		b = binary.BigEndian.AppendUint32(b, c.Samples[0].Duration)
	}
	if l.tfhd&tfhdDefaultFlags != 0 {
		b = binary.BigEndian.AppendUint32(b, c.Samples[0].Flags)
	}
	return b
}

func (c *Chunk) appendTrun(b []byte, l layout) []byte {
	columns := 1
	for _, flag := range [...]uint32{trunDuration, trunFlags, trunOffset} {
		if l.trun&flag != 0 {
			columns++
		}
	}
	b = appendFull(b, 20+columns*4*len(c.Samples), boxTrun, 1, l.trun)
	b = binary.BigEndian.AppendUint32(b, uint32(len(c.Samples)))
	b = binary.BigEndian.AppendUint32(b, uint32(l.moof+mdatFixed)) // data_offset
	for i := range c.Samples {
		s := &c.Samples[i]
		if l.trun&trunDuration != 0 {
			b = binary.BigEndian.AppendUint32(b, s.Duration)
		}
		b = binary.BigEndian.AppendUint32(b, uint32(c.sampleSize(s)))
		if l.trun&trunFlags != 0 {
			b = binary.BigEndian.AppendUint32(b, s.Flags)
		}
		if l.trun&trunOffset != 0 {
			b = binary.BigEndian.AppendUint32(b, uint32(s.Offset))
		}
	}
	return b
}

func (c *Chunk) appendMedia(b []byte) []byte {
	for i := range c.Samples {
		for _, u := range c.Samples[i].Units {
			if c.LengthPrefix {
				b = binary.BigEndian.AppendUint32(b, uint32(len(u)))
			}
			b = append(b, u...)
		}
	}
	return b
}
