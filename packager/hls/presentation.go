package hls

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/freshet-live/freshet/relay"
)

// Presentation is one broadcast as HLS: its renditions and the Multivariant
// Playlist that lists them.
type Presentation struct {
	// Set when made, then read-only.
	broadcast *relay.Broadcast
	cfg       Config
	metrics   *metrics
	isReady   chan struct{}
	readyOnce sync.Once

	asked atomic.Int64 // When it was last asked for, in Unix nanoseconds.

	renditions atomic.Pointer[[]*Rendition]
	master     atomic.Pointer[master]

	// Owned by the follower.
	timeline timeline
}

func newPresentation(b *relay.Broadcast, cfg Config, m *metrics) *Presentation {
	p := &Presentation{broadcast: b, cfg: cfg, metrics: m, isReady: make(chan struct{})}
	p.renditions.Store(&[]*Rendition{})
	return p
}

func (p *Presentation) touch() { p.asked.Store(p.cfg.Now().UnixNano()) }

func (p *Presentation) idle() bool {
	return p.cfg.Now().Sub(time.Unix(0, p.asked.Load())) > p.cfg.Idle
}

// ended tells whether the broadcast is over: what there is of it lingers.
func (p *Presentation) ended() bool { return p.broadcast.Err() != nil }

// Namespace is the broadcast's name.
func (p *Presentation) Namespace() relay.Namespace { return p.broadcast.Namespace() }

// Ready is closed once there are playlists: at the end of the first segment,
// because only then the target duration is known.
func (p *Presentation) Ready() <-chan struct{} { return p.isReady }

// Renditions are those with a track, video first. The slice is shared.
func (p *Presentation) Renditions() []*Rendition { return *p.renditions.Load() }

// Rendition looks a rendition up.
func (p *Presentation) Rendition(name string) (*Rendition, bool) {
	for _, r := range p.Renditions() {
		if r.name == name {
			return r, true
		}
	}
	return nil, false
}

// Config is the configuration with its defaults.
func (p *Presentation) Config() Config { return p.cfg }

func (p *Presentation) limit() time.Duration { return p.timeline.limit(p.cfg.MaxTargetDuration) }

func (p *Presentation) setRenditions(rs []*Rendition) {
	rs = slices.Clone(rs)
	p.renditions.Store(&rs)
}

// ready tells of new playlists. changed says that the Multivariant Playlist may
// read differently now.
func (p *Presentation) ready(changed bool) {
	if changed || p.master.Load() == nil {
		p.master.Store(p.newMaster())
	}
	p.readyOnce.Do(func() { close(p.isReady) })
}

// Urgency is RFC 9218's urgency for a rendition's media: 2 for the lowest bit
// rate and never more urgent for a higher one (B.1).
func (p *Presentation) Urgency(r *Rendition) int {
	rank := 0
	for _, other := range p.Renditions() {
		if other.bitrate.Load() < r.bitrate.Load() {
			rank++
		}
	}
	return min(2+rank, 6)
}
