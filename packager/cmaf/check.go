package cmaf

import (
	"errors"
	"fmt"
)

// maxHeader bounds a header that a publisher sends: ftyp and moov with
// parameter sets take about 1 kB.
const maxHeader = 64 << 10

// The errors of ReadHeader and Checker, beside ErrMalformed; test with
// errors.Is.
var (
	// ErrHeader: no CMAF header of one track.
	ErrHeader = errors.New("no CMAF header")
	// ErrGroupStart: a group of video that does not begin with a sync sample
	// (draft-ietf-moq-cmsf, "Group Packaging").
	ErrGroupStart = errors.New("group does not start with a key frame")
	// ErrDecodeOrder: a chunk that decodes before the one it follows.
	ErrDecodeOrder = errors.New("decode time goes back")
)

// HeaderInfo is what a foreign CMAF header says of its track.
type HeaderInfo struct {
	Timescale uint32
	IsVideo   bool
}

// ReadHeader looks into a CMAF header that somebody else made: ftyp, and moov
// with one trak. It allocates nothing.
func ReadHeader(b []byte) (HeaderInfo, error) {
	if len(b) > maxHeader {
		return HeaderInfo{}, fmt.Errorf("%w: %d bytes", ErrHeader, len(b))
	}
	moov, err := child(b, boxMoov)
	if err != nil {
		return HeaderInfo{}, err
	}
	trak, err := child(moov, boxTrak)
	if err != nil {
		return HeaderInfo{}, err
	}
	mdia, err := child(trak, boxMdia)
	if err != nil {
		return HeaderInfo{}, err
	}
	mdhd, err := child(mdia, boxMdhd)
	if err != nil {
		return HeaderInfo{}, err
	}
	hdlr, err := child(mdia, boxHdlr)
	if err != nil {
		return HeaderInfo{}, err
	}
	info := HeaderInfo{Timescale: timescale(mdhd), IsVideo: handler(hdlr) == "vide"}
	if info.Timescale == 0 {
		return HeaderInfo{}, fmt.Errorf("%w: no timescale", ErrHeader)
	}
	return info, nil
}

// child finds the one box of a kind in b.
func child(b []byte, want fourCC) ([]byte, error) {
	var found []byte
	count := 0
	for len(b) > 0 {
		kind, body, rest, err := nextBox(b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrHeader, err)
		}
		if kind == want {
			found = body
			count++
		}
		b = rest
	}
	if count != 1 {
		return nil, fmt.Errorf("%w: %d boxes %s instead of one", ErrHeader, count, want)
	}
	return found, nil
}

// timescale is that of an mdhd (ISO/IEC 14496-12, 8.4.2).
func timescale(mdhd []byte) uint32 {
	f := fields{b: mdhd}
	if version, _ := f.full(); version == 1 {
		f.u64()
		f.u64()
	} else {
		f.u64()
	}
	return f.u32()
}

// handler is the handler type of an hdlr (ISO/IEC 14496-12, 8.4.3).
func handler(hdlr []byte) string {
	f := fields{b: hdlr}
	f.u64() // version, flags, pre_defined
	return string(f.take(4))
}

// Checker looks once at the chunks of a track that its publisher packaged
// itself, so that everything behind may rely on their shape. The zero value is
// for audio. It is used by one goroutine at a time.
type Checker struct {
	// Video asks for groups that begin with a sync sample.
	Video bool

	started bool
	group   uint64
	next    uint64 // The decode time that the next chunk may not come before.
}

// Check takes the next chunk in order of publication. first says that it is the
// first object of its group.
func (c *Checker) Check(group uint64, first bool, payload []byte) error {
	info, err := ParseChunk(payload)
	if err != nil {
		return err
	}
	if first && c.Video && !info.Independent {
		return fmt.Errorf("group %d: %w", group, ErrGroupStart)
	}
	// A publisher that starts again may start its clock again, in a new group.
	if c.started && group == c.group && info.DecodeTime < c.next {
		return fmt.Errorf("group %d: %w: %d after %d", group, ErrDecodeOrder, info.DecodeTime, c.next)
	}
	c.started, c.group = true, group
	c.next = info.DecodeTime + info.Duration
	return nil
}
