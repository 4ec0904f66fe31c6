package loc

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

// maxUnits bounds the NAL units of one picture.
const maxUnits = 256

// video makes access units of H.264 pictures.
type video struct {
	sets   [][]byte // Parameter sets of the configuration.
	prefix int      // The size of lengths, by the configuration.
	order  *h264.DTSExtractor
	begun  bool
	last   int64 // The DTS before.
	dated  bool  // last counts.
	units  [][]byte
}

func newVideo() *video {
	v := &video{prefix: 4}
	v.restart()
	return v
}

func (v *video) restart() {
	v.order = &h264.DTSExtractor{}
	v.order.Initialize()
}

// configure takes an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).
func (v *video) configure(b []byte) error {
	if len(b) < 7 || b[0] != 1 {
		return fmt.Errorf("%w: no avcC", ErrMalformed)
	}
	prefix := int(b[4]&3) + 1
	sps, rest, err := readSets(b[6:], int(b[5]&0x1F))
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return fmt.Errorf("%w: avcC without picture parameter sets", ErrMalformed)
	}
	pps, _, err := readSets(rest[1:], int(rest[0]))
	if err != nil {
		return err
	}
	v.prefix, v.sets = prefix, nil
	for _, nal := range append(sps, pps...) {
		v.sets = append(v.sets, bytes.Clone(nal))
	}
	return nil
}

func readSets(b []byte, n int) (sets [][]byte, rest []byte, err error) {
	for range n {
		if len(b) < 2 {
			return nil, nil, fmt.Errorf("%w: avcC is cut off", ErrMalformed)
		}
		size := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; size > len(b) || size < 2 {
			return nil, nil, fmt.Errorf("%w: parameter set of %d bytes", ErrMalformed, size)
		}
		sets, b = append(sets, b[:size]), b[size:]
	}
	return sets, b, nil
}

func (v *video) unit(au *ingest.AccessUnit, payload []byte) (bool, error) {
	if err := v.split(payload); err != nil {
		return false, err
	}
	random, _ := mpegts.RandomAccess(ingest.CodecH264, v.units)
	if !v.begun && !random {
		return false, nil
	}
	if random && !v.has(h264.NALUTypeSPS) {
		v.units = append(append([][]byte{}, v.sets...), v.units...)
	}
	if random && (!v.has(h264.NALUTypeSPS) || !v.has(h264.NALUTypePPS)) {
		return false, nil
	}
	v.begun = true
	au.Units, au.Random = v.units, random
	au.DTS = v.decoded(au.PTS)
	return true, nil
}

// decoded finds the decode time, which LOC does not say.
func (v *video) decoded(pts int64) int64 {
	dts, err := v.order.Extract(v.units, pts)
	if err != nil {
		v.restart() // It holds on to what confused it.
		dts = pts
	}
	if behind := v.last - dts; v.dated && behind >= 0 && behind < ingest.Clock {
		dts = v.last + 1
	}
	v.last, v.dated = dts, true
	return dts
}

func (v *video) has(kind h264.NALUType) bool {
	for _, nal := range v.units {
		if h264.NALUType(nal[0]&0x1F) == kind {
			return true
		}
	}
	return false
}

// split takes the NAL units of a picture apart, without delimiters and filler.
func (v *video) split(b []byte) error {
	list, err := v.nals(b)
	if err != nil {
		return err
	}
	v.units = v.units[:0]
	slices := false
	for _, nal := range list {
		if len(nal) < 3 { // A header and a bit of payload.
			continue
		}
		switch t := h264.NALUType(nal[0] & 0x1F); {
		case t == h264.NALUTypeAccessUnitDelimiter, t == h264.NALUTypeFillerData:
			continue
		case t >= h264.NALUTypeNonIDR && t <= h264.NALUTypeIDR:
			slices = true
		}
		v.units = append(v.units, nal)
	}
	if !slices {
		return fmt.Errorf("%w: no slice", ErrMalformed)
	}
	return nil
}

var (
	startCode     = []byte{0, 0, 0, 1}
	shortStart    = startCode[1:]
	errManyUnits  = fmt.Errorf("%w: more than %d NAL units", ErrMalformed, maxUnits)
	errNotLengths = fmt.Errorf("%w: lengths of NAL units do not fit", ErrMalformed)
)

// nals finds NAL units behind lengths or start codes (sections 2.1.3 and 2.1.4). A
// start code of three bytes looks like a length of 256 to 511: it counts where
// lengths do not fit and no configuration asks for them.
func (v *video) nals(b []byte) ([][]byte, error) {
	if bytes.HasPrefix(b, startCode) {
		return annexB(nil, b)
	}
	list, err := v.prefixed(b)
	if err != nil && len(v.sets) == 0 && bytes.HasPrefix(b, shortStart) {
		return annexB(nil, b)
	}
	return list, err
}

// prefixed reads lengths; one of 1 is a start code.
func (v *video) prefixed(b []byte) (list [][]byte, err error) {
	for len(b) > 0 {
		if len(b) < v.prefix {
			return nil, errNotLengths
		}
		size := 0
		for _, c := range b[:v.prefix] {
			size = size<<8 | int(c)
		}
		if size == 1 && v.prefix == len(startCode) {
			return annexB(list, b)
		}
		if b = b[v.prefix:]; size > len(b) {
			return nil, errNotLengths
		}
		if list, b = append(list, b[:size]), b[size:]; len(list) > maxUnits {
			return nil, errManyUnits
		}
	}
	return list, nil
}

// annexB reads what begins with a start code (ITU-T H.264, annex B).
func annexB(list [][]byte, b []byte) ([][]byte, error) {
	for len(b) > 0 {
		b = b[bytes.IndexByte(b, 1)+1:]
		end := bytes.Index(b, shortStart)
		if end < 0 {
			end = len(b)
		}
		nal := bytes.TrimRight(b[:end], "\x00")
		if list, b = append(list, nal), b[end:]; len(list) > maxUnits {
			return nil, errManyUnits
		}
	}
	return list, nil
}
