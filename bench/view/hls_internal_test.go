package view

import (
	"context"
	"errors"
	"hash/fnv"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/packager/hls/hlstest"
	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/httpd/llhls"
)

// pipes are connections in memory, so that HTTP runs in virtual time.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (l *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// theatre is a broadcast behind HTTP with an audience, in virtual time.
type theatre struct {
	encoder  *hlstest.Encoder
	audience *Audience
	leave    func()
}

// viewerHeader tells the injector who asks.
const viewerHeader = "X-Viewer"

type introduced struct {
	http.RoundTripper
	viewer string
}

func (i introduced) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(viewerHeader, i.viewer)
	return i.RoundTripper.RoundTrip(r)
}

func newTheatre(t *testing.T, cfg Config, wrap func(http.Handler) http.Handler) *theatre {
	t.Helper()
	r := relay.New(relay.Config{})
	server, err := hls.New(hls.Config{Relay: r})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := llhls.New(llhls.Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Publish("live/cam1")
	if err != nil {
		t.Fatal(err)
	}
	th := &theatre{encoder: hlstest.New(t, b, hlstest.Config{})}
	listener := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
	front := &http.Server{Handler: wrap(handler)}
	ctx, stop := context.WithCancel(t.Context())
	var tasks sync.WaitGroup
	tasks.Go(func() { _ = server.Run(ctx) })
	tasks.Go(func() { _ = front.Serve(listener) })
	th.play(10 * time.Second)
	cfg.HLS, cfg.URLs = true, []string{"http://freshet/live/cam1/index.m3u8"}
	if th.audience, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	th.audience.transport = func(viewer int) (http.RoundTripper, func(), error) {
		transport := &http.Transport{DialContext: listener.dial}
		return introduced{transport, strconv.Itoa(viewer)}, transport.CloseIdleConnections, nil
	}
	left := make(chan error, 1)
	watching, gone := context.WithCancel(t.Context())
	go func() { left <- th.audience.Run(watching) }()
	th.leave = func() {
		gone()
		if err := <-left; err != nil {
			t.Error(err)
		}
		stop()
		_ = front.Close()
		tasks.Wait()
	}
	return th
}

// play publishes media as time goes by.
func (th *theatre) play(d time.Duration) {
	for range int(d / (20 * time.Millisecond)) {
		time.Sleep(20 * time.Millisecond)
		th.encoder.Advance(time.Now())
	}
}

// spoiler leaves out and corrupts parts, and notes which.
type spoiler struct {
	http.Handler
	tb testing.TB

	mu      sync.Mutex
	healthy bool            // Guarded by mu.
	missing map[string]bool // Guarded by mu. By viewer and path.
	corrupt map[string]bool // Guarded by mu.
	served  int             // Guarded by mu. Parts.
}

func (s *spoiler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get(viewerHeader) + r.URL.Path
	roll := fnv.New32a()
	_, _ = roll.Write([]byte(key))
	fate := roll.Sum32() >> 8 % 20
	s.mu.Lock()
	if s.healthy && !s.missing[key] && !s.corrupt[key] || strings.HasSuffix(r.URL.Path, ".m3u8") {
		fate = 19
	}
	s.mu.Unlock()
	answer := httptest.NewRecorder()
	s.Handler.ServeHTTP(answer, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	body := answer.Body.Bytes()
	switch {
	case answer.Code != http.StatusOK || strings.HasSuffix(r.URL.Path, ".m3u8"):
	case fate == 0:
		s.missing[key] = true
		http.NotFound(w, r)
		return
	case fate == 1:
		s.corrupt[key] = true
		body[len(body)-1] ^= 1
	default:
		s.served++
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body)
}

// Parts that an LL-HLS server leaves out or corrupts are counted, no more, no less.
func TestHLSCountsExactlyTheFaultsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &spoiler{tb: t, missing: make(map[string]bool), corrupt: make(map[string]bool)}
		th := newTheatre(t, Config{Viewers: 5}, func(h http.Handler) http.Handler { s.Handler = h; return s })
		th.play(60 * time.Second)
		s.mu.Lock()
		s.healthy = true
		s.mu.Unlock()
		th.play(12 * time.Second)
		r := th.audience.Report("")
		th.leave()
		t.Logf("the injector left out %d and corrupted %d, and served %d; %+v", len(s.missing), len(s.corrupt), s.served, r.Figures)
		if r.Missing != len(s.missing) || int(r.Corrupt) != len(s.corrupt) {
			t.Errorf("counted %d missing, %d corrupt; %v", r.Missing, r.Corrupt, r.Errors)
		}
		// Of each rendition a part is under way that was asked for ahead of its listing.
		ahead := s.served + len(s.corrupt) - int(r.Objects)
		if len(s.missing) < 10 || len(s.corrupt) < 10 || ahead < 0 || ahead > 2*5 {
			t.Errorf("%d objects of %d served", r.Objects, s.served)
		}
		if r.Twice+r.Cut+r.Ended+r.Failed+r.Starts != 0 || r.Watching != 5 {
			t.Errorf("%+v", r.Figures)
		}
	})
}

