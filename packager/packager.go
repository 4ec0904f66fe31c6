package packager

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/relay"
)

// Packager publishes one broadcast. It is an ingest.HeldSink: its methods are
// called by one goroutine at a time.
type Packager struct {
	// Set by New, then read-only.
	cfg       Config
	log       *slog.Logger
	metrics   *metrics
	broadcast *relay.Broadcast

	delay    time.Duration // Of the publisher.
	timeline timeline
	groups   groups
	catalog  catalog
	notary   notary
	slots    []*slot       // What has a track, or will have one.
	streams  map[int]*slot // By stream ID, of the present program; nil for those left out.
}

var _ ingest.HeldSink = (*Packager)(nil)

// New publishes the broadcast, yet without tracks. The error is that of
// relay.Publish, relay.ErrExists.
func New(cfg Config) (*Packager, error) {
	if cfg.Window == 0 {
		cfg.Window = DefaultWindow
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	b, err := cfg.Relay.Publish(cfg.Namespace)
	if err != nil {
		return nil, err
	}
	p := &Packager{
		cfg: cfg, log: cfg.Logger.With("broadcast", string(cfg.Namespace)), metrics: m, broadcast: b,
		groups:  groups{next: uint64(cfg.Now().UnixMilli())},
		streams: make(map[int]*slot),
	}
	p.timeline.onRebase = p.rebased
	p.notary = newNotary(p)
	return p, p.catalog.open(p)
}

func (p *Packager) rebased(reason string) {
	p.metrics.rebases.WithLabelValues(reason).Inc()
	p.log.Debug("timeline rebased", "reason", reason)
}

// Begin starts a contribution. Its clocks and streams may differ from those of
// the one before; the timeline goes on.
func (p *Packager) Begin(r ingest.Request) {
	p.delay = r.Delay
	p.timeline.begin(r.Delay)
	for _, s := range p.slots {
		s.begin()
	}
}

// End publishes what is complete. The tracks stay.
func (p *Packager) End() {
	for _, s := range p.slots {
		s.flushLogged()
	}
	if err := p.catalog.end(); err != nil {
		p.log.Debug("publish catalog", "error", err)
	}
}

// Close ends the broadcast; its readers get the reason.
func (p *Packager) Close(reason error) {
	p.End()
	p.broadcast.Close(reason)
}

// SetProgram takes the streams of the contribution. A stream takes the place of
// the one that had its role before: the second audio stream is "audio-2",
// whatever its PID.
func (p *Packager) SetProgram(program ingest.Program) error {
	p.streams = make(map[int]*slot, len(program.Streams))
	used := make(map[*slot]bool)
	audio := 0
	for _, st := range program.Streams {
		name := "video"
		if !st.Codec.IsVideo() {
			audio++
			name = audioName(audio)
		}
		s := p.slot(name, st.Codec.IsVideo())
		if used[s] {
			p.streams[st.ID] = nil
			p.log.Warn("only one video stream is carried", "stream", st.ID, "codec", st.Codec.String())
			continue
		}
		used[s] = true
		p.streams[st.ID] = s
		s.assign(st)
	}
	for _, s := range p.slots {
		if !used[s] {
			s.retire()
		}
	}
	return p.catalog.update()
}

func audioName(n int) string {
	if n == 1 {
		return "audio"
	}
	return fmt.Sprintf("audio-%d", n)
}

// slot finds the slot of a name, or makes it.
func (p *Packager) slot(name string, video bool) *slot {
	for _, s := range p.slots {
		if s.name == name {
			return s
		}
	}
	s := &slot{p: p, name: name, index: len(p.slots), isVideo: video}
	p.slots = append(p.slots, s)
	return s
}

// Push packages an access unit and publishes what has become complete. It keeps
// nothing of au's units once it has returned. An error means that the broadcast
// has ended.
func (p *Packager) Push(au ingest.AccessUnit) error {
	s, known := p.streams[au.Stream]
	switch {
	case !known:
		p.drop(dropUnknown)
		return nil
	case s == nil:
		p.drop(dropExtra)
		return nil
	case !s.hasMedia(&au):
		p.drop(dropEmpty)
		return nil
	}
	at := p.timeline.place(s.index, s.stamp(&au))
	p.groups.seen(s.isVideo, at)
	p.catalog.seen(at.dts)
	err := p.notary.advance()
	switch {
	case err != nil:
	case s.isVideo:
		err = s.video.push(&au, at)
		p.flushQuiet(au.Complete)
	default:
		err = s.audio.push(&au, at)
	}
	if err != nil {
		return fmt.Errorf("package %s: %w", s.name, err)
	}
	return p.catalog.tick()
}

// flushQuiet publishes the sound that waits for more to come, where none has come
// for a chunk's time: it paused, or comes in bursts, and pictures go on.
func (p *Packager) flushQuiet(now time.Time) {
	for _, s := range p.slots {
		if s.audio != nil && s.audio.waits(now) {
			s.flushLogged()
		}
	}
}

func (p *Packager) drop(reason string) {
	p.metrics.dropped.WithLabelValues(reason).Inc()
}
