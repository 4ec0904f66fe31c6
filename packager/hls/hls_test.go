package hls_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/packager/hls/hlstest"
	"github.com/freshet-live/freshet/relay"
)

// stage is a Server with one live broadcast in virtual time.
type stage struct {
	*testing.T
	relay  *relay.Relay
	server *hls.Server
	enc    *hlstest.Encoder
	cancel context.CancelFunc
	done   chan error
}

func newStage(t *testing.T, cfg hls.Config, media hlstest.Config) *stage {
	t.Helper()
	r := relay.New(relay.Config{})
	b, err := r.Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	enc := hlstest.New(t, b, media)
	s := startStage(t, r, cfg)
	s.enc = enc
	s.server.Presentation("live/cam1") // Asking begins it.
	return s
}

// startStage serves what is published in r.
func startStage(t *testing.T, r *relay.Relay, cfg hls.Config) *stage {
	t.Helper()
	cfg.Relay = r
	server, err := hls.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &stage{T: t, relay: r, server: server, cancel: cancel, done: make(chan error, 1)}
	go func() { s.done <- server.Run(ctx) }()
	synctest.Wait()
	return s
}

// play publishes media for a while, a chunk when it is due.
func (s *stage) play(d time.Duration) {
	s.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
		s.enc.Advance(time.Now())
	}
	synctest.Wait()
}

func (s *stage) stop() {
	s.Helper()
	s.cancel()
	if err := <-s.done; !errors.Is(err, context.Canceled) {
		s.Errorf("Run: %v", err)
	}
}

func (s *stage) text(name string) string {
	s.Helper()
	p, ok := s.server.Presentation("live/cam1")
	if !ok {
		s.Fatal("no presentation")
	}
	synctest.Wait() // If it is the first to ask.
	select {
	case <-p.Ready():
	default:
		s.Fatal("not ready")
	}
	if name == "" {
		doc, _ := p.Multivariant()
		return string(doc.Text)
	}
	r, ok := p.Rendition(name)
	if !ok {
		s.Fatalf("no rendition %q", name)
	}
	return string(r.Playlist().Document(hls.SkipNone).Text)
}

func values(text, tag string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), tag); ok {
			out = append(out, v)
		}
	}
	return out
}

func number(t *testing.T, text, tag string) float64 {
	t.Helper()
	v := values(text, tag)
	if len(v) != 1 {
		t.Fatalf("%d times %s in\n%s", len(v), tag, text)
	}
	f, err := strconv.ParseFloat(v[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// listed is a segment as a playlist lists it.
type listed struct {
	discontinuity, gap bool
	header             string
	duration           float64
	sequence           int
}

func segments(t *testing.T, text string) map[int]listed {
	t.Helper()
	out := make(map[int]listed)
	msn := int(number(t, text, "#EXT-X-MEDIA-SEQUENCE:"))
	now := listed{sequence: int(number(t, text, "#EXT-X-DISCONTINUITY-SEQUENCE:"))}
	for line := range strings.Lines(text) {
		tag, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch tag {
		case "#EXT-X-DISCONTINUITY":
			now.discontinuity = true
			now.sequence++
		case "#EXT-X-GAP":
			now.gap = true
		case "#EXT-X-MAP":
			now.header = value
		case "#EXTINF":
			now.duration, _ = strconv.ParseFloat(strings.TrimSuffix(value, ","), 64)
			out[msn] = now
			msn++
			now = listed{header: now.header, sequence: now.sequence}
		}
	}
	return out
}

// sameCuts compares the discontinuities of two renditions, and gives the
// segments of the first.
func (s *stage) sameCuts() map[int]listed {
	s.Helper()
	video, audio := segments(s.T, s.text("video")), segments(s.T, s.text("audio"))
	common := 0
	for msn, v := range video {
		a, ok := audio[msn]
		if !ok {
			continue
		}
		common++
		if v.sequence != a.sequence {
			s.Errorf("segment %d: discontinuity sequence %d in video, %d in audio", msn, v.sequence, a.sequence)
		}
		if v.duration > 2.5 || a.duration > 2.5 {
			s.Errorf("segment %d lasts %v in video, %v in audio", msn, v.duration, a.duration)
		}
	}
	if common < 6 {
		s.Errorf("only %d segments in common", common)
	}
	return video
}

func count(segments map[int]listed, what func(listed) bool) (n int) {
	for _, s := range segments {
		if what(s) {
			n++
		}
	}
	return n
}

func TestMultivariant(t *testing.T) {
	const media = `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/index.m3u8"`
	for name, tt := range map[string]struct {
		media hlstest.Config
		want  []string
		not   string
	}{
		"both": {want: []string{
			media, `CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=25.000,AUDIO="audio"` + "\nvideo/index.m3u8",
			"#EXT-X-INDEPENDENT-SEGMENTS", "BANDWIDTH=948100,AVERAGE-BANDWIDTH=",
		}},
		"video": {media: hlstest.Config{NoAudio: true}, want: []string{`CODECS="avc1.64001f",RESOLUTION`}, not: "EXT-X-MEDIA"},
		"audio": {media: hlstest.Config{NoVideo: true}, want: []string{`CODECS="mp4a.40.2"` + "\naudio/index.m3u8"}, not: "EXT-X-MEDIA"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, hls.Config{}, tt.media)
				defer s.stop()
				s.play(5 * time.Second)
				text := s.text("")
				for _, want := range tt.want {
					if !strings.Contains(text, want) {
						t.Errorf("no %s in\n%s", want, text)
					}
				}
				if tt.not != "" && strings.Contains(text, tt.not) {
					t.Errorf("%s in\n%s", tt.not, text)
				}
			})
		})
	}
}

