package packager_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/packager"
	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/relay/swarm"
	"github.com/freshet-live/freshet/relay/swarm/beacon"
)

var streamKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

func signing(cfg *packager.Config) { cfg.StreamKey = streamKey }

// inspector is a viewer who looks at each chunk the moment it is there.
type inspector struct {
	tb       testing.TB
	r        *rig
	catalog  *msf.Catalog // Of a moment ago, before the last unit was pushed.
	verifier map[string]*beacon.Verifier
	seen     map[string]int // Chunks, by track.
	next     map[string]swarm.PieceID
}

func inspect(tb testing.TB, r *rig) *inspector {
	tb.Helper()
	return &inspector{tb: tb, r: r, verifier: make(map[string]*beacon.Verifier), seen: make(map[string]int), next: make(map[string]swarm.PieceID)}
}

// play pushes all and looks at what came of each unit.
func (i *inspector) play(rec *recording, change func(n int, au *ingest.AccessUnit)) {
	i.tb.Helper()
	n := 0
	rec.play(i.tb, i.r, func(_ int, au *ingest.AccessUnit) bool {
		i.look()
		if rec.video(au) && change != nil {
			au.Units = slices.Clone(au.Units)
			n++
			change(n, au)
		}
		return true
	})
	i.look()
}

// look verifies the newest chunk of each video track that is live.
func (i *inspector) look() {
	i.tb.Helper()
	if len(i.r.catalog.Groups()) == 0 {
		return
	}
	c := i.r.read(i.tb)
	if i.catalog == nil {
		i.catalog = c
	}
	for _, t := range c.Tracks {
		if t.Role == msf.RoleVideo {
			i.lookAt(t)
		}
	}
	i.catalog = c
}

// lookAt verifies what has come of a track since the last look: the chunks from
// before the first catalog, and then one at a time.
func (i *inspector) lookAt(entry msf.Track) {
	i.tb.Helper()
	track := i.r.tracks[entry.Name]
	n := 0
	for _, g := range track.Groups() {
		for id := range g.Next() {
			if n++; n > i.seen[entry.Name] {
				i.verify(entry, relay.Location{Group: g.ID(), Object: id})
			}
		}
	}
	if seen := i.seen[entry.Name]; seen > 0 && n > seen+1 {
		i.tb.Errorf("%d chunks of %s at once", n-seen, entry.Name)
	}
	i.seen[entry.Name] = n
}

func object(tb testing.TB, t *relay.Track, at relay.Location) relay.Object {
	tb.Helper()
	g, ok := t.Group(at.Group)
	if !ok {
		tb.Fatalf("%s has no group %d", t.Name(), at.Group)
	}
	o, ok := g.Get(at.Object)
	if !ok {
		tb.Fatalf("%s has nothing at %v", t.Name(), at)
	}
	return o
}

// verify looks a chunk's beacon up and holds one against the other.
func (i *inspector) verify(entry msf.Track, at relay.Location) {
	i.tb.Helper()
	v := i.verifier[entry.Name]
	if v == nil {
		v = beacon.NewVerifier(beacon.Config{Namespace: "live/test", Track: entry.Name, StreamKey: ed25519.PublicKey(streamKey[32:])})
		i.verifier[entry.Name] = v
	}
	if err := v.SetKeys(i.catalog.Swarm); err != nil {
		i.tb.Fatal(err)
	}
	chunk, o := object(i.tb, i.r.tracks[entry.Name], at), object(i.tb, i.r.tracks[entry.Beacons], at)
	b, fresh, err := v.Add(i.r.now, o.Payload)
	if err != nil || !fresh || b.Group != at.Group || b.Chunk != at.Object || o.Priority != 1 {
		i.tb.Fatalf("beacon at %v: %+v, %v", at, b, err)
	}
	if b.Time != chunk.Complete.UnixMilli() {
		i.tb.Fatalf("%v is signed at %d, the chunk came at %d", at, b.Time, chunk.Complete.UnixMilli())
	}
	if pts := presentation(i.tb, chunk.Payload); b.PTS != pts {
		i.tb.Fatalf("%v: the beacon says %v, the boxes %v", at, b.PTS, pts)
	}
	i.pieces(entry.Name, b, chunk.Payload)
}

