package view

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
)

const (
	catalogPriority = 0
	broadcast       = relay.Namespace("live/cam1")
	// encoding is how long after its capture a chunk is published.
	encoding = 20 * time.Millisecond
	// mediaSize is that of the media in a chunk.
	mediaSize = 200
)

// studio publishes a broadcast in real or virtual time: video with 30 chunks a second
// and audio with 10, a group a second, a prft at the start of each.
type studio struct {
	tb    testing.TB
	relay *relay.Relay
	start time.Time
	lanes []*tape
}

// tape is one track.
type tape struct {
	track  *relay.Track
	every  time.Duration
	group  *relay.Group
	chunks int
}

func newStudio(tb testing.TB) *studio {
	tb.Helper()
	s := &studio{tb: tb, relay: relay.New(relay.Config{}), start: time.Now()}
	b, err := s.relay.Publish(broadcast)
	if err != nil {
		tb.Fatal(err)
	}
	catalog := &msf.Catalog{Version: msf.Version}
	for i, name := range []string{"video", "audio"} {
		track, err := b.NewTrack(name, relay.TrackConfig{Window: 10 * time.Second, Priority: uint8(i + 1)})
		if err != nil {
			tb.Fatal(err)
		}
		s.lanes = append(s.lanes, &tape{track: track, every: []time.Duration{time.Second / 30, time.Second / 10}[i]})
		catalog.Tracks = append(catalog.Tracks, msf.Track{Name: name, Packaging: msf.PackagingCMAF, IsLive: true, Role: name, Timescale: 90000})
	}
	text, err := catalog.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	track, err := b.NewTrack(msf.TrackName, relay.TrackConfig{Priority: catalogPriority})
	if err != nil {
		tb.Fatal(err)
	}
	s.append(s.newGroup(track, 0), text)
	return s
}

// newGroup numbers groups from the Unix time of the start in ms.
func (s *studio) newGroup(t *relay.Track, n int) *relay.Group {
	g, err := t.NewGroup(uint64(s.start.UnixMilli() + int64(n)))
	if err != nil {
		s.tb.Fatal(err)
	}
	return g
}

func (s *studio) append(g *relay.Group, payload []byte) {
	if err := g.Append(relay.Object{Payload: payload, Complete: time.Now()}); err != nil {
		s.tb.Fatal(err)
	}
}

// play publishes the seconds from and to.
func (s *studio) play(from, to int) {
	s.tb.Helper()
	for second := from; second < to; second++ {
		for at := range 30 {
			captured := s.start.Add(time.Duration(second)*time.Second + time.Duration(at)*time.Second/30)
			time.Sleep(time.Until(captured.Add(encoding)))
			for _, l := range s.lanes {
				if n := int(time.Second / l.every); at%(30/n) == 0 {
					s.chunk(l, second, at == 0, captured)
				}
			}
		}
	}
}

func (s *studio) chunk(l *tape, second int, first bool, captured time.Time) {
	if first {
		l.group = s.newGroup(l.track, second)
	}
	media := bytes.Repeat([]byte{0x2a}, mediaSize)
	binary.BigEndian.PutUint64(media, uint64(captured.UnixNano()))
	c := cmaf.Chunk{
		Sequence: uint32(l.chunks), DecodeTime: uint64(captured.Sub(s.start) * 90000 / time.Second), HasProducer: first,
		Samples: []cmaf.Sample{{Units: [][]byte{media}, Duration: uint32(l.every * 90000 / time.Second), Flags: cmaf.FlagsSync}},
	}
	c.Producer = cmaf.ProducerTime{NTP: cmaf.TimeNTP(captured), MediaTime: c.DecodeTime}
	payload, err := c.Encode()
	if err != nil {
		s.tb.Fatal(err)
	}
	l.chunks++
	s.append(l.group, payload)
}

// capturedAt is what the media of a chunk says by itself.
func capturedAt(payload []byte) time.Time {
	if len(payload) < mediaSize {
		return time.Time{}
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(payload[len(payload)-mediaSize:])))
}
