package view

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"
)

// hlsViewer is a low-latency client: it waits for playlists, asks for parts before they
// are there where they are hinted, and takes each part and segment once.
type hlsViewer struct {
	*watcher
	throttle *throttle
}

func newHLSViewer(w *watcher, stuck bool) *hlsViewer {
	return &hlsViewer{watcher: w, throttle: newThrottle(w, stuck)}
}

func (v *hlsViewer) run(ctx context.Context) {
	for first := true; ctx.Err() == nil; first = false {
		if !first {
			pause(ctx, time.Second) // As players do.
		}
		began, err := v.watch(ctx)
		switch {
		case err != nil && began:
			v.ended(ctx, fmt.Errorf("%s: %w", v.home, err))
		case err != nil:
			v.failed(ctx, fmt.Errorf("%s: %w", v.home, err))
		default:
			<-ctx.Done() // The broadcast has ended.
		}
	}
}

// watch plays until something fails; nil is the end of the broadcast. began says that
// there were playlists.
func (v *hlsViewer) watch(ctx context.Context) (began bool, err error) {
	start := time.Now()
	w, leave, err := newWeb(v.watcher, v.throttle)
	if err != nil {
		return false, err
	}
	defer leave()
	var buffer []byte
	entry, err := w.get(ctx, v.home, 0, 0, &buffer)
	if err != nil {
		return false, err
	}
	v.a.times.add(&v.a.times.connect, v.watcher, time.Since(start))
	uris := renditions(string(entry.body))
	if len(uris) == 0 {
		uris = []string{entry.url}
	}
	var others sync.WaitGroup
	defer others.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var tasks sync.WaitGroup
	var followers []*follower
	for _, uri := range uris {
		f, err := v.newFollower(w, entry.url, uri)
		if err != nil {
			return true, err
		}
		f.tasks = &others
		followers = append(followers, f)
	}
	for _, f := range followers {
		tasks.Go(func() {
			if err := f.run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	if v.class == misbehaving {
		others.Go(func() { v.annoy(ctx, w, followers[0].address) })
	}
	tasks.Wait()
	return true, context.Cause(ctx)
}

func (v *hlsViewer) newFollower(w *web, base, uri string) (*follower, error) {
	address, err := resolve(base, uri)
	if err != nil {
		return nil, err
	}
	name := rendition(base, address)
	f := &follower{web: w, v: v, address: address, track: v.track(name, false), hints: make(map[string]chan hinted)}
	if last, ok := f.track.last(); ok { // It goes on where it failed.
		f.begun, f.msn, f.part = true, last.Group, int(last.Object)+1
	}
	return f, nil
}

func resolve(base, ref string) (string, error) {
	b, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	u, err := b.Parse(ref)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// rendition names a playlist by its path below the folder of the entry, so that it is
// the same at every server.
func rendition(base, address string) string {
	b, err := url.Parse(base)
	a, err2 := url.Parse(address)
	if err != nil || err2 != nil {
		return address
	}
	return strings.TrimPrefix(a.Path, path.Dir(b.Path)+"/")
}

// annoy asks for what no server has, and gives up what it asked for.
func (v *hlsViewer) annoy(ctx context.Context, w *web, playlist string) {
	var buffer []byte
	ask := func(address string, within time.Duration) {
		limited, cancel := context.WithTimeout(ctx, within)
		defer cancel()
		_, _ = w.get(limited, address, 0, 0, &buffer) // The server may defend itself.
	}
	mark := "?"
	if strings.Contains(playlist, "?") {
		mark = "&"
	}
	for ctx.Err() == nil {
		for _, query := range []string{"_HLS_msn=99999999999", "_HLS_part=1", "_HLS_msn=x&_HLS_skip=no"} {
			ask(playlist+mark+query, time.Second)
			pause(ctx, prankEvery)
		}
		ask(playlist+"/../no-such-part.mp4", time.Second)
		ask(playlist, time.Millisecond)
	}
}
