package packager_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/ingest/mpegts" //nolint:depguard // The packager is proved on what the real demuxer gives.
	"github.com/freshet-live/freshet/packager"
	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
)

// epoch is when the tests' contributions begin.
var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// rig is a Packager under a clock of its own.
type rig struct {
	*packager.Packager
	now       time.Time
	broadcast *relay.Broadcast
	catalog   *relay.Track
	// tracks are all media tracks that ever were, by name: those that ended are
	// no longer found in the broadcast.
	tracks map[string]*relay.Track
}

const testDelay = 120 * time.Millisecond

func newRig(tb testing.TB, change ...func(*packager.Config)) *rig {
	tb.Helper()
	r := &rig{now: epoch, tracks: make(map[string]*relay.Track)}
	clock := func() time.Time { return r.now }
	hub := relay.New(relay.Config{Now: clock})
	cfg := packager.Config{Relay: hub, Namespace: "live/test", Window: time.Hour, Now: clock}
	for _, c := range change {
		c(&cfg)
	}
	p, err := packager.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	r.Packager = p
	r.broadcast, _ = hub.Broadcast("live/test")
	r.catalog, _ = r.broadcast.Track(msf.TrackName)
	r.Begin(ingest.Request{Delay: testDelay})
	return r
}

// Push moves the clock to the unit's arrival and takes note of new tracks.
func (r *rig) Push(au ingest.AccessUnit) error {
	if au.Complete.After(r.now) {
		r.now = au.Complete
	}
	err := r.Packager.Push(au)
	for _, t := range r.broadcast.Tracks() {
		if t.Name() != msf.TrackName {
			r.tracks[t.Name()] = t
		}
	}
	return err
}

// ts feeds a transport stream at about the pace of its size over duration.
func (r *rig) ts(tb testing.TB, data []byte, duration time.Duration) {
	tb.Helper()
	d := mpegts.New(mpegts.Config{Sink: r})
	start := r.now
	const step = 7 * 188
	for at := 0; at < len(data); at += step {
		now := start.Add(time.Duration(float64(duration) * float64(at) / float64(len(data))))
		if err := d.Write(data[at:min(at+step, len(data))], now); err != nil {
			tb.Fatal(err)
		}
	}
	if err := d.Flush(start.Add(duration)); err != nil {
		tb.Fatal(err)
	}
	r.End()
}

// read gives the catalog as it is now.
func (r *rig) read(tb testing.TB) *msf.Catalog {
	tb.Helper()
	groups := r.catalog.Groups()
	if len(groups) == 0 {
		tb.Fatal("no catalog was published")
	}
	o, _ := groups[len(groups)-1].Object(0)
	c, err := msf.Parse(o.Payload)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func (r *rig) names() []string {
	return slices.Sorted(maps.Keys(r.tracks))
}

// chunk is an object with its place.
type chunk struct {
	cmaf.ChunkInfo
	group    uint64
	first    bool // Of its group.
	payload  []byte
	complete time.Time
}

func chunks(tb testing.TB, t *relay.Track) []chunk {
	tb.Helper()
	var out []chunk
	for _, g := range t.Groups() {
		for i := 0; ; i++ {
			o, ok := g.Object(i)
			if !ok {
				break
			}
			info, err := cmaf.ParseChunk(o.Payload)
			if err != nil {
				tb.Fatalf("%s group %d object %d: %v", t.Name(), g.ID(), i, err)
			}
			out = append(out, chunk{info, g.ID(), i == 0, o.Payload, o.Complete})
		}
	}
	return out
}

// file writes a track with its header to a file and gives its path.
func (r *rig) file(tb testing.TB, name string) string {
	tb.Helper()
	c := r.read(tb)
	entry, ok := c.Track(name)
	if !ok {
		tb.Fatalf("catalog has no track %q: %+v", name, c.Tracks)
	}
	data, ok := c.Init(entry)
	if !ok {
		tb.Fatalf("no init data of %q", name)
	}
	data = slices.Clone(data) // It is shared.
	for _, ch := range chunks(tb, r.tracks[name]) {
		data = append(data, ch.payload...)
	}
	path := filepath.Join(tb.TempDir(), name+".mp4")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// ffmpeg runs it and gives its standard output. It skips the test where it is
// not installed.
func ffmpeg(tb testing.TB, args ...string) []byte {
	tb.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		tb.Skip("ffmpeg is not installed")
	}
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ffmpeg", args...).Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			tb.Fatalf("ffmpeg %v: %v\n%s", args, err, exit.Stderr)
		}
		tb.Fatal(err)
	}
	return out
}
