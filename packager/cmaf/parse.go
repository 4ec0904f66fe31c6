package cmaf

import (
	"fmt"
)

// ChunkInfo is what a chunk's boxes say of it. Times are in the track's
// timescale.
type ChunkInfo struct {
	// Sequence is the mfhd sequence number.
	Sequence uint32
	// DecodeTime is the decode time of the first sample (tfdt). In chunks that
	// this package writes, the first presentation time of a group equals it.
	DecodeTime uint64
	// Duration is the sum of the sample durations.
	Duration uint64
	// Samples counts them.
	Samples int
	// Independent says that the first sample is a sync sample.
	Independent bool
	// Segment says that the chunk begins with styp: it is the first of a
	// segment.
	Segment bool
	// Producer holds the prft, if HasProducer is set.
	HasProducer bool
	Producer    ProducerTime
}

// ProducerTime is a ProducerReferenceTimeBox (ISO/IEC 14496-12, 8.16.5).
type ProducerTime struct {
	// NTP is the wall-clock time in the format of RFC 5905, seconds since 1900
	// in the upper 32 bits. TimeNTP and NTPTime convert.
	NTP uint64
	// MediaTime is the decode time that NTP belongs to.
	MediaTime uint64
}

// Limits that no sane chunk reaches.
const maxSamples = 1 << 20

// Flags of tfhd and trun (ISO/IEC 14496-12, 8.8.7 and 8.8.8).
const (
	tfhdBaseDataOffset   = 0x000001
	tfhdSampleDescIndex  = 0x000002
	tfhdDefaultDuration  = 0x000008
	tfhdDefaultSize      = 0x000010
	tfhdDefaultFlags     = 0x000020
	tfhdDefaultBaseMoof  = 0x020000
	trunDataOffset       = 0x000001
	trunFirstSampleFlags = 0x000004
	trunDuration         = 0x000100
	trunSize             = 0x000200
	trunFlags            = 0x000400
	trunOffset           = 0x000800

	sampleNonSync = 0x00010000
)

// ParseChunk reads the boxes of one CMAF chunk, [styp] [prft] [emsg] moof mdat,
// and leaves the media alone. It keeps nothing of payload and allocates
// nothing. What a chunk leaves to the header's trex counts as missing: a
// duration must be in tfhd or trun, as the brand cmf2 asks.
func ParseChunk(payload []byte) (ChunkInfo, error) {
	var info ChunkInfo
	var moof, mdat bool
	for len(payload) > 0 {
		kind, body, rest, err := nextBox(payload)
		if err != nil {
			return ChunkInfo{}, err
		}
		switch kind {
		case boxStyp:
			info.Segment = true
		case boxPrft:
			err = info.parsePrft(body)
		case boxMoof:
			if moof {
				err = fmt.Errorf("%w: second moof", ErrMalformed)
				break
			}
			moof = true
			err = info.parseMoof(body)
		case boxMdat:
			if !moof {
				err = fmt.Errorf("%w: mdat before moof", ErrMalformed)
			}
			mdat = true
		default: // emsg, free and the like.
		}
		if err != nil {
			return ChunkInfo{}, err
		}
		payload = rest
	}
	if !moof || !mdat {
		return ChunkInfo{}, fmt.Errorf("%w: no moof with mdat", ErrMalformed)
	}
	return info, nil
}

func (c *ChunkInfo) parsePrft(body []byte) error {
	f := fields{b: body}
	version, _ := f.full()
	f.u32() // reference_track_ID
	c.Producer.NTP = f.u64()
	if version == 0 {
		c.Producer.MediaTime = uint64(f.u32())
	} else {
		c.Producer.MediaTime = f.u64()
	}
	c.HasProducer = true
	return f.err("prft")
}

func (c *ChunkInfo) parseMoof(body []byte) error {
	var traf bool
	for len(body) > 0 {
		kind, b, rest, err := nextBox(body)
		if err != nil {
			return err
		}
		switch kind {
		case boxMfhd:
			f := fields{b: b}
			f.full()
			c.Sequence = f.u32()
			err = f.err("mfhd")
		case boxTraf:
			if traf {
				err = fmt.Errorf("%w: second traf", ErrMalformed)
				break
			}
			traf = true
			err = c.parseTraf(b)
		default: // pssh and the like.
		}
		if err != nil {
			return err
		}
		body = rest
	}
	if !traf {
		return fmt.Errorf("%w: no traf", ErrMalformed)
	}
	return nil
}

