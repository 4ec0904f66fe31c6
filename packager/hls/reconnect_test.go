package hls_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/ingest"
	"github.com/freshet-live/freshet/packager"
	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/httpd/llhls"           //nolint:depguard // The view is checked as clients see it.
	"github.com/freshet-live/freshet/transport/httpd/llhls/llhlstest" //nolint:depguard // See above.
)

// contribution feeds a real packager with 30 pictures and 50 MP3 frames a second in
// virtual time, audio in bursts of eight as PES packets bring it.
type contribution struct {
	t   *testing.T
	p   *packager.Packager
	sps []byte
	// keepPicture and keepSound leave out what they are false for.
	keepPicture, keepSound func(i int64) bool
}

var (
	firstSPS = []byte("\x67\x42\xc0\x28\xda\x01\x40\x16\xec\x05\xa8\x08\x08\x0a\x00\x00\x03\x00\x02\x00\x00\x03\x00\xc8\x1e\x30\x65\x40")
	otherSPS = []byte("\x67\x42\xc0\x1f\xda\x01\x40\x16\xec\x05\xa8\x08\x08\x0a\x00\x00\x03\x00\x02\x00\x00\x03\x00\xc8\x1e\x30\x65\x40")
)

const audioFrame = 960 // Samples: 20 ms, no codec's own, to make the arithmetic plain.

// session is one connection of the encoder, whose clock begins at base.
func (c *contribution) session(base int64, d time.Duration) {
	c.t.Helper()
	c.p.Begin(ingest.Request{Delay: 120 * time.Millisecond})
	c.must(c.p.SetProgram(ingest.Program{Streams: []ingest.Stream{{ID: 1, Codec: ingest.CodecH264}, {ID: 2, Codec: ingest.CodecMP3}}}))
	start, audio := time.Now(), int64(0)
	for i := range int64(d / time.Second * 30) {
		time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / 30)))
		c.picture(base, i)
		for due := i * 50 / 30; audio+8 <= due; {
			for range 8 {
				c.sound(base, audio)
				audio++
			}
		}
	}
	c.p.End()
}

func (c *contribution) picture(base, i int64) {
	c.t.Helper()
	if c.keepPicture != nil && !c.keepPicture(i) {
		return
	}
	units := [][]byte{append([]byte{0x41}, bytes.Repeat([]byte{byte(i)}, 3000)...)}
	if i%30 == 0 {
		units = [][]byte{c.sps, {0x68, 0xce, 0x0f, 0xc8}, append([]byte{0x65}, bytes.Repeat([]byte{byte(i)}, 9000)...)}
	}
	dts := base + i*3000
	c.must(c.p.Push(ingest.AccessUnit{Stream: 1, PTS: dts + 3000, DTS: dts, Units: units, Random: i%30 == 0, Complete: time.Now()}))
}

func (c *contribution) sound(base, i int64) {
	c.t.Helper()
	if c.keepSound != nil && !c.keepSound(i) {
		return
	}
	pts := base + 3000 + i*1800
	c.must(c.p.Push(ingest.AccessUnit{
		Stream: 2, PTS: pts, DTS: pts, Units: [][]byte{make([]byte, 320)}, Random: true,
		Samples: audioFrame, Format: &stereo, Complete: time.Now(),
	}))
}

var stereo = ingest.AudioFormat{SampleRate: 48000, Channels: 2}

func (c *contribution) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// direct calls a handler without a network.
type direct struct{ h http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestReconnect has the encoder go for a while and come back as it was, then go
// again and come back with another picture format, all with clocks of its own. A
// client that follows sees discontinuities, in both renditions alike, where the
// media time jumps or the format changes, and no rule broken; the groups go on by
// one.
func TestReconnect(t *testing.T) {
	for away, want := range map[time.Duration]float64{5 * time.Second: 2, 1300 * time.Millisecond: 2, 700 * time.Millisecond: 1} {
		t.Run(away.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { reconnect(t, away, want) })
		})
	}
}

