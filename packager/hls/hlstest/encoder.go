package hlstest

import (
	"bytes"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
)

// Config describes a synthetic broadcast. The zero value is 25 fps with 2 s
// groups, and audio.
type Config struct {
	// FrameTicks is a video frame's duration at 90 kHz; 3600 by default.
	FrameTicks uint64
	// Frames gives the number of frames in each group; 50 by default.
	Frames func(group int) int
	// AudioFrames of 1024 samples at 48 kHz make an audio chunk; 5 by default.
	AudioFrames uint64
	NoVideo     bool
	// SilentVideo declares video that never comes.
	SilentVideo bool
	NoAudio     bool
	// Edition makes headers differ from those of another encoder.
	Edition int
	// Start is the media time of the first sample; time.Now by default.
	Start time.Time
}

// Encoder publishes a broadcast chunk by chunk, in media time. It is not safe
// for concurrent use.
type Encoder struct {
	tb  testing.TB
	cfg Config
	b   *relay.Broadcast

	catalog    *relay.Track
	catalogID  uint64
	video      *stream
	audio      *stream
	inGroup    int
	groups     int
	id         uint64
	groupStart time.Time
	stallUntil time.Time
	holdUntil  time.Time
	held       []heldChunk
}

// heldChunk is sound that is published later.
type heldChunk struct {
	group   uint64
	payload []byte
}

// stream is one track.
type stream struct {
	base, role string
	generation int
	edition    int
	timescale  uint64
	track      *relay.Track
	group      *relay.Group
	id         uint64 // Of the group of sound that the next chunk belongs to.
	next       uint64 // Decode time.
	sequence   uint32
}

func (s *stream) name() string {
	if s.generation == 1 {
		return s.base
	}
	return s.base + "." + string(rune('0'+s.generation))
}

func (s *stream) at() time.Time {
	return time.Unix(int64(s.next/s.timescale), int64(s.next%s.timescale*uint64(time.Second)/s.timescale))
}

// New publishes the tracks and the catalog; Advance adds media.
func New(tb testing.TB, b *relay.Broadcast, cfg Config) *Encoder {
	tb.Helper()
	if cfg.FrameTicks == 0 {
		cfg.FrameTicks = 3600
	}
	if cfg.Frames == nil {
		cfg.Frames = func(int) int { return 50 }
	}
	if cfg.AudioFrames == 0 {
		cfg.AudioFrames = 5
	}
	if cfg.Start.IsZero() {
		cfg.Start = time.Now()
	}
	e := &Encoder{tb: tb, cfg: cfg, b: b, id: uint64(cfg.Start.UnixMilli())}
	e.catalogID = e.id
	e.catalog = e.newTrack(msf.TrackName, 0)
	if !cfg.NoVideo {
		e.video = e.newStream("video", msf.RoleVideo, 90000)
	}
	if !cfg.NoAudio {
		e.audio = e.newStream("audio", msf.RoleAudio, 48000)
	}
	e.publishCatalog()
	return e
}

func (e *Encoder) newStream(base, role string, timescale uint64) *stream {
	ticks := uint64(e.cfg.Start.Unix())*timescale + uint64(e.cfg.Start.Nanosecond())*timescale/uint64(time.Second)
	return &stream{
		base: base, role: role, generation: 1, edition: e.cfg.Edition, timescale: timescale, next: ticks,
		track: e.newTrack(base, 30*time.Second),
	}
}

func (e *Encoder) newTrack(name string, window time.Duration) *relay.Track {
	e.tb.Helper()
	t, err := e.b.NewTrack(name, relay.TrackConfig{Window: window})
	if err != nil {
		e.tb.Fatal(err)
	}
	return t
}

func (e *Encoder) publishCatalog() {
	e.tb.Helper()
	c := &msf.Catalog{Version: msf.Version}
	for _, s := range []*stream{e.video, e.audio} {
		if s == nil {
			continue
		}
		t := msf.Track{
			Name: s.name(), Packaging: msf.PackagingCMAF, IsLive: true, Role: s.role,
			InitRef: s.name(), Timescale: uint32(s.timescale), Codec: "mp4a.40.2", Bitrate: 128_000,
			SampleRate: 48000, ChannelConfig: "2", Lang: "en",
		}
		if s == e.video {
			t.Codec, t.Width, t.Height, t.Bitrate = "avc1.64001f", 1280, 720, 2_000_000
			t.Framerate = 90000 / float64(e.cfg.FrameTicks)
			t.SampleRate, t.ChannelConfig, t.Lang = 0, "", ""
		}
		c.Tracks = append(c.Tracks, t)
		c.InitDataList = append(c.InitDataList, msf.InitData{ID: s.name(), Type: msf.InitInline, Data: s.header(e.tb)})
	}
	text, err := c.Encode()
	if err != nil {
		e.tb.Fatal(err)
	}
	e.catalogID++
	g := e.newGroup(e.catalog, e.catalogID)
	e.append(g, text)
}

func (e *Encoder) newGroup(t *relay.Track, id uint64) *relay.Group {
	e.tb.Helper()
	g, err := t.NewGroup(id)
	if err != nil {
		e.tb.Fatal(err)
	}
	return g
}

