package packager

import (
	"fmt"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/relay"
)

// slot is the place of a stream in the broadcast: a family of tracks, of which
// one at most is live.
type slot struct {
	// Set by Packager.slot, then read-only.
	p       *Packager
	name    string
	index   int // In the timeline and in Packager.slots.
	isVideo bool

	stream     ingest.Stream
	active     bool // The program has it.
	generation int  // Counts the tracks.
	out        *output
	lastGroup  uint64 // Group IDs rise through all tracks.
	headers    allowance
	held       bool // A new header was refused, and it was said.

	video *video
	audio *audio
}

// assign makes the slot carry a stream.
func (s *slot) assign(st ingest.Stream) {
	same := s.active && s.stream == st
	s.stream, s.active = st, true
	switch {
	case same:
	case s.isVideo:
		s.video = newVideo(s)
	default:
		if s.audio != nil {
			s.flushLogged()
		}
		s.audio = &audio{slot: s}
	}
}

// begin prepares for a new contribution: the stream starts anew on the track.
func (s *slot) begin() {
	s.active = false
}

// retire ends the track of a stream that the program no longer has.
func (s *slot) retire() {
	s.active = false
	if s.out == nil {
		return
	}
	s.flushLogged()
	s.out.close()
	s.out = nil
}

func (s *slot) flushLogged() {
	if err := s.flush(); err != nil {
		s.p.log.Debug("flush", "track", s.name, "error", err)
	}
}

// flush publishes an unfinished audio chunk.
func (s *slot) flush() error {
	if s.audio == nil || s.out == nil {
		return nil
	}
	return s.audio.flush()
}

func (s *slot) hasMedia(au *ingest.AccessUnit) bool {
	if s.isVideo {
		return len(au.Units) > 0
	}
	return len(au.Units) == 1 && len(au.Units[0]) > 0 && au.Samples > 0 && au.Format != nil && au.Format.SampleRate > 0
}

func (s *slot) stamp(au *ingest.AccessUnit) stamp {
	st := stamp{pts: au.PTS, dts: au.DTS, random: au.Random, audio: !s.isVideo, arrived: au.Complete}
	switch {
	case !s.isVideo:
		st.frame = int64(au.Samples) * ingest.Clock / int64(au.Format.SampleRate)
	case s.out != nil:
		st.frame = int64(s.out.header.FrameDuration)
	}
	return st
}

// mayOpen tells whether another header may be taken now. The stream waits for it
// otherwise: what follows does not decode with the header there is.
func (s *slot) mayOpen() bool {
	if s.headers.take(s.p.cfg.Now()) {
		s.held = false
		return true
	}
	if !s.held {
		s.held = true
		s.p.log.Warn("the format changes too often; media is dropped until it may change again", "track", s.name)
	}
	return false
}

// open starts the next track of the slot with header, publishes the catalog
// that names it, and ends the track before.
func (s *slot) open(header *cmaf.Header) error {
	s.generation++
	name := s.name
	if s.generation > 1 {
		name = fmt.Sprintf("%s.%d", s.name, s.generation)
	}
	priority := uint8(priorityAudio)
	if s.isVideo {
		priority = priorityVideo
	}
	track, err := s.p.broadcast.NewTrack(name, relay.TrackConfig{Window: s.p.cfg.Window, Priority: priority})
	if err != nil {
		return err
	}
	old := s.out
	s.out = s.p.newOutput(s.kind(), track, header)
	if s.isVideo {
		if s.out.beacons, err = s.p.notary.open(track); err != nil {
			return err
		}
	}
	if old != nil {
		s.out.rate = old.rate
	}
	s.p.metrics.headers.WithLabelValues(s.kind()).Inc()
	s.p.log.Info("track started", "track", name, "codec", header.Codec, "width", header.Width,
		"height", header.Height, "sample_rate", header.SampleRate, "channels", header.Channels)
	if err := s.p.catalog.update(); err != nil {
		return err
	}
	if old != nil {
		old.close()
	}
	return nil
}

// openGroup starts a group of the live track with the next chunk.
func (s *slot) openGroup(id uint64) {
	s.lastGroup = id
	s.out.openGroup(id)
}

func (s *slot) kind() string {
	if s.isVideo {
		return "video"
	}
	return "audio"
}
