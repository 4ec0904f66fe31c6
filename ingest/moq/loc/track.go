package loc

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/relay"
)

// The properties of draft-ietf-moq-loc-03, section 2.3, and of -01 the Capture
// Timestamp.
const (
	propertyCaptured    = 0x02
	propertyTimescale   = 0x08
	propertyTimestamp   = 0x0A
	propertyVideoConfig = 0x0D
	propertyAudioConfig = 0x0F
)

// microseconds is the timescale of who names none, whose clock is Unix time.
const microseconds = 1_000_000

// The errors of this package; test with errors.Is.
var (
	// ErrUnsupported: a codec that is not carried.
	ErrUnsupported = errors.New("unsupported LOC track")
	// ErrMalformed: an object that is no frame of its track.
	ErrMalformed = errors.New("malformed LOC object")
)

// Config is what a catalog says of a track.
type Config struct {
	// Codec is the string of WebCodecs, such as avc1.42E01F, mp4a.40.2, opus.
	Codec string
	// SampleRate is in Hz; Channels counts them. Of audio alone.
	SampleRate, Channels int
	// Description is the codec's configuration, where the catalog has it.
	Description []byte
}

// Track makes access units of one track's objects.
type Track struct {
	codec ingest.Codec
	scale uint64
	coder coder
}

// coder knows a codec.
type coder interface {
	// configure takes a configuration, which is not retained.
	configure(b []byte) error
	// unit fills in an access unit that has its time already; ok is false for
	// what has to wait for a configuration or a random access point.
	unit(au *ingest.AccessUnit, payload []byte) (ok bool, err error)
}

// New makes a Track; stream is the ID of its access units.
func New(cfg Config) (*Track, error) {
	t := &Track{scale: microseconds}
	family, _, _ := strings.Cut(strings.ToLower(cfg.Codec), ".")
	switch family {
	case "avc1", "avc3":
		t.codec, t.coder = ingest.CodecH264, newVideo()
	case "mp4a":
		t.codec, t.coder = ingest.CodecAAC, newAAC(cfg)
	case "opus":
		t.codec, t.coder = ingest.CodecOpus, newOpus(cfg)
	default:
		return nil, fmt.Errorf("%w: codec %q", ErrUnsupported, cfg.Codec)
	}
	if len(cfg.Description) > 0 {
		if err := t.coder.configure(cfg.Description); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Codec is what the track carries.
func (t *Track) Codec() ingest.Codec { return t.codec }

// Unit makes an access unit of an object; ok is false when it cannot be used yet.
// Its units are the object's own bytes, and its list is lent until the next call.
func (t *Track) Unit(o *relay.Object) (au ingest.AccessUnit, ok bool, err error) {
	if err := t.configured(o.Properties); err != nil {
		return au, false, err
	}
	if au.PTS, err = t.when(o.Properties); err != nil {
		return au, false, err
	}
	au.DTS, au.Complete = au.PTS, o.Complete
	ok, err = t.coder.unit(&au, o.Payload)
	return au, ok, err
}

func (t *Track) configured(list []relay.Property) error {
	for _, p := range list {
		mine := p.Type == propertyAudioConfig
		if t.codec.IsVideo() {
			mine = p.Type == propertyVideoConfig
		}
		if mine && len(p.Bytes) > 0 {
			return t.coder.configure(p.Bytes)
		}
	}
	return nil
}

// when is the time of an object in ticks of ingest.Clock.
func (t *Track) when(list []relay.Property) (int64, error) {
	var stamp uint64
	dated := false
	for _, p := range list {
		switch p.Type {
		case propertyTimescale:
			if p.Int == 0 || p.Int > math.MaxUint32 {
				return 0, fmt.Errorf("%w: timescale %d", ErrMalformed, p.Int)
			}
			t.scale = p.Int
		case propertyTimestamp:
			stamp, dated = p.Int, true
		case propertyCaptured:
			if !dated {
				stamp, dated = p.Int, true
			}
		}
	}
	if !dated {
		return 0, fmt.Errorf("%w: no timestamp", ErrMalformed)
	}
	high, low := bits.Mul64(stamp, ingest.Clock)
	if high >= t.scale {
		return 0, fmt.Errorf("%w: timestamp %d", ErrMalformed, stamp)
	}
	ticks, _ := bits.Div64(high, low, t.scale)
	if ticks > math.MaxInt64/2 {
		return 0, fmt.Errorf("%w: timestamp %d", ErrMalformed, stamp)
	}
	return int64(ticks), nil
}