// pieces follow each other in a group without a hole, and are the chunk.
func (i *inspector) pieces(track string, b *beacon.Verified, chunk []byte) {
	i.tb.Helper()
	next := i.next[track]
	if next.Group != b.Group {
		next = swarm.PieceID{Group: b.Group}
	}
	if b.First != next.N || !slices.Equal(b.Sizes, swarm.Cut(len(chunk))) {
		i.tb.Fatalf("pieces from %d of %v, want %d of %v", b.First, b.Sizes, next.N, swarm.Cut(len(chunk)))
	}
	for j, size := range b.Sizes {
		if err := i.verifier[track].Piece(b.Piece(j), chunk[:size]); err != nil {
			i.tb.Fatal(err)
		}
		chunk = chunk[size:]
	}
	i.next[track] = swarm.PieceID{Group: b.Group, N: b.End()}
}

// presentation is when mp4ff shows a chunk's first sample, to the microsecond.
func presentation(tb testing.TB, payload []byte) time.Duration {
	tb.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(payload))
	if err != nil {
		tb.Fatal(err)
	}
	samples, err := f.Segments[0].Fragments[0].GetFullSamples(nil)
	if err != nil {
		tb.Fatal(err)
	}
	ticks := int64(samples[0].DecodeTime) + int64(samples[0].CompositionTimeOffset)
	const scale = cmaf.VideoTimescale / 10_000
	return time.Duration(ticks*100/scale) * time.Microsecond
}

