package loc

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

	"github.com/freshet-live/freshet/ingest"
)

const (
	// maxFrame is longer than any frame of AAC or Opus.
	maxFrame = 64 << 10
	opusRate = 48_000
	// maxOpusSamples is 120 ms, the longest packet (RFC 6716, section 3.2.1).
	maxOpusSamples = opusRate * 120 / 1000
)

// audio has what both codecs do.
type audio struct {
	format *ingest.AudioFormat // nil while it is not known.
	list   [1][]byte
}

func (a *audio) fill(au *ingest.AccessUnit, frame []byte, samples int) {
	a.list[0] = frame
	au.Units, au.Random, au.Samples, au.Format = a.list[:], true, samples, a.format
}

// aac makes access units of AAC frames.
type aac struct {
	audio
	config  []byte // What format was made of.
	samples int
}

// newAAC takes AAC-LC of the catalog's rate for granted until a configuration comes.
func newAAC(cfg Config) *aac {
	a := &aac{}
	_ = a.describe(&mpeg4audio.AudioSpecificConfig{
		Type: mpeg4audio.ObjectTypeAACLC, SampleRate: cfg.SampleRate, ChannelConfig: channelConfig(cfg.Channels),
	})
	return a
}

// channelConfig is that of ISO/IEC 14496-3, table 1.19.
func channelConfig(channels int) uint8 {
	switch {
	case channels == 8:
		return 7
	case channels > 0 && channels < 7:
		return uint8(channels)
	}
	return 0
}

// configure takes an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
func (a *aac) configure(b []byte) error {
	if bytes.Equal(b, a.config) {
		return nil
	}
	var c mpeg4audio.AudioSpecificConfig
	if err := c.Unmarshal(b); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err := a.describe(&c); err != nil {
		return err
	}
	a.config = bytes.Clone(b)
	return nil
}

func (a *aac) describe(c *mpeg4audio.AudioSpecificConfig) error {
	channels := int(c.ChannelConfig)
	switch {
	case c.SampleRate <= 0 || channels < 1 || channels > 7:
		return fmt.Errorf("%w: AAC of %d Hz, channel configuration %d", ErrUnsupported, c.SampleRate, channels)
	case channels == 7:
		channels = 8
	}
	config, err := c.Marshal()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	a.samples = 1024
	if c.FrameLengthFlag {
		a.samples = 960
	}
	if a.format == nil || !bytes.Equal(a.format.Config, config) {
		a.format = &ingest.AudioFormat{SampleRate: c.SampleRate, Channels: channels, Config: config}
	}
	return nil
}

func (a *aac) unit(au *ingest.AccessUnit, payload []byte) (bool, error) {
	if a.config == nil && len(payload) > 1 && payload[0] == 0xFF && payload[1]&0xF6 == 0xF0 {
		// Without a configuration WebCodecs has ADTS.
		var packets mpeg4audio.ADTSPackets
		if err := packets.Unmarshal(payload); err != nil || len(packets) != 1 {
			return false, fmt.Errorf("%w: no ADTS frame", ErrMalformed)
		}
		p := packets[0]
		c := mpeg4audio.AudioSpecificConfig{Type: p.Type, SampleRate: p.SampleRate, ChannelConfig: p.ChannelConfig}
		if err := a.describe(&c); err != nil {
			return false, err
		}
		payload = p.AU
	}
	if len(payload) == 0 || len(payload) > maxFrame {
		return false, fmt.Errorf("%w: frame of %d bytes", ErrMalformed, len(payload))
	}
	if a.format == nil {
		return false, nil
	}
	a.fill(au, payload, a.samples)
	return true, nil
}

// opusTrack makes access units of Opus packets.
type opusTrack struct{ audio }

func newOpus(cfg Config) *opusTrack {
	o := &opusTrack{}
	channels := cfg.Channels
	if channels < 1 || channels > 2 {
		channels = 2
	}
	o.describe(channels)
	return o
}

// describe makes the OpusSpecificBox ("Encapsulation of Opus in ISO Base Media File
// Format", 4.3.2). PreSkip is zero: a live stream is joined after it.
func (o *opusTrack) describe(channels int) {
	if o.format != nil && o.format.Channels == channels {
		return
	}
	head := []byte{0, byte(channels), 0, 0}
	head = binary.BigEndian.AppendUint32(head, opusRate)
	head = append(head, 0, 0, 0) // OutputGain, ChannelMappingFamily
	o.format = &ingest.AudioFormat{SampleRate: opusRate, Channels: channels, Config: head}
}

// configure takes an identification header (RFC 7845, section 5.1).
func (o *opusTrack) configure(b []byte) error {
	if len(b) < 19 || string(b[:8]) != "OpusHead" || b[9] < 1 || b[9] > 2 || b[18] != 0 {
		return fmt.Errorf("%w: no OpusHead of one or two channels", ErrMalformed)
	}
	o.describe(int(b[9]))
	return nil
}

func (o *opusTrack) unit(au *ingest.AccessUnit, payload []byte) (bool, error) {
	if len(payload) == 0 || len(payload) > maxFrame {
		return false, fmt.Errorf("%w: packet of %d bytes", ErrMalformed, len(payload))
	}
	samples := opus.PacketDuration2(payload)
	if samples <= 0 || samples > maxOpusSamples {
		return false, fmt.Errorf("%w: packet of %d samples", ErrMalformed, samples)
	}
	o.fill(au, payload, int(samples))
	return true, nil
}
