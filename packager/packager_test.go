package packager_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/packager"
	"github.com/freshet-live/freshet/packager/cmaf"
	"github.com/freshet-live/freshet/packager/msf"
	"github.com/freshet-live/freshet/relay"
)

// TestGroups checks that a picture leaves as it comes, that groups are GOPs, and
// that audio is cut at the first frame after each start of a video group. A group
// begins with a chunk: readers are woken for both at once.
func TestGroups(t *testing.T) {
	rec := record(t)
	r := newRig(t)
	pushed := 0
	rec.play(t, r, func(_ int, au *ingest.AccessUnit) bool {
		if tr := r.tracks["video"]; tr != nil {
			n := 0
			for _, g := range tr.Groups() {
				n += g.Len()
			}
			if n != pushed {
				t.Fatalf("%d chunks after %d pictures", n, pushed)
			}
		}
		for name, tr := range r.tracks {
			for _, g := range tr.Groups() {
				if g.Len() == 0 {
					t.Fatalf("group %d of %s has begun without a chunk", g.ID(), name)
				}
			}
		}
		if rec.video(au) {
			pushed++
		}
		return true
	})
	video, audio := chunks(t, r.tracks["video"]), chunks(t, r.tracks["audio"])
	if len(video) != 150 || len(r.tracks["video"].Groups()) != 5 {
		t.Errorf("%d chunks in %d groups", len(video), len(r.tracks["video"].Groups()))
	}
	starts := make(map[uint64]float64)
	for _, c := range video {
		if c.first {
			starts[c.group] = float64(c.DecodeTime) / cmaf.VideoTimescale
		}
		if c.Samples != 1 || c.Duration != 3000 {
			t.Errorf("video chunk of %d samples, %d ticks", c.Samples, c.Duration)
		}
	}
	seen := 0
	for _, c := range audio {
		at := float64(c.DecodeTime) / 48000
		if start, ok := starts[c.group]; ok && c.first {
			seen++
			if d := at - start; d < -1e-4 || d > 1024.0/48000 {
				t.Errorf("audio group %d starts %.4f s after video", c.group, d)
			}
		}
		if c.Samples > 3 || !c.Independent {
			t.Errorf("audio chunk of %d frames, independent %v", c.Samples, c.Independent)
		}
	}
	if len(audio) > 90 {
		t.Errorf("%d audio chunks in 5 s", len(audio))
	}
	if seen < 4 {
		t.Errorf("%d audio groups with the ID of a video group", seen)
	}
	walk(t, r.tracks["video"], 0)
	walk(t, r.tracks["audio"], 0)
	checkWall(t, video[0], cmaf.VideoTimescale)
}

// checkWall checks that the timeline is on the Unix epoch, at the time when the
// encoder put the first picture out, and that prft says the same.
func checkWall(t *testing.T, c chunk, timescale float64) {
	t.Helper()
	out := epoch.Add(-testDelay)
	got := time.UnixMicro(int64(float64(c.DecodeTime) / timescale * 1e6))
	if d := got.Sub(out); d < -200*time.Millisecond || d > 200*time.Millisecond {
		t.Errorf("the first picture decodes %v after it was put out", d)
	}
	// NTPTime rounds to the nanosecond.
	if d := cmaf.NTPTime(c.Producer.NTP).Sub(c.complete.Add(-testDelay)); d < -time.Nanosecond || d > time.Nanosecond {
		t.Errorf("prft is %v off", d)
	}
	if c.Producer.MediaTime != c.DecodeTime {
		t.Errorf("prft media time %d, tfdt %d", c.Producer.MediaTime, c.DecodeTime)
	}
}

// TestLost checks that nothing follows a loss but the next random access point.
func TestLost(t *testing.T) {
	rec := record(t)
	r := newRig(t)
	n := 0
	rec.play(t, r, func(_ int, au *ingest.AccessUnit) bool {
		if rec.video(au) {
			n++
			if n == 40 {
				return false
			}
			au.Lost = n == 41
		}
		return true
	})
	all := chunks(t, r.tracks["video"])
	if len(all) != 39+90 {
		t.Errorf("%d chunks, want 129", len(all))
	}
	walk(t, r.tracks["video"], 63000) // The gap comes before the next group's first picture.
	last := all[len(all)-1]
	if span := last.DecodeTime + last.Duration - all[0].DecodeTime; span != 150*3000 {
		t.Errorf("%d ticks, want %d", span, 150*3000)
	}
}