func (c *ChunkInfo) parseTraf(body []byte) error {
	var defaults tfhd
	var haveTime bool
	for len(body) > 0 {
		kind, b, rest, err := nextBox(body)
		if err != nil {
			return err
		}
		switch kind {
		case boxTfhd:
			defaults, err = parseTfhd(b)
		case boxTfdt:
			haveTime = true
			err = c.parseTfdt(b)
		case boxTrun:
			err = c.parseTrun(b, defaults)
		default: // senc, sbgp and the like.
		}
		if err != nil {
			return err
		}
		body = rest
	}
	if !haveTime || c.Samples == 0 {
		return fmt.Errorf("%w: traf without tfdt or samples", ErrMalformed)
	}
	return nil
}

func (c *ChunkInfo) parseTfdt(body []byte) error {
	f := fields{b: body}
	if version, _ := f.full(); version == 0 {
		c.DecodeTime = uint64(f.u32())
	} else {
		c.DecodeTime = f.u64()
	}
	return f.err("tfdt")
}

// tfhd holds the defaults of a track fragment that matter here.
type tfhd struct {
	present  uint32
	duration uint32
	flags    uint32
}

func parseTfhd(body []byte) (tfhd, error) {
	f := fields{b: body}
	_, present := f.full()
	h := tfhd{present: present}
	f.u32() // track_ID
	if present&tfhdBaseDataOffset != 0 {
		f.u64()
	}
	if present&tfhdSampleDescIndex != 0 {
		f.u32()
	}
	if present&tfhdDefaultDuration != 0 {
		h.duration = f.u32()
	}
	if present&tfhdDefaultSize != 0 {
		f.u32()
	}
	if present&tfhdDefaultFlags != 0 {
		h.flags = f.u32()
	}
	return h, f.err("tfhd")
}

func (c *ChunkInfo) parseTrun(body []byte, defaults tfhd) error {
	f := fields{b: body}
	_, present := f.full()
	count := f.u32()
	if count > maxSamples {
		return fmt.Errorf("%w: %d samples", ErrMalformed, count)
	}
	if present&trunDataOffset != 0 {
		f.u32()
	}
	first := defaults.flags
	known := defaults.present&tfhdDefaultFlags != 0
	if present&trunFirstSampleFlags != 0 {
		first, known = f.u32(), true
	}
	if err := f.err("trun"); err != nil {
		return err
	}
	samples, err := parseSamples(f.b, present, count)
	if err != nil {
		return err
	}
	switch {
	case present&trunDuration != 0:
		c.Duration += samples.duration
	case defaults.present&tfhdDefaultDuration != 0:
		c.Duration += uint64(count) * uint64(defaults.duration)
	default:
		return fmt.Errorf("%w: no sample duration", ErrMalformed)
	}
	if present&trunFlags != 0 && count > 0 {
		first, known = samples.firstFlags, true
	}
	if c.Samples == 0 {
		c.Independent = known && first&sampleNonSync == 0
	}
	if c.Samples += int(count); c.Samples > maxSamples {
		return fmt.Errorf("%w: too many samples", ErrMalformed)
	}
	return nil
}

type runSamples struct {
	duration   uint64
	firstFlags uint32
}

// parseSamples walks the rows of a trun, whose columns present names.
func parseSamples(b []byte, present, count uint32) (runSamples, error) {
	var out runSamples
	columns := 0
	for _, flag := range [...]uint32{trunDuration, trunSize, trunFlags, trunOffset} {
		if present&flag != 0 {
			columns++
		}
	}
	if columns == 0 {
		return out, nil
	}
	if uint64(len(b)) < uint64(count)*uint64(columns)*4 {
		return out, fmt.Errorf("%w: trun cut short", ErrMalformed)
	}
	f := fields{b: b}
	for i := range count {
		if present&trunDuration != 0 {
			out.duration += uint64(f.u32())
		}
		if present&trunSize != 0 {
			f.u32()
		}
		if present&trunFlags != 0 {
			if flags := f.u32(); i == 0 {
				out.firstFlags = flags
			}
		}
		if present&trunOffset != 0 {
			f.u32()
		}
	}
	return out, nil
}
