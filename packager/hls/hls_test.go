package hls_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/packager/hls/hlstest"
	"github.com/freshet-live/freshet/relay"
)

// stage is a Server with one live broadcast in virtual time.
type stage struct {
	*testing.T
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
	cfg.Relay = r
	server, err := hls.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &stage{T: t, server: server, enc: hlstest.New(t, b, media), cancel: cancel, done: make(chan error, 1)}
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

func TestScratch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hls.Config{}, hlstest.Config{})
		s.play(25300 * time.Millisecond)
		t.Log(s.text(""))
		t.Log(s.text("video"))
		t.Log(s.text("audio"))
		s.enc.Renew("video")
		s.play(5 * time.Second)
		s.enc.Renew("audio")
		s.play(5 * time.Second)
		s.enc.StallVideo(9 * time.Second)
		s.play(12 * time.Second)
		s.enc.Jump(3 * time.Second)
		s.play(8 * time.Second)
		t.Log(s.text("video"))
		t.Log(s.text("audio"))
		s.stop()
	})
}