// TestParameterSets checks that changed ones start another track at the next
// random access point, that the catalog names it first, and that IDs go on.
func TestParameterSets(t *testing.T) {
	for name, change := range map[string]func(nal []byte) bool{
		// The encoder's VUI allows a longer buffer, say.
		"SPS": func(nal []byte) bool { return nal[0]&31 == 7 },
		"PPS": func(nal []byte) bool { return nal[0]&31 == 8 },
	} {
		t.Run(name, func(t *testing.T) {
			rec := record(t)
			r := newRig(t)
			n := 0
			rec.play(t, r, func(_ int, au *ingest.AccessUnit) bool {
				if !rec.video(au) {
					return true
				}
				if n++; n > 60 {
					au.Units = slices.Clone(au.Units)
					for i, nal := range au.Units {
						if change(nal) {
							au.Units[i] = append(bytes.Clone(nal), 0x80) // Another trailing byte.
						}
					}
				}
				return true
			})
			if got := r.names(); !slices.Equal(got, []string{"audio", "video", "video.2"}) {
				t.Fatalf("tracks %v", got)
			}
			if err := r.tracks["video"].Err(); !errors.Is(err, relay.ErrClosed) {
				t.Errorf("the old track ended with %v", err)
			}
			old, next := chunks(t, r.tracks["video"]), chunks(t, r.tracks["video.2"])
			if len(old) != 60 || len(next) != 90 {
				t.Errorf("%d and %d chunks", len(old), len(next))
			}
			if next[0].group <= old[59].group || next[0].DecodeTime != old[59].DecodeTime+3000 {
				t.Errorf("group %d at %d follows %d at %d", next[0].group, next[0].DecodeTime, old[59].group, old[59].DecodeTime)
			}
			c := r.read(t)
			if _, ok := c.Track("video"); ok || len(c.Tracks) != 2 {
				t.Errorf("catalog %+v", c.Tracks)
			}
		})
	}
}

// TestNoRandomAccess checks that a stream without any is not withheld for ever.
func TestNoRandomAccess(t *testing.T) {
	rec := record(t)
	r := newRig(t)
	rec.play(t, r, func(_ int, au *ingest.AccessUnit) bool {
		au.Random = !rec.video(au)
		au.Units = slices.Clone(au.Units)
		for i, nal := range au.Units {
			if rec.video(au) && nal[0]&31 == 5 {
				au.Units[i] = append([]byte{nal[0]&^31 | 1}, nal[1:]...)
			}
		}
		return true
	})
	all := chunks(t, r.tracks["video"])
	if len(all) != 90 || len(r.tracks["video"].Groups()) != 2 {
		t.Errorf("%d chunks in %d groups", len(all), len(r.tracks["video"].Groups()))
	}
	for i, c := range all {
		if c.Independent {
			t.Errorf("chunk %d says it is independent", i)
		}
	}
}

// TestReconnect checks that the same tracks go on when the encoder comes back
// with clocks of its own and other PIDs.
func TestReconnect(t *testing.T) {
	rec := record(t)
	r := newRig(t)
	rec.play(t, r, nil)
	before := chunks(t, r.tracks["video"])
	again := record(t)
	for i := range again.program.Streams {
		again.program.Streams[i].ID += 100
	}
	for i := range again.units {
		again.units[i].Stream += 100
		again.units[i].PTS -= 1 << 31
		again.units[i].DTS -= 1 << 31
	}
	back := r.now.Add(7 * time.Second)
	again.arrive(back)
	r.Begin(ingest.Request{Delay: testDelay})
	again.play(t, r, nil)
	if got := r.names(); !slices.Equal(got, []string{"audio", "video"}) {
		t.Fatalf("tracks %v", got)
	}
	all := chunks(t, r.tracks["video"])
	if len(all) != 300 {
		t.Fatalf("%d chunks", len(all))
	}
	last, first := before[len(before)-1], all[len(before)]
	gap := float64(first.DecodeTime-last.DecodeTime) / cmaf.VideoTimescale
	if gap < 6.9 || gap > 7.2 || first.Duration != 3000 || first.group <= last.group {
		t.Errorf("after %.3f s group %d follows %d with a sample of %d", gap, first.group, last.group, first.Duration)
	}
	audio := chunks(t, r.tracks["audio"])
	a, v := audio[len(audio)-1], all[len(all)-1]
	skew := float64(a.DecodeTime+a.Duration)/48000 - float64(v.DecodeTime+v.Duration)/cmaf.VideoTimescale
	if skew < -0.1 || skew > 0.1 {
		t.Errorf("audio and video end %.3f s apart", skew)
	}
}

// TestAudioGap loses frames, repeats frames, and jitters.
func TestAudioGap(t *testing.T) {
	rec := record(t)
	r := newRig(t)
	n := 0
	rec.play(t, r, func(_ int, au *ingest.AccessUnit) bool {
		if rec.video(au) {
			return true
		}
		n++
		au.PTS += int64(n%3-1) * 400 // 4 ms.
		if n%10 == 5 {
			au.PTS += 2700 // 30 ms, but once.
		}
		au.DTS = au.PTS
		if n == 101 {
			au.Lost = true
		}
		return n < 80 || n > 100
	})
	walk(t, r.tracks["audio"], 48000)
	all := chunks(t, r.tracks["audio"])
	last := all[len(all)-1]
	span := last.DecodeTime + last.Duration - all[0].DecodeTime
	if want := uint64(n) * 1024; span < want-1024 || span > want+1024 {
		t.Errorf("%d samples, want %d", span, want)
	}
	long, frames := 0, 0
	for _, c := range all {
		frames += c.Samples
		if c.Duration > 6*1024 {
			long++
		}
	}
	if frames != n-21 {
		t.Errorf("%d frames, want %d", frames, n-21)
	}
	if long != 1 {
		t.Errorf("%d chunks cover a gap", long)
	}
}

