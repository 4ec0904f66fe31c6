package hls

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/freshet-live/freshet/packager/msf"
)

// master is what the Multivariant Playlist is rendered from. It is immutable.
type master struct {
	lazyDocument

	independent bool
	modified    time.Time
	video       []entry
	audio       []entry
}

// entry is a rendition as the Multivariant Playlist lists it.
type entry struct {
	name          string
	track         msf.Track
	videoRange    string
	peak, average int
}

// newMaster is called by the follower.
func (p *Presentation) newMaster() *master {
	m := &master{independent: !p.timeline.dependent, modified: p.cfg.Now()}
	for _, r := range p.Renditions() {
		if r.Playlist() == nil || r.peak == 0 {
			continue
		}
		e := entry{name: r.name, track: r.track, peak: r.peak, average: r.peak}
		if r.seconds > 0 {
			e.average = int(float64(r.total) * 8 / r.seconds)
		}
		if r.video() {
			e.videoRange = videoRange(r.header.Data)
			m.video = append(m.video, e)
		} else {
			m.audio = append(m.audio, e)
		}
	}
	return m
}

// Multivariant is the Multivariant Playlist, with the time it was made; nil
// before Ready.
func (p *Presentation) Multivariant() (*Document, time.Time) {
	m := p.master.Load()
	if m == nil {
		return nil, time.Time{}
	}
	return m.get(m.render), m.modified
}

const audioGroup = "audio"

func (m *master) render() []byte {
	b := fmt.Appendf(nil, "#EXTM3U\n#EXT-X-VERSION:%d\n", version)
	if m.independent {
		b = append(b, "#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	}
	variants, group := m.video, m.audio
	if len(m.video) == 0 {
		// Without video the first audio is the variant itself.
		variants = m.audio[:min(1, len(m.audio))]
		if len(group) == 1 {
			group = nil
		}
	}
	for i, e := range group {
		b = e.renderMedia(b, i == 0)
	}
	for _, e := range variants {
		b = e.renderVariant(b, group, len(m.video) > 0)
	}
	return b
}

func (e entry) renderMedia(b []byte, first bool) []byte {
	b = fmt.Appendf(b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=%q,NAME=%q", audioGroup, e.name)
	if lang := attribute(e.track.Lang); lang != "" && lang != "und" {
		b = fmt.Appendf(b, ",LANGUAGE=\"%s\"", lang)
	}
	if first {
		b = append(b, ",DEFAULT=YES"...)
	}
	b = append(b, ",AUTOSELECT=YES"...)
	if c := attribute(e.track.ChannelConfig); c != "" {
		b = fmt.Appendf(b, ",CHANNELS=\"%s\"", c)
	}
	return fmt.Appendf(b, ",URI=\"%s/index.m3u8\"\n", attribute(e.name))
}

// renderVariant adds the audio group's highest rates to the variant's own
// (4.4.6.2).
func (e entry) renderVariant(b []byte, group []entry, video bool) []byte {
	peak, average := e.peak, e.average
	codecs := []string{attribute(e.track.Codec)}
	var audioPeak, audioAverage int
	for _, a := range group {
		audioPeak, audioAverage = max(audioPeak, a.peak), max(audioAverage, a.average)
		if c := attribute(a.track.Codec); !slices.Contains(codecs, c) {
			codecs = append(codecs, c)
		}
	}
	if video {
		peak, average = peak+audioPeak, average+audioAverage
	} else if len(group) > 0 {
		peak, average = audioPeak, audioAverage
	}
	b = fmt.Appendf(b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d,CODECS=\"%s\"",
		peak, average, strings.Join(codecs, ","))
	if e.track.Width > 0 && e.track.Height > 0 {
		b = fmt.Appendf(b, ",RESOLUTION=%dx%d", e.track.Width, e.track.Height)
	}
	if e.track.Framerate > 0 {
		b = fmt.Appendf(b, ",FRAME-RATE=%.3f", e.track.Framerate)
	}
	if e.videoRange != "" {
		b = fmt.Appendf(b, ",VIDEO-RANGE=%s", e.videoRange)
	}
	if len(group) > 0 {
		b = fmt.Appendf(b, ",AUDIO=%q", audioGroup)
	}
	return fmt.Appendf(b, "\n%s/index.m3u8\n", attribute(e.name))
}

// attribute leaves out what a quoted-string must not have (4.2): catalogs come
// from other people.
func attribute(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}