// Without faults a viewer has all of it, and its delay is that of whole parts.
func TestHLSDelayIsThatOfParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var parts, ahead atomic.Int64
		th := newTheatre(t, Config{Viewers: 3}, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked := time.Now()
				h.ServeHTTP(w, r)
				if strings.HasSuffix(r.URL.Path, ".m4s") {
					parts.Add(1)
					if time.Since(asked) > 0 { // The server had to wait for it.
						ahead.Add(1)
					}
				}
			})
		})
		th.play(30 * time.Second)
		r := th.audience.Report("")
		th.leave()
		if parts.Load() == 0 || ahead.Load() < parts.Load()/2 {
			t.Errorf("%d of %d parts were asked for ahead", ahead.Load(), parts.Load())
		}
		t.Logf("%+v", r)
		if r.Missing+r.Twice+r.Cut+r.Ended+r.Failed+r.Stalls != 0 || r.Corrupt != 0 || r.Watching != 3 || r.Played != 3 || r.Join.Count != 3 {
			t.Errorf("%+v", r)
		}
		// A part is cut when it is full, after its first sample was captured.
		if r.Latency.P50 < 100 || r.Latency.Max > 1300 || r.Spread.Max > 1 {
			t.Errorf("delays %+v, spread %+v", r.Latency, r.Spread)
		}
	})
}

func TestPlaylistsOfOthers(t *testing.T) {
	const text = "#EXTM3U\r\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1\n" +
		"#EXT-X-PART-INF:PART-TARGET=0.4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXT-X-GAP\n#EXTINF:2.00000,\ngap.mp4\n" +
		"#EXT-X-PROGRAM-DATE-TIME:2026-11-26T20:00:00.5Z\n#EXT-X-PART:DURATION=0.4,URI=\"a.mp4\",BYTERANGE=\"100@20\",INDEPENDENT=YES\n" +
		"#EXT-X-PART:DURATION=0.4,URI=\"a.mp4\",BYTERANGE=\"50\"\n#EXTINF:0.8,live\na.mp4\n#EXT-X-PART:DURATION=0.4,URI=\"b,0.mp4\"\n" +
		"#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"b1.mp4\"\n"
	p, err := parsePlaylist(text)
	if err != nil {
		t.Fatal(err)
	}
	if p.sequence != 7 || !p.blocks || p.hint != "b1.mp4" || p.partTarget != 400*time.Millisecond || len(p.segments) != 3 || p.ended {
		t.Fatalf("%+v", p)
	}
	if got := p.segments[1].parts; len(got) != 2 || got[0].from != 20 || got[0].n != 100 || got[1].from != 120 || got[1].n != 50 {
		t.Errorf("byte ranges %+v", got)
	}
	if s := p.segments[2]; s.uri != "" || s.parts[0].uri != "b,0.mp4" || !s.date.Equal(time.Date(2026, 11, 26, 20, 0, 1, 300e6, time.UTC)) {
		t.Errorf("open segment %+v", s)
	}
	got := renditions("#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",URI=\"en.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"b\"\nlow.m3u8\n" +
		"#EXT-X-STREAM-INF:BANDWIDTH=2,CODECS=\"x,y\",AUDIO=\"a\"\nhigh.m3u8\n")
	if strings.Join(got, " ") != "high.m3u8 en.m3u8" {
		t.Errorf("renditions %q", got)
	}
}

func FuzzPlaylist(f *testing.F) {
	for _, seed := range []string{
		"#EXTM3U\n#EXT-X-PART:DURATION=1,URI=\"a\",BYTERANGE=\"1@2\"\n#EXTINF:1,\na\n", "#EXTM3U\n#EXTINF:1e5,\n", "", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:9999999999999999999\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePlaylist(text)
		if err != nil && !errors.Is(err, errPlaylist) {
			t.Errorf("%v", err)
		}
		if err == nil && len(p.segments) > len(text) {
			t.Errorf("%d segments of %d bytes", len(p.segments), len(text))
		}
		renditions(text)
	})
}