// Each chunk has its beacon when Push returns, verified by the catalog of before.
func TestBeacons(t *testing.T) {
	rec := record(t)
	reg := prometheus.NewRegistry()
	r := newRig(t, signing, func(cfg *packager.Config) { cfg.Registerer = reg })
	i := inspect(t, r)
	i.play(rec, func(n int, au *ingest.AccessUnit) {
		if n%7 == 0 { // Of several pieces.
			last := len(au.Units) - 1
			au.Units[last] = append(bytes.Clone(au.Units[last]), make([]byte, n*2000)...)
		}
	})
	if i.seen["video"] != 150 {
		t.Errorf("%d chunks", i.seen["video"])
	}
	video, beacons := r.tracks["video"], r.tracks["video.beacons"]
	for n, g := range video.Groups() {
		if b := beacons.Groups()[n]; b.ID() != g.ID() || b.Len() != g.Len() || b.Closed() != g.Closed() {
			t.Errorf("group %d of %d beside %d of %d", b.ID(), b.Len(), g.ID(), g.Len())
		}
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP freshet_packager_beacons_total Chunks that were to be signed.
# TYPE freshet_packager_beacons_total counter
freshet_packager_beacons_total{result="none"} 0
freshet_packager_beacons_total{result="signed"} 150
`), "freshet_packager_beacons_total"); err != nil {
		t.Error(err)
	}
}

// The catalog lists the media alone, and names beacons beside their track.
func TestBeaconsInCatalog(t *testing.T) {
	rec := record(t)
	r := newRig(t, signing)
	rec.play(t, r, nil)
	c := r.read(t)
	if len(c.Tracks) != 2 || c.Swarm == nil || len(c.Swarm.Certificates) != 1 {
		t.Fatalf("catalog %+v", c)
	}
	for _, entry := range c.Tracks {
		want := ""
		if entry.Role == msf.RoleVideo {
			want = "video.beacons"
		}
		if entry.Beacons != want {
			t.Errorf("%s has beacons %q", entry.Name, entry.Beacons)
		}
	}
	plain := newRig(t)
	rec.play(t, plain, nil)
	if c := plain.read(t); c.Swarm != nil || c.Tracks[0].Beacons != "" || len(plain.tracks) != 2 {
		t.Errorf("without a key: %+v, tracks %v", c, plain.names())
	}
}

// A new track has beacons of its own, and those of the old one end with it.
func TestBeaconsOfTheNextTrack(t *testing.T) {
	r := newRig(t, signing)
	i := inspect(t, r)
	i.play(record(t), func(n int, au *ingest.AccessUnit) {
		for j, nal := range au.Units {
			if n > 60 && nal[0]&31 == 7 {
				au.Units[j] = append(bytes.Clone(nal), 0x80) // Another trailing byte.
			}
		}
	})
	if i.seen["video"] != 60 || i.seen["video.2"] != 90 {
		t.Errorf("chunks: %v", i.seen)
	}
	for name, ends := range map[string]bool{"video": true, "video.beacons": true, "video.2": false, "video.2.beacons": false} {
		if err := r.tracks[name].Err(); ends != errors.Is(err, relay.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.Close(nil)
	if err := r.tracks["video.2.beacons"].Err(); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("after the broadcast: %v", err)
	}
}

// A program without video ends the beacons, too.
func TestBeaconsRetire(t *testing.T) {
	rec := record(t)
	r := newRig(t, signing)
	rec.play(t, r, nil)
	streams := slices.DeleteFunc(slices.Clone(rec.program.Streams), func(s ingest.Stream) bool { return s.Codec.IsVideo() })
	if err := r.SetProgram(ingest.Program{Streams: streams}); err != nil {
		t.Fatal(err)
	}
	if err := r.tracks["video.beacons"].Err(); !errors.Is(err, relay.ErrClosed) {
		t.Errorf("the beacons: %v", err)
	}
}

// Encoders come and go for half a day: beacons go on, by keys that the catalog had
// before, and that change each hour.
func TestBeaconsOverReconnects(t *testing.T) {
	r := newRig(t, signing, func(cfg *packager.Config) { cfg.Window = 24 * time.Hour })
	i := inspect(t, r)
	keys := make(map[string]bool)
	rec := record(t)
	for n, pause := range []time.Duration{0, 7 * time.Second, 54 * time.Minute, 4*time.Minute + 55*time.Second, time.Minute, 40 * time.Minute} {
		rec.arrive(r.now.Add(pause))
		r.Begin(ingest.Request{Delay: testDelay})
		i.play(rec, nil)
		if i.seen["video"] != 150*(n+1) {
			t.Errorf("%d chunks after %d encoders", i.seen["video"], n+1)
		}
		for _, c := range r.read(t).Swarm.Certificates {
			keys[string(c.Key)] = true
		}
	}
	if len(keys) != 2 {
		t.Errorf("%d keys in 100 minutes", len(keys))
	}
	// Nobody could know the key of after a long pause before: it is in the catalog
	// with the first unit.
	rec.arrive(r.now.Add(12 * time.Hour))
	r.Begin(ingest.Request{Delay: testDelay})
	before := len(r.catalog.Groups())
	seen := -1
	rec.play(t, r, func(int, *ingest.AccessUnit) bool {
		if seen < 0 && len(r.catalog.Groups()) > before {
			seen = len(chunks(t, r.tracks["video"])) - 900
		}
		return true
	})
	if seen > 1 {
		t.Errorf("the new key was in the catalog after %d chunks", seen)
	}
}

// A chunk that is too large for a beacon leaves the rest of its group without, and
// nothing more.
func TestBeaconOfGiant(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := newRig(t, signing, func(cfg *packager.Config) { cfg.Registerer = reg })
	n := 0
	rec := record(t)
	rec.play(t, r, func(_ int, au *ingest.AccessUnit) bool {
		if !rec.video(au) {
			return true
		}
		if n++; n == 46 { // In the middle of the second group.
			au.Units = slices.Clone(au.Units)
			last := len(au.Units) - 1
			au.Units[last] = append(bytes.Clone(au.Units[last]), make([]byte, swarm.MaxPieces*swarm.MaxPiece)...)
		}
		return true
	})
	video, beacons := r.tracks["video"].Groups(), r.tracks["video.beacons"].Groups()
	if len(video) != 5 || len(beacons) != 5 {
		t.Fatalf("%d and %d groups", len(video), len(beacons))
	}
	for j := range video {
		if short := video[j].Len() > beacons[j].Len(); short != (j == 1) {
			t.Errorf("group %d: %d beacons of %d chunks", j, beacons[j].Len(), video[j].Len())
		}
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP freshet_packager_beacons_total Chunks that were to be signed.
# TYPE freshet_packager_beacons_total counter
freshet_packager_beacons_total{result="none"} 1
freshet_packager_beacons_total{result="signed"} 135
`), "freshet_packager_beacons_total"); err != nil {
		t.Error(err)
	}
}