// TestSilentStream declares audio that never comes.
func TestSilentStream(t *testing.T) {
	rec := record(t)
	r := newRig(t)
	published := time.Duration(-1)
	rec.play(t, r, func(_ int, au *ingest.AccessUnit) bool {
		if published < 0 && len(r.catalog.Groups()) > 0 {
			published = r.now.Sub(epoch)
		}
		return rec.video(au)
	})
	if published < 900*time.Millisecond || published > 1200*time.Millisecond {
		t.Errorf("the catalog came after %v", published)
	}
	if c := r.read(t); len(c.Tracks) != 1 {
		t.Errorf("catalog %+v", c.Tracks)
	}
}

// TestCatalogRepeats checks that the catalog is a new group every two seconds
// and whole in each.
func TestCatalogRepeats(t *testing.T) {
	rec := record(t)
	r := newRig(t)
	first := uint64(0)
	rec.play(t, r, func(int, *ingest.AccessUnit) bool {
		if l, ok := r.catalog.Largest(); ok && first == 0 {
			first = l.Group
		}
		return true
	})
	l, _ := r.catalog.Largest()
	// At 0, 2 and 4 s, and once more when the bit rate was measured.
	if l.Group-first < 2 || l.Group-first > 4 || l.Object != 0 {
		t.Errorf("catalogs from group %d to %+v", first, l)
	}
	for _, g := range r.catalog.Groups() {
		if !g.Closed() || g.Len() != 1 {
			t.Errorf("group %d of %d objects is still open", g.ID(), g.Len())
		}
	}
	if first < uint64(epoch.UnixMilli()) {
		t.Errorf("group IDs start at %d", first)
	}
	video, _ := r.read(t).Track("video")
	if video.Bitrate < 50_000 || video.Bitrate > 2_000_000 || video.Framerate != 30 || video.Width != 320 {
		t.Errorf("video %+v", video)
	}
}

func TestProgramWithoutAudio(t *testing.T) {
	rec := record(t)
	r := newRig(t)
	rec.play(t, r, nil)
	old := r.tracks["audio"]
	only := rec.program
	only.Streams = slices.DeleteFunc(slices.Clone(only.Streams), func(s ingest.Stream) bool { return !s.Codec.IsVideo() })
	if err := r.SetProgram(only); err != nil {
		t.Fatal(err)
	}
	if old.Err() == nil {
		t.Error("the audio track did not end")
	}
	if c := r.read(t); len(c.Tracks) != 1 || c.Tracks[0].Role != msf.RoleVideo {
		t.Errorf("catalog %+v", c.Tracks)
	}
}

// TestMetricsAreShared publishes two broadcasts on one Registerer.
func TestMetricsAreShared(t *testing.T) {
	reg := prometheus.NewRegistry()
	hub := relay.New(relay.Config{})
	for _, ns := range []relay.Namespace{"a", "b"} {
		p, err := packager.New(packager.Config{Relay: hub, Namespace: ns, Registerer: reg})
		if err != nil {
			t.Fatal(err)
		}
		p.Begin(ingest.Request{})
		if err := p.Push(ingest.AccessUnit{Stream: 9}); err != nil {
			t.Fatal(err)
		}
		p.Close(nil)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	families, err := reg.Gather()
	counted := slices.DeleteFunc(slices.Clone(families), func(f *dto.MetricFamily) bool { return f.GetType() != dto.MetricType_COUNTER })
	if err != nil || len(counted) != 1 || counted[0].GetMetric()[0].GetCounter().GetValue() != 2 {
		t.Errorf("%v, %v", families, err)
	}
	if _, err := packager.New(packager.Config{Relay: hub, Namespace: "a"}); err != nil {
		t.Errorf("a name that was given back: %v", err)
	}
	if _, err := packager.New(packager.Config{Relay: hub, Namespace: "a"}); !errors.Is(err, relay.ErrExists) {
		t.Errorf("a taken name: %v", err)
	}
}

// TestSoundPauses has the sound stop in the midst of a chunk: pictures that go on
// publish what there is of it.
func TestSoundPauses(t *testing.T) {
	rec := record(t)
	r := newRig(t)
	const frames = 100
	sound, pictures, published := 0, 0, 0
	rec.play(t, r, func(_ int, au *ingest.AccessUnit) bool {
		if !rec.video(au) {
			sound++
			return sound <= frames
		}
		if sound >= frames {
			pictures++
		}
		if pictures == 10 {
			for _, c := range chunks(t, r.tracks["audio"]) {
				published += c.Samples
			}
		}
		return true
	})
	if published != frames {
		t.Errorf("%d frames published while pictures go on, want %d", published, frames)
	}
}
