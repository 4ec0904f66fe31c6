package moq_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts"
	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
	"github.com/freshet-live/freshet/transport/moqt"
)

// locSender publishes the access units of a recording as LOC tracks, each picture's
// NAL units behind start codes.
type locSender struct {
	t      *testing.T
	tracks map[int]*relay.Track // By stream ID.
	groups map[int]*relay.Group
	next   uint64
	names  map[ingest.Codec]string
	b      *relay.Broadcast
	units  []ingest.AccessUnit
}

func (s *locSender) SetProgram(p ingest.Program) error {
	for _, st := range p.Streams {
		if s.tracks[st.ID] == nil {
			var err error
			if s.tracks[st.ID], err = s.b.NewTrack(s.names[st.Codec], relay.TrackConfig{Window: time.Minute, Properties: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *locSender) Push(au ingest.AccessUnit) error {
	list := make([][]byte, len(au.Units))
	for i, u := range au.Units {
		list[i] = bytes.Clone(u)
	}
	au.Units = list
	s.units = append(s.units, au)
	return nil
}

// send publishes one access unit.
func (s *locSender) send(au ingest.AccessUnit) {
	s.t.Helper()
	video := au.Format == nil
	o := relay.Object{Complete: time.Now(), Properties: []relay.Property{{Type: 8, Int: ingest.Clock}, {Type: 10, Int: uint64(au.PTS)}}}
	for _, u := range au.Units {
		if video {
			o.Payload = binary.BigEndian.AppendUint32(o.Payload, 1)
		}
		o.Payload = append(o.Payload, u...)
	}
	g := s.groups[au.Stream]
	if g == nil || au.Random && (video || g.Len() > 50) {
		s.next++
		var err error
		if g, err = s.tracks[au.Stream].NewGroup(s.next); err != nil {
			s.t.Fatal(err)
		}
		s.groups[au.Stream] = g
	}
	if err := g.Append(o); err != nil {
		s.t.Fatal(err)
	}
}

const locCatalog = `{"version":"draft-01","tracks":[
 {"name":"camera","packaging":"loc","isLive":true,"role":"video","codec":"avc3.640028"},
 {"name":"microphone","packaging":"loc","isLive":true,"role":"audio","codec":"opus","samplerate":48000,"channelConfig":"2"}]}`

// A broadcast of LOC tracks is served as one that an encoder pushed: CMAF tracks and
// a catalog of them.
func TestLOCIsPackaged(t *testing.T) {
	ts, err := os.ReadFile("../../../shared/samples/h264_opus_live.ts")
	if err != nil {
		t.Skip(err)
	}
	drafts(t, func(t *testing.T, protocol string) {
		t.Helper()
		n := newNode(t)
		p := n.publisher(protocol)
		s := &locSender{
			t: t, b: p.broadcast, tracks: make(map[int]*relay.Track), groups: make(map[int]*relay.Group), next: 100,
			names: map[ingest.Codec]string{ingest.CodecH264: "camera", ingest.CodecOpus: "microphone"},
		}
		d := mpegts.New(mpegts.Config{Sink: s})
		if err := errors.Join(d.Write(ts, time.Now()), d.Flush(time.Now())); err != nil {
			t.Fatal(err)
		}
		catalog, err := p.broadcast.NewTrack(msf.TrackName, relay.TrackConfig{})
		if err != nil {
			t.Fatal(err)
		}
		g, err := catalog.NewGroup(1)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Append(relay.Object{Payload: []byte(locCatalog)}); err != nil {
			t.Fatal(err)
		}
		g.Close()
		if err := n.publish(p); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		start, first := time.Now(), s.units[0].PTS
		for _, au := range s.units {
			time.Sleep(time.Until(start.Add(time.Duration(au.PTS-first) * time.Second / ingest.Clock)))
			s.send(au)
			synctest.Wait()
		}
		time.Sleep(time.Second)
		c := n.dial("moqt-18", nil)
		found := n.catalog(c)
		for _, want := range []struct{ name, codec string }{{"video", "avc1"}, {"audio", "opus"}} {
			tr, ok := found.Track(want.name)
			if !ok || tr.Packaging != msf.PackagingCMAF || len(tr.Codec) < 4 || tr.Codec[:4] != want.codec {
				t.Fatalf("the catalog has %+v", found.Tracks)
			}
			if init, ok := found.Init(tr); !ok || len(init) == 0 {
				t.Errorf("%s has no header", want.name)
			}
			n.wantChunks(c, want.name)
		}
		n.wantBeacons(found)
	})
}

// wantBeacons checks that what was packaged here is signed, chunk by chunk.
func (n *node) wantBeacons(c *msf.Catalog) {
	n.t.Helper()
	entry, _ := c.Track("video")
	b, _ := n.relay.Broadcast(studio)
	video, beacons := b.Demand("video"), b.Demand(entry.Beacons)
	defer video.Release()
	defer beacons.Release()
	chunks, err := video.Track(context.Background())
	if err != nil {
		n.t.Fatal(err)
	}
	signed, err := beacons.Track(context.Background())
	if err != nil {
		n.t.Fatal(err)
	}
	synctest.Wait()
	v := beacon.NewVerifier(beacon.Config{Namespace: string(studio), Track: "video", Delay: time.Minute})
	if err := v.SetKeys(c.Swarm); err != nil {
		n.t.Fatal(err)
	}
	count := 0
	for _, g := range chunks.Groups() {
		of, ok := signed.Group(g.ID())
		if !ok {
			n.t.Fatalf("group %d has no beacons", g.ID())
		}
		for i, o := range g.Sorted() {
			raw, _ := of.Object(i)
			got, _, err := v.Add(time.Now(), raw.Payload)
			if err != nil || got.Chunk != o.ID {
				n.t.Fatalf("beacon of %d/%d: %v", g.ID(), o.ID, err)
			}
			if err := v.Piece(got.Piece(0), o.Payload[:got.Sizes[0]]); err != nil {
				n.t.Fatal(err)
			}
			count++
		}
	}
	if count < 20 {
		n.t.Errorf("%d chunks are signed", count)
	}
}

// catalog reads the catalog as a viewer does.
func (n *node) catalog(c *moqt.Client) *msf.Catalog {
	n.t.Helper()
	sub, err := c.Subscribe(n.t.Context(), studio, msf.TrackName, moqt.SubscribeOptions{})
	if err != nil {
		n.t.Fatal(err)
	}
	o, err := sub.Next(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	out, err := msf.Parse(o.Payload)
	if err != nil {
		n.t.Fatal(err)
	}
	return out
}

// wantChunks reads a track's past: it has to be sound CMAF without holes.
func (n *node) wantChunks(c *moqt.Client, track string) {
	n.t.Helper()
	sub, err := c.Subscribe(n.t.Context(), studio, track, moqt.SubscribeOptions{})
	if err != nil {
		n.t.Fatal(err)
	}
	defer sub.Close()
	synctest.Wait()
	b, _ := n.relay.Broadcast(studio)
	t, ok := b.Track(track)
	if !ok {
		n.t.Fatalf("no track %s", track)
	}
	var chunks int
	var next uint64
	for _, g := range t.Groups() {
		for _, o := range g.Sorted() {
			info, err := cmaf.ParseChunk(o.Payload)
			if err != nil {
				n.t.Fatalf("%s %d/%d: %v", track, g.ID(), o.ID, err)
			}
			if chunks > 0 && info.DecodeTime != next {
				n.t.Errorf("%s %d/%d: decode time %d; want %d", track, g.ID(), o.ID, info.DecodeTime, next)
			}
			next = info.DecodeTime + info.Duration
			chunks++
		}
	}
	if chunks < 20 {
		n.t.Errorf("%s has %d chunks", track, chunks)
	}
}