func TestNewHeader(t *testing.T) {
	for _, track := range []string{"video", "audio"} {
		t.Run(track, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, hls.Config{}, hlstest.Config{})
				defer s.stop()
				s.play(9300 * time.Millisecond)
				s.enc.Renew(track)
				s.play(9 * time.Second)
				s.sameCuts()
				all := segments(t, s.text(track))
				if n := count(all, func(l listed) bool { return l.discontinuity }); n != 1 {
					t.Errorf("%d discontinuities, want 1", n)
				}
				headers := make(map[string]bool)
				for _, l := range all {
					headers[l.header] = true
				}
				if len(headers) != 2 {
					t.Errorf("headers %v, want two", headers)
				}
			})
		})
	}
}

func TestJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hls.Config{}, hlstest.Config{})
		defer s.stop()
		s.play(9 * time.Second)
		s.enc.Jump(5 * time.Second)
		s.play(14 * time.Second)
		all := s.sameCuts()
		if n := count(all, func(l listed) bool { return l.discontinuity }); n != 1 {
			t.Errorf("%d discontinuities, want 1:\n%s", n, s.text("video"))
		}
		s.play(30 * time.Second)
		if n := number(t, s.text("video"), "#EXT-X-DISCONTINUITY-SEQUENCE:"); n != 1 {
			t.Errorf("discontinuity sequence %v after the tag has left", n)
		}
	})
}

// While video stalls, audio goes on, and video's time is covered by gaps.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hls.Config{}, hlstest.Config{})
		defer s.stop()
		s.play(9 * time.Second)
		s.enc.StallVideo(7 * time.Second)
		s.play(12 * time.Second)
		all := s.sameCuts()
		if n := count(all, func(l listed) bool { return l.gap }); n < 2 {
			t.Errorf("%d gaps:\n%s", n, s.text("video"))
		}
		if strings.Contains(s.text("video"), "INDEPENDENT-SEGMENTS") {
			t.Error("segments inside a group count as independent")
		}
	})
}

// Sound that comes when its time is listed as a gap already is left out: what was
// listed cannot change, and no rule is broken by what follows.
func TestLateSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		metrics := prometheus.NewRegistry()
		s := newStage(t, hls.Config{Registerer: metrics}, hlstest.Config{})
		defer s.stop()
		s.play(9 * time.Second)
		s.enc.HoldAudio(7 * time.Second)
		var playing sync.WaitGroup
		playing.Go(func() {
			for end := time.Now().Add(60 * time.Second); time.Now().Before(end); s.enc.Advance(time.Now()) {
				time.Sleep(10 * time.Millisecond)
			}
		})
		s.checkRules(30 * time.Second)
		playing.Wait()
		// Of seven seconds, what was not listed as a gap yet still counts.
		if n := counter(t, metrics, "freshet_hls_late_objects_total"); n < 20 || n > 66 {
			t.Errorf("%v objects were late", n)
		}
	})
}

// A server that comes to a running broadcast cuts where the first one does.
func TestLateServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hls.Config{}, hlstest.Config{})
		defer s.stop()
		s.play(50 * time.Second)
		late, err := hls.New(hls.Config{Relay: s.relay})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- late.Run(ctx) }()
		s.play(10 * time.Second)
		first := *s
		s.server = late
		a, b := values(first.text("video"), "#EXT-X-PROGRAM-DATE-TIME:"), values(s.text("video"), "#EXT-X-PROGRAM-DATE-TIME:")
		if !slices.Equal(a, b) {
			t.Errorf("dates %v and %v", a, b)
		}
		s.server = first.server
		cancel()
		<-done
	})
}

func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hls.Config{Linger: 10 * time.Second}, hlstest.Config{})
		defer s.stop()
		s.play(9 * time.Second)
		s.enc.End()
		synctest.Wait()
		for _, name := range []string{"video", "audio"} {
			text := s.text(name)
			if !strings.HasSuffix(text, "#EXT-X-ENDLIST\n") || strings.Contains(text, "PRELOAD-HINT") {
				t.Errorf("%s goes on:\n%s", name, text)
			}
			var sum float64
			for _, l := range segments(t, text) {
				sum += l.duration
			}
			if sum < 8.8 {
				t.Errorf("%s lasts %v", name, sum)
			}
		}
		last := number(t, s.text("video"), "#EXT-X-MEDIA-SEQUENCE:") + 4
		b, err := s.relay.Publish("live/cam1")
		if err != nil {
			t.Fatal(err)
		}
		s.enc = hlstest.New(t, b, hlstest.Config{})
		s.play(5 * time.Second)
		if msn := number(t, s.text("video"), "#EXT-X-MEDIA-SEQUENCE:"); msn < last {
			t.Errorf("media sequence %v after %v", msn, last)
		}
		s.enc.End()
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if _, ok := s.server.Presentation("live/cam1"); ok {
			t.Error("the broadcast is still there")
		}
	})
}

func counter(t *testing.T, metrics prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
