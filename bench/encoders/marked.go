package encoders

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/freshet-live/freshet/bench/mark"
	"github.com/freshet-live/freshet/bench/pattern"
	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
)

// Marker makes the marks of one encoder.
type Marker struct {
	// Wall gives the time of day of a time of the stream.
	Wall func(time.Duration) time.Time

	next uint64
}

// Mark gives the NAL unit for a picture that is sent at a time.
func (m *Marker) Mark(units [][]byte, at time.Duration, hevc bool) []byte {
	n := m.next
	m.next++
	return mark.Mark{Sequence: n, Sent: m.Wall(at), Sum: mark.Sum(units, hevc)}.Append(nil, hevc)
}

// unmarked is an access unit of the clip, and when the last of it was due there.
type unmarked struct {
	ingest.AccessUnit
	due time.Duration
}

// marked is a Source that takes a stream apart and writes it anew, with marks: the
// first video and the first AAC of it.
type marked struct {
	from    Source
	marker  *Marker
	demuxer *mpegts.Demuxer
	mux     pattern.Muxer

	now          time.Duration // Of from.
	video, audio ingest.Stream
	ready        []unmarked
	offset       int64 // From the time of the stream to its clock, in ticks.
	err          error
	out          []byte
	tables       time.Duration // When they are written next.
}

const (
	// tablesEvery keeps to the 100 ms that TR 101 290 allows a PAT and PMT at most.
	tablesEvery = 90 * time.Millisecond
	// slack is how much later than in the clip a picture may be sent: what it waited
	// there for its end.
	slack = ingest.Clock
	// patience is how far is read for an access unit.
	patience = 1 << 16
)

var errNoUnits = errors.New("has no pictures that can be marked")

// NewMarked marks what from gives; it reads up to its first picture.
func NewMarked(from Source, marker *Marker) (Source, error) {
	m := &marked{from: from, marker: marker}
	m.demuxer = mpegts.New(mpegts.Config{Sink: m})
	m.fill()
	switch {
	case m.err != nil:
		return nil, m.err
	case len(m.ready) == 0 || !m.video.Codec.IsVideo():
		return nil, errNoUnits
	}
	first := m.ready[0]
	m.offset = first.DTS - slack - ticks(first.due)
	return m, nil
}

// SetProgram chooses the streams.
func (m *marked) SetProgram(p ingest.Program) error {
	m.video, m.audio = ingest.Stream{}, ingest.Stream{}
	for _, s := range p.Streams {
		switch {
		case s.Codec.IsVideo() && m.video.ID == 0:
			m.video = s
		case s.Codec == ingest.CodecAAC && m.audio.ID == 0:
			m.audio = s
		}
	}
	m.mux.Video, m.mux.Audio = 0, 0
	switch m.video.Codec {
	case ingest.CodecH264:
		m.mux.Video = pattern.TypeH264
	case ingest.CodecH265:
		m.mux.Video = pattern.TypeH265
	default:
	}
	if m.audio.ID != 0 {
		m.mux.Audio = pattern.TypeAAC
	}
	return nil
}

// Push keeps a copy.
func (m *marked) Push(au ingest.AccessUnit) error {
	if au.Stream != m.video.ID && au.Stream != m.audio.ID {
		return nil
	}
	units := make([][]byte, len(au.Units))
	for i, b := range au.Units {
		units[i] = slices.Clone(b)
	}
	au.Units = units
	m.ready = append(m.ready, unmarked{au, m.now})
	return nil
}

// fill reads until there is an access unit.
func (m *marked) fill() {
	for range patience {
		if len(m.ready) > 0 || m.err != nil {
			return
		}
		m.now = m.from.Due()
		m.err = m.demuxer.Write(m.from.Take(m.now), time.Time{})
	}
}

func (m *marked) Due() time.Duration {
	m.fill()
	if len(m.ready) == 0 {
		return m.now
	}
	return m.ready[0].due
}

func (m *marked) Take(at time.Duration) []byte {
	m.fill()
	m.out = m.out[:0]
	if len(m.ready) == 0 {
		return m.out
	}
	au := m.ready[0]
	m.ready = m.ready[1:]
	if at >= m.tables {
		m.tables = at + tablesEvery
		m.out = append(m.out, m.mux.Tables()...)
	}
	pcr := m.offset*300 + int64(at)*27/1000
	if au.Stream == m.audio.ID {
		frame, err := adts(au.AccessUnit)
		if err != nil {
			return m.out // It was read from a header like the one that is made.
		}
		return append(m.out, m.mux.Frame(frame, au.PTS, pcr)...)
	}
	return append(m.out, m.mux.Picture(m.annexB(au.Units, at), au.PTS, au.DTS, pcr, au.Random)...)
}

// annexB puts a delimiter and the mark before a picture's slices.
func (m *marked) annexB(units [][]byte, at time.Duration) []byte {
	hevc := m.video.Codec == ingest.CodecH265
	out := make([][]byte, 0, len(units)+2)
	if hevc {
		out = append(out, []byte{35 << 1, 1, 0x50})
	} else {
		out = append(out, []byte{9, 0xF0})
	}
	first := slices.IndexFunc(units, func(b []byte) bool {
		if hevc {
			return b[0]>>1&0x3F < 32
		}
		return b[0]&0x1F <= 5
	})
	first = max(first, 0)
	out = append(out, units[:first]...)
	out = append(out, m.marker.Mark(units, at, hevc))
	return pattern.AnnexB(append(out, units[first:]...))
}

// adts puts the header on again that the demuxer took off.
func adts(au ingest.AccessUnit) ([]byte, error) {
	var config mpeg4audio.AudioSpecificConfig
	if err := config.Unmarshal(au.Format.Config); err != nil {
		return nil, fmt.Errorf("audio: %w", err)
	}
	index := slices.Index(adtsRates, config.SampleRate)
	if index < 0 {
		return nil, fmt.Errorf("audio: %d Hz is no rate of ADTS", config.SampleRate)
	}
	return pattern.ADTS(au.Units[0], index, int(config.ChannelConfig)), nil
}

// adtsRates are in the order of their index (ISO/IEC 14496-3, table 1.18).
var adtsRates = []int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

func ticks(d time.Duration) int64 {
	return int64(d/time.Second)*ingest.Clock + int64(d%time.Second)*9/100_000
}
