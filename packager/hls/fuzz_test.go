package hls_test

import (
	"context"
	"testing"
	"time"

	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/packager/hls/hlstest"
	"github.com/freshet-live/freshet/relay"
)

// FuzzResource asks for files by names off the network: only names that the
// playlist makes are found.
func FuzzResource(f *testing.F) {
	for _, name := range []string{
		"segment-1.m4s", "part-1-0.m4s", "part-1-99999999999999999999.m4s", "part--.m4s", "segment-.m4s", "part-+1-0.m4s",
		"init-0.mp4", "", "part-18446744073709551615-0.m4s", "segment-01.m4s", "part-1-00.m4s",
	} {
		f.Add(name)
	}
	l := playlist(f)
	text := string(l.Document(hls.SkipNone).Text)
	known := make(map[string]bool)
	for _, tag := range []string{"segment-", `#EXT-X-MAP:URI="`} {
		for _, v := range values(text, tag) {
			known[tag+v] = true
		}
	}
	f.Fuzz(func(t *testing.T, name string) {
		res, wait, ok := l.Resource(name)
		if ok && (wait || res.Size == 0 || len(res.Payload) == 0) {
			t.Errorf("%q gives %+v", name, res)
		}
		if ok && res.Kind == "segment" && !known[name] {
			t.Errorf("%q is a segment", name)
		}
	})
}

// playlist is a version of a playlist of three segments.
func playlist(tb testing.TB) *hls.Playlist {
	tb.Helper()
	r := relay.New(relay.Config{})
	b, err := r.Publish("live/cam1")
	if err != nil {
		tb.Fatal(err)
	}
	start := time.Unix(4, 0)
	enc := hlstest.New(tb, b, hlstest.Config{Start: start, NoAudio: true})
	enc.Advance(start.Add(7 * time.Second))
	server, err := hls.New(hls.Config{Relay: r})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	defer func() { cancel(); <-done }()
	for ctx.Err() == nil {
		if p, ok := server.Presentation("live/cam1"); ok {
			select {
			case <-p.Ready():
				return p.Renditions()[0].Playlist()
			case <-ctx.Done():
			}
		}
	}
	tb.Fatal("no playlist")
	return nil
}
