package packager

import (
	"math"
	"strconv"
	"time"

	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
)

// catalog publishes the MSF catalog: at first when the declared streams are
// known, then on each change, and every two seconds as it is.
type catalog struct {
	p     *Packager
	track *relay.Track

	group     uint64 // The next ID.
	published bool
	payload   []byte // What was last published.
	last      time.Time
	started   bool
	ended     bool
	firstDTS  int64 // Media time of the first unit.
	dts       int64 // And of the newest.
	rates     []float64
	checked   int64 // Media time of the last look at the rates.
}

const (
	renderGroup   = 1
	altGroupVideo = 1
	altGroupAudio = 2
	// rateChange is how far a rate moves before the catalog says so.
	rateChange = 0.25
	// rateCheck is how often the rates are looked at, in media time.
	rateCheck = 2000 * clockMs
)

// open makes the track. Its group IDs rise through restarts: they start at the
// time in ms, and no broadcast makes a thousand catalogs a second.
func (c *catalog) open(p *Packager) error {
	track, err := p.broadcast.NewTrack(msf.TrackName, relay.TrackConfig{Priority: priorityCatalog})
	if err != nil {
		return err
	}
	c.p, c.track, c.group = p, track, uint64(p.cfg.Now().UnixMilli())
	return nil
}

// seen takes note of media time.
func (c *catalog) seen(dts int64) {
	if !c.started {
		c.started, c.firstDTS = true, dts
	}
	c.dts = max(c.dts, dts)
}

// end is told that the publisher has gone.
func (c *catalog) end() error {
	c.ended = true
	if c.published {
		return nil
	}
	return c.update()
}

// tick publishes what is due. It is called after each access unit.
func (c *catalog) tick() error {
	if !c.published {
		return c.update()
	}
	if c.dts-c.checked >= rateCheck {
		c.checked = c.dts
		if c.ratesMoved() {
			return c.update()
		}
	}
	if c.p.cfg.Now().Sub(c.last) < catalogPeriod {
		return nil
	}
	return c.publish()
}

// ready tells whether the catalog can be published: something plays, and what
// does not has been waited for.
func (c *catalog) ready() bool {
	if c.published {
		return true
	}
	known, waited := false, c.dts-c.firstDTS
	if c.ended {
		waited = videoWait // The publisher has gone; what is known is all.
	}
	for _, s := range c.p.slots {
		switch {
		case s.out != nil:
			known = true
		case !s.active:
		case s.isVideo && waited < videoWait, !s.isVideo && waited < audioWait:
			return false
		}
	}
	return known
}

// update publishes the catalog with the tracks as they are now.
func (c *catalog) update() error {
	if !c.ready() {
		return nil
	}
	doc := msf.Catalog{Version: msf.Version, GeneratedAt: c.p.cfg.Now().UnixMilli(), Tracks: []msf.Track{}}
	c.rates = c.rates[:0]
	for _, s := range c.p.slots {
		rate := 0.0
		if s.out != nil {
			rate = s.bitrate()
			track, init := c.describe(s, rate)
			doc.Tracks = append(doc.Tracks, track)
			doc.InitDataList = append(doc.InitDataList, init)
		}
		c.rates = append(c.rates, rate)
	}
	doc.Swarm = c.p.notary.keys()
	payload, err := doc.Encode()
	if err != nil {
		return err
	}
	c.payload, c.published = payload, true
	return c.publish()
}

// describe gives a track's entry and its header.
func (c *catalog) describe(s *slot, rate float64) (msf.Track, msf.InitData) {
	h := s.out.header
	t := msf.Track{
		Name: s.out.track.Name(), Packaging: msf.PackagingCMAF, IsLive: true,
		RenderGroup: renderGroup, Codec: h.Codec, Timescale: h.Timescale,
		InitRef: "init-" + s.out.track.Name(), Bitrate: int(math.Round(rate)), Lang: s.stream.Language,
		TargetLatency: int(c.p.cfg.TargetLatency.Milliseconds()),
	}
	if s.isVideo {
		t.Role, t.AltGroup = msf.RoleVideo, altGroupVideo
		t.Width, t.Height = h.Width, h.Height
		t.Framerate = math.Round(s.framerate()*1000) / 1000
		t.Beacons = s.out.beacons.name()
	} else {
		t.Role, t.AltGroup = msf.RoleAudio, altGroupAudio
		t.SampleRate, t.ChannelConfig = h.SampleRate, strconv.Itoa(h.Channels)
	}
	return t, msf.InitData{ID: t.InitRef, Type: msf.InitInline, Data: h.Bytes}
}

// bitrate is what is known of the track's rate.
func (s *slot) bitrate() float64 {
	if s.out.rate.estimate > 0 {
		return s.out.rate.estimate
	}
	return guess(s.out)
}

// framerate is what the stream declares, or what was seen of it.
func (s *slot) framerate() float64 {
	if f := s.out.header.Framerate(); f > 0 {
		return f
	}
	if c := s.p.timeline.clock(s.index).cadence; c.seen {
		return float64(clockMs*1000) / float64(c.delta)
	}
	return 0
}

func (c *catalog) ratesMoved() bool {
	for i, s := range c.p.slots {
		if s.out == nil || i >= len(c.rates) {
			continue
		}
		if math.Abs(s.bitrate()-c.rates[i]) > rateChange*c.rates[i] {
			return true
		}
	}
	return false
}

// publish appends the payload as a new group.
func (c *catalog) publish() error {
	now := c.p.cfg.Now()
	g, err := c.track.NewGroup(c.group)
	if err != nil {
		return err
	}
	c.group++
	c.last = now
	defer g.Close()
	return g.Append(relay.Object{Payload: c.payload, Complete: now})
}
