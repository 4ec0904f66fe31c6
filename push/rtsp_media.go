package push

import (
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"github.com/freshet-live/freshet/ingest"
)

// maxRTP is the most of an RTP packet: what fits a packet of 1500 bytes, also where
// the server sends it on over UDP.
const maxRTP = 1400

// rtspMedia is a stream as RTP carries it.
type rtspMedia struct {
	media  *description.Media
	encode func([][]byte) ([]*rtp.Packet, error)
	rate   int64 // Of the RTP clock.
	// first and begin tie PTS to the time of day, for sender reports.
	first int64
	begin time.Time
}

// newMedia describes the stream of an access unit; nil while its parameters are
// missing.
func newMedia(codec ingest.Codec, au ingest.AccessUnit, payloadType uint8) (*rtspMedia, error) {
	switch codec {
	case ingest.CodecH264:
		return h264Media(au, payloadType)
	case ingest.CodecH265:
		return h265Media(au, payloadType)
	case ingest.CodecAAC:
		return aacMedia(au, payloadType)
	case ingest.CodecOpus:
		return opusMedia(au, payloadType)
	default:
		return nil, nil //nolint:nilnil // RTSP carries it not
	}
}

func h264Media(au ingest.AccessUnit, payloadType uint8) (*rtspMedia, error) {
	f := &format.H264{PayloadTyp: payloadType, PacketizationMode: 1}
	for _, b := range au.Units {
		switch b[0] & 0x1F {
		case 7:
			f.SPS = append([]byte(nil), b...)
		case 8:
			f.PPS = append([]byte(nil), b...)
		}
	}
	if f.SPS == nil || f.PPS == nil {
		return nil, nil //nolint:nilnil // no parameters yet
	}
	encoder, err := f.CreateEncoder()
	if err != nil {
		return nil, err
	}
	encoder.PayloadMaxSize = maxRTP
	return described(description.MediaTypeVideo, f, encoder.Encode), nil
}

func h265Media(au ingest.AccessUnit, payloadType uint8) (*rtspMedia, error) {
	f := &format.H265{PayloadTyp: payloadType}
	for _, b := range au.Units {
		switch b[0] >> 1 & 0x3F {
		case 32:
			f.VPS = append([]byte(nil), b...)
		case 33:
			f.SPS = append([]byte(nil), b...)
		case 34:
			f.PPS = append([]byte(nil), b...)
		}
	}
	if f.VPS == nil || f.SPS == nil || f.PPS == nil {
		return nil, nil //nolint:nilnil // no parameters yet
	}
	encoder, err := f.CreateEncoder()
	if err != nil {
		return nil, err
	}
	encoder.PayloadMaxSize = maxRTP
	return described(description.MediaTypeVideo, f, encoder.Encode), nil
}

func aacMedia(au ingest.AccessUnit, payloadType uint8) (*rtspMedia, error) {
	if au.Format == nil {
		return nil, nil //nolint:nilnil // no parameters yet
	}
	var config mpeg4audio.AudioSpecificConfig
	if err := config.Unmarshal(au.Format.Config); err != nil {
		return nil, err
	}
	f := &format.MPEG4Audio{PayloadTyp: payloadType, Config: &config, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3}
	encoder, err := f.CreateEncoder()
	if err != nil {
		return nil, err
	}
	encoder.PayloadMaxSize = maxRTP
	return described(description.MediaTypeAudio, f, encoder.Encode), nil
}

func opusMedia(au ingest.AccessUnit, payloadType uint8) (*rtspMedia, error) {
	if au.Format == nil {
		return nil, nil //nolint:nilnil // no parameters yet
	}
	f := &format.Opus{PayloadTyp: payloadType, ChannelCount: au.Format.Channels}
	encoder, err := f.CreateEncoder()
	if err != nil {
		return nil, err
	}
	return described(description.MediaTypeAudio, f, func(frames [][]byte) ([]*rtp.Packet, error) {
		p, err := encoder.Encode(frames[0])
		return []*rtp.Packet{p}, err
	}), nil
}

func described(kind description.MediaType, f format.Format, encode func([][]byte) ([]*rtp.Packet, error)) *rtspMedia {
	return &rtspMedia{
		media:  &description.Media{Type: kind, Formats: []format.Format{f}},
		encode: encode, rate: int64(f.ClockRate()),
	}
}

// stray is how far the stream's clock may leave the time of day before sender reports
// follow the latter again.
const stray = time.Second

// wall is the time of day of a PTS: continuous as long as the clock is.
func (m *rtspMedia) wall(pts int64, now time.Time) time.Time {
	at := m.begin.Add(time.Duration(pts-m.first) * time.Second / ingest.Clock)
	if m.begin.IsZero() || at.Sub(now).Abs() > stray {
		m.first, m.begin, at = pts, now, now
	}
	return at
}

// packets makes RTP of an access unit.
func (m *rtspMedia) packets(au ingest.AccessUnit) ([]*rtp.Packet, error) {
	packets, err := m.encode(au.Units)
	for _, p := range packets {
		p.Timestamp += uint32(au.PTS * m.rate / ingest.Clock)
	}
	return packets, err
}