func (e *Encoder) append(g *relay.Group, payload []byte) {
	e.tb.Helper()
	if err := g.Append(relay.Object{Payload: payload, Complete: time.Now()}); err != nil {
		e.tb.Fatal(err)
	}
}

// Advance publishes every chunk that ends at the time or before.
func (e *Encoder) Advance(to time.Time) {
	e.tb.Helper()
	for {
		video := e.video != nil && !e.cfg.SilentVideo && !e.videoEnd().After(to)
		audio := e.audio != nil && !e.audioEnd().After(to)
		switch {
		case video && (!audio || !e.videoEnd().After(e.audioEnd())):
			e.videoFrame()
		case audio:
			e.audioChunk()
		default:
			return
		}
	}
}

func (e *Encoder) videoEnd() time.Time {
	return e.video.at().Add(time.Duration(e.cfg.FrameTicks) * time.Second / 90000)
}

func (e *Encoder) audioEnd() time.Time {
	return e.audio.at().Add(time.Duration(e.cfg.AudioFrames) * 1024 * time.Second / 48000)
}

func (e *Encoder) videoFrame() {
	e.tb.Helper()
	s := e.video
	if s.at().Before(e.stallUntil) {
		s.next += e.cfg.FrameTicks
		return
	}
	first := s.group == nil || e.inGroup >= e.cfg.Frames(e.groups-1)
	if first {
		e.id++
		e.groups++
		e.inGroup = 0
		e.groupStart = s.at()
		s.group = e.newGroup(s.track, e.id)
	}
	e.inGroup++
	e.append(s.group, s.chunk(e.tb, 1, uint32(e.cfg.FrameTicks), first, 4000))
}

func (e *Encoder) audioChunk() {
	e.tb.Helper()
	s := e.audio
	switch {
	case e.video == nil || e.cfg.SilentVideo:
		if s.id == 0 || s.at().Sub(e.groupStart) >= time.Second {
			e.id++
			e.groupStart = s.at()
			s.id = e.id
		}
	case e.groups == 0 || s.id == 0 && s.at().Before(e.groupStart):
		s.next += e.cfg.AudioFrames * 1024 // No video yet.
		return
	case s.id == 0 || s.id != e.id && !s.at().Before(e.groupStart):
		s.id = e.id
	}
	holds := s.at().Before(e.holdUntil)
	e.held = append(e.held, heldChunk{s.id, s.chunk(e.tb, int(e.cfg.AudioFrames), 1024, true, 300)})
	if holds {
		return
	}
	for _, h := range e.held {
		if s.group == nil || s.group.ID() != h.group {
			s.group = e.newGroup(s.track, h.group)
		}
		e.append(s.group, h.payload)
	}
	e.held = e.held[:0]
}

// header is a CMAF header that differs from one generation to the next.
func (s *stream) header(tb testing.TB) []byte {
	tb.Helper()
	init := mp4.CreateEmptyInit()
	init.AddEmptyTrack(uint32(s.timescale), s.role, "und")
	init.Moov.Mvhd.Timescale = uint32(s.generation + s.edition<<8)
	var b bytes.Buffer
	if err := init.Encode(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// chunk makes a chunk of samples and moves on.
func (s *stream) chunk(tb testing.TB, samples int, duration uint32, sync bool, size int) []byte {
	tb.Helper()
	s.sequence++
	f, err := mp4.CreateFragment(s.sequence, 1)
	if err != nil {
		tb.Fatal(err)
	}
	flags := mp4.NonSyncSampleFlags
	if sync {
		flags = mp4.SyncSampleFlags
	}
	for range samples {
		f.AddFullSample(mp4.FullSample{
			Sample:     mp4.Sample{Flags: flags, Dur: duration, Size: uint32(size)},
			DecodeTime: s.next, Data: bytes.Repeat([]byte{0x2a}, size),
		})
		s.next += uint64(duration)
	}
	var b bytes.Buffer
	if err := f.Encode(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// Renew ends a track, "video" or "audio", and goes on in a new one, as after a
// change of its header.
func (e *Encoder) Renew(name string) {
	e.tb.Helper()
	s := e.video
	if name == "audio" {
		s = e.audio
	}
	s.generation++
	s.track.Close(nil)
	s.track, s.group, s.id = e.newTrack(s.name(), 30*time.Second), nil, 0
	e.publishCatalog()
}

// Jump leaves a hole in the media time of all tracks.
func (e *Encoder) Jump(d time.Duration) {
	if e.video != nil {
		e.video.next += uint64(d * 90000 / time.Second)
		e.video.group = nil
	}
	if e.audio != nil {
		e.audio.next += uint64(d * 48000 / time.Second)
	}
}

// StallVideo publishes no video for a while; it goes on inside its group.
func (e *Encoder) StallVideo(d time.Duration) { e.stallUntil = e.video.at().Add(d) }

// HoldAudio publishes no sound for a while, and then all of it at once, as a
// publisher does whose path stood.
func (e *Encoder) HoldAudio(d time.Duration) { e.holdUntil = e.audio.at().Add(d) }

// End closes the broadcast.
func (e *Encoder) End() { e.b.Close(nil) }