func reconnect(t *testing.T, away time.Duration, want float64) {
	t.Helper()
	s, p := newRealStage(t)
	defer s.stop()
	defer p.Close(nil)
	groups := s.followGroups("video", "video.2")
	c := &contribution{t: t, p: p, sps: firstSPS}
	var encoder sync.WaitGroup
	encoder.Go(func() {
		c.session(1<<32, 20*time.Second)
		time.Sleep(away)
		c.session(7, 20*time.Second)
		time.Sleep(away)
		c.sps = otherSPS
		c.session(90_000_000, 16*time.Second)
	})
	time.Sleep(8 * time.Second)
	s.checkRules(45*time.Second + 2*away)
	encoder.Wait()
	synctest.Wait()
	s.sameCuts()
	for _, name := range []string{"video", "audio"} {
		text := s.text(name)
		tags := count(segments(t, text), func(l listed) bool { return l.discontinuity })
		if n := number(t, text, "#EXT-X-DISCONTINUITY-SEQUENCE:") + float64(tags); n != want {
			t.Errorf("%s: %v discontinuities, want %v:\n%s", name, n, want, text)
		}
	}
	checkGroups(t, groups())
}

// checkRules follows the broadcast for a while as a client does.
func (s *stage) checkRules(d time.Duration) {
	s.Helper()
	handler, err := llhls.New(llhls.Config{Server: s.server})
	if err != nil {
		s.Fatal(err)
	}
	found, err := llhlstest.Check(s.Context(), "http://freshet/live/cam1/index.m3u8",
		llhlstest.Config{Client: &http.Client{Transport: direct{handler}}, Duration: d})
	if err != nil {
		s.Fatal(err)
	}
	for _, v := range found {
		s.Error(v)
	}
}

// TestIrregularTimes has pictures come irregularly, and sound drop out, in one
// connection: no rule is broken, and what lasts longer than a second is marked.
func TestIrregularTimes(t *testing.T) {
	for name, tt := range map[string]struct {
		picture, sound func(i int64) bool
		want           int
	}{
		"pictures pause":          {picture: func(i int64) bool { return i%30 == 0 || i%90 < 60 || i%90 > 80 }},
		"sound has holes":         {sound: func(i int64) bool { return i%350 > 15 }},
		"sound stays away 0.98 s": {sound: func(i int64) bool { return i%500 > 48 || i < 500 }},
		"sound stays away 1.2 s":  {sound: func(i int64) bool { return i < 1200 || i >= 1260 }, want: 1},
		"sound stays away 2.8 s":  {sound: func(i int64) bool { return i < 1200 || i >= 1340 }, want: 1},
		"sound stays away 5 s":    {sound: func(i int64) bool { return i < 1100 || i >= 1350 }, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, p := newRealStage(t)
				defer s.stop()
				defer p.Close(nil)
				c := &contribution{t: t, p: p, sps: firstSPS, keepPicture: tt.picture, keepSound: tt.sound}
				var encoder sync.WaitGroup
				encoder.Go(func() { c.session(0, 40*time.Second) })
				time.Sleep(8 * time.Second)
				s.checkRules(30 * time.Second)
				encoder.Wait()
				synctest.Wait()
				all := s.sameCuts()
				if n := count(all, func(l listed) bool { return l.discontinuity }); n != tt.want {
					t.Errorf("%d discontinuities, want %d", n, tt.want)
				}
			})
		})
	}
}

// newRealStage is a stage whose broadcast a real packager publishes.
func newRealStage(t *testing.T) (*stage, *packager.Packager) {
	t.Helper()
	r := relay.New(relay.Config{})
	p, err := packager.New(packager.Config{Relay: r, Namespace: "live/cam1"})
	if err != nil {
		t.Fatal(err)
	}
	return startStage(t, r, hls.Config{}), p
}

// followGroups notes the IDs of the groups that readers get, until it is asked.
func (s *stage) followGroups(names ...string) func() []uint64 {
	b, _ := s.relay.Broadcast("live/cam1")
	var ids []uint64
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, name := range names {
			var t *relay.Track
			for t == nil {
				var changed <-chan struct{}
				if t, changed, _ = b.WaitTrack(name); t == nil {
					<-changed
				}
			}
			r := t.NewReader(relay.ReaderConfig{})
			for {
				item, err := r.Next(s.Context())
				if err != nil {
					break
				}
				if !item.End && item.Location.Object == 0 {
					ids = append(ids, item.Location.Group)
				}
			}
		}
	})
	return func() []uint64 {
		b.Close(nil)
		wg.Wait()
		return ids
	}
}

func checkGroups(t *testing.T, ids []uint64) {
	t.Helper()
	if len(ids) != 56 {
		t.Errorf("%d groups, want 56", len(ids))
	}
	for i := 1; i < len(ids); i++ {
		if ids[i] != ids[i-1]+1 {
			t.Errorf("group %d follows %d", ids[i], ids[i-1])
		}
	}
}
