package hls_test

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/packager/hls/hlstest"
	"github.com/freshet-live/freshet/relay"
)

// Parts are the relay's own bytes, and what is kept does not grow.
func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hls.Config{}, hlstest.Config{})
		defer s.stop()
		kept := func() (segments, size int) {
			p, _ := s.server.Presentation("live/cam1")
			r, _ := p.Rendition("video")
			l := r.Playlist()
			msn := int(number(t, s.text("video"), "#EXT-X-MEDIA-SEQUENCE:"))
			for n := msn - 100; n < msn+100; n++ {
				if res, _, ok := l.Resource("segment-" + strconv.Itoa(n) + ".m4s"); ok {
					segments, size = segments+1, size+res.Size
				}
			}
			return segments, size
		}
		s.play(time.Minute)
		n, size := kept()
		s.play(3 * time.Minute)
		if m, now := kept(); m != n || now != size || n < 20 || n > 24 {
			t.Errorf("%d segments of %d bytes, later %d of %d", n, size, m, now)
		}
		b, _ := s.relay.Broadcast("live/cam1")
		track, _ := b.Track("video")
		groups := track.Groups()
		object, _ := groups[len(groups)-2].Object(0)
		p, _ := s.server.Presentation("live/cam1")
		r, _ := p.Rendition("video")
		msn := values(s.text("video"), "segment-")
		res, _, ok := r.Playlist().Resource("segment-" + msn[len(msn)-1])
		if !ok || &res.Payload[0][0] != &object.Payload[0] {
			t.Error("the segment's bytes are not the relay's")
		}
	})
}

// A budget smaller than the window shortens it, to the six segments that the
// playlist needs.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hls.Config{MaxBytes: 1_500_000}, hlstest.Config{})
		defer s.stop()
		s.play(time.Minute)
		if n := len(segments(t, s.text("video"))); n < 6 || n > 8 {
			t.Errorf("%d segments", n)
		}
	})
}

// Garbage in a track is left out and counted.
func TestMalformed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		s := newStage(t, hls.Config{Registerer: reg}, hlstest.Config{NoAudio: true})
		defer s.stop()
		s.play(5 * time.Second)
		b, _ := s.relay.Broadcast("live/cam1")
		track, _ := b.Track("video")
		groups := track.Groups()
		if err := groups[len(groups)-1].Append(relay.Object{Payload: []byte("garbage")}); err != nil {
			t.Fatal(err)
		}
		s.play(5 * time.Second)
		if n := len(segments(t, s.text("video"))); n != 4 {
			t.Errorf("%d segments", n)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "freshet_hls_malformed_objects_total" && f.GetMetric()[0].GetCounter().GetValue() != 1 {
				t.Errorf("counted %v", f)
			}
		}
	})
}

// Video that is declared and never comes keeps audio from nobody.
func TestSilentVideo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hls.Config{}, hlstest.Config{SilentVideo: true})
		defer s.stop()
		s.play(30 * time.Second)
		if n := len(segments(t, s.text("audio"))); n < 3 {
			t.Errorf("%d segments:\n%s", n, s.text("audio"))
		}
		if text := s.text(""); strings.Contains(text, "video") {
			t.Errorf("video is listed:\n%s", text)
		}
	})
}

// Whole groups are joined up to about the segment duration; longer ones raise
// the target duration, up to its bound, and are then cut.
func TestSegmentDurations(t *testing.T) {
	for _, tt := range []struct {
		frames           int // Per group, at 25 fps.
		duration, target float64
		independent      bool
	}{
		{10, 2, 2, true},
		{25, 2, 2, true},
		{30, 2.4, 2, true},
		{48, 1.92, 2, true},
		{50, 2, 2, true},
		{100, 4, 4, true},
		{1 << 30, 6.48, 6, false},
	} {
		t.Run(strconv.Itoa(tt.frames), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, hls.Config{}, hlstest.Config{NoAudio: true, Frames: func(int) int { return tt.frames }})
				defer s.stop()
				s.play(30 * time.Second)
				text := s.text("video")
				if got := number(t, text, "#EXT-X-TARGETDURATION:"); got != tt.target {
					t.Errorf("target duration %v, want %v", got, tt.target)
				}
				for msn, l := range segments(t, text) {
					if l.duration != tt.duration {
						t.Errorf("segment %d lasts %v, want %v", msn, l.duration, tt.duration)
					}
				}
				if got := strings.Contains(text, "#EXT-X-INDEPENDENT-SEGMENTS"); got != tt.independent {
					t.Errorf("independent segments %v, want %v", got, tt.independent)
				}
			})
		})
	}
}
