package llhlstest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// delta compares a delta update with the whole playlist.
func (f *follower) delta(ctx context.Context) error {
	for _, skip := range []string{"YES", "v2"} {
		for range 3 { // Both must be of one version.
			delta, err := f.parsed(ctx, "?_HLS_skip="+skip)
			if err != nil {
				return err
			}
			whole, err := f.parsed(ctx, "")
			if err != nil {
				return err
			}
			if delta.tail() == whole.tail() {
				f.compare(delta, whole)
				break
			}
		}
	}
	return nil
}

func (f *follower) parsed(ctx context.Context, query string) (*playlist, error) {
	a, err := f.get(ctx, f.url+query, nil)
	if err != nil {
		return nil, err
	}
	return parseMedia(a.text())
}

func (f *follower) compare(delta, whole *playlist) {
	boundary, _ := seconds(whole.control["CAN-SKIP-UNTIL"]) // RuleControl judges it.
	var behind time.Duration
	for _, p := range whole.open.parts {
		behind += p.duration
	}
	want := 0
	for i, s := range slices.Backward(whole.segments) {
		if behind >= boundary {
			want = i + 1
			break
		}
		behind += s.duration
	}
	switch {
	case delta.skipped != want:
		f.add(RuleDelta, f.url, "%d segments skipped, want %d", delta.skipped, want)
	case want > 0 && delta.version < 9:
		f.add(RuleDelta, f.url, "version %d", delta.version)
	case delta.sequence != whole.sequence || delta.discontinuity != whole.discontinuity:
		f.add(RuleDelta, f.url, "sequences differ")
	case len(delta.segments)+delta.skipped != len(whole.segments):
		f.add(RuleDelta, f.url, "%d and %d segments for %d", delta.skipped, len(delta.segments), len(whole.segments))
	default:
		for i, s := range delta.segments {
			if w := whole.segments[i+delta.skipped]; w.uri != s.uri || w.header != s.header || !w.date.Equal(s.date) {
				f.add(RuleDelta, f.url, "%s differs", s.uri)
			}
		}
	}
}

// probe asks what clients should not ask, and what caches do.
func (f *follower) probe(ctx context.Context) error {
	last := f.now.last()
	for _, p := range []struct {
		rule, query string
		status      int
	}{
		{RuleBlocking, "_HLS_part=0", http.StatusBadRequest},
		{RuleBlocking, "_HLS_msn=" + msnText(last+100), http.StatusBadRequest},
		{RuleBlocking, "_HLS_msn=" + msnText(last+1) + "&_HLS_part=1000", http.StatusBadRequest},
		{RuleBlocking, "_HLS_msn=abc", http.StatusBadRequest},
		{RuleBlocking, "_HLS_msn=-1", http.StatusBadRequest},
		{RuleBlocking, "_HLS_msn=" + msnText(f.first.sequence), http.StatusOK},
		{RuleBlocking, "_HLS_msn=0", http.StatusOK},
		{RuleBlocking, "_HLS_msn=" + msnText(last) + "&_HLS_part=1000", http.StatusOK},
	} {
		a, err := f.get(ctx, f.url+"?"+p.query, nil)
		if err != nil {
			return err
		}
		if a.status != p.status {
			f.add(p.rule, f.url, "status %d for %s, want %d", a.status, p.query, p.status)
		}
		if a.status == http.StatusBadRequest {
			f.age(a, 4*f.now.target)
		}
	}
	for _, step := range []func(context.Context) error{f.unknown, f.compressed, f.ranges, f.preflight} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f *follower) unknown(ctx context.Context) error {
	a, err := f.get(ctx, f.resolve(f.url, "no-such-part.m4s"), nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusNotFound {
		f.add(RuleUnknown, f.url, "status %d", a.status)
	}
	f.age(a, f.now.target)
	return nil
}

func (f *follower) compressed(ctx context.Context) error {
	a, err := f.get(ctx, f.url, map[string]string{"Accept-Encoding": "gzip"})
	if err != nil {
		return err
	}
	if a.header.Get("Content-Encoding") != "gzip" {
		f.add(RuleGzip, f.url, "not compressed")
		return nil
	}
	if _, err := parseMedia(a.text()); err != nil {
		f.add(RuleGzip, f.url, "%v", err)
	}
	if a.header.Get("Vary") == "" {
		f.add(RuleGzip, f.url, "no Vary")
	}
	f.playlistHeaders(a)
	return nil
}

// ranges asks for pieces of the newest segment, as RFC 8673 does too.
func (f *follower) ranges(ctx context.Context) error {
	uri := ""
	for _, s := range f.now.segments {
		if !s.gap {
			uri = s.uri
		}
	}
	address := f.resolve(f.url, uri)
	whole, err := f.get(ctx, address, nil)
	if err != nil || len(whole.body) < 20 {
		return err
	}
	size := len(whole.body)
	for value, want := range map[string][]byte{
		"bytes=5-14":                 whole.body[5:15],
		"bytes=7-9007199254740991":   whole.body[7:],
		fmt.Sprintf("bytes=-%d", 10): whole.body[size-10:],
	} {
		a, err := f.get(ctx, address, map[string]string{"Range": value})
		if err != nil {
			return err
		}
		if a.status != http.StatusPartialContent || string(a.body) != string(want) || a.header.Get("Content-Range") == "" {
			f.add(RuleRange, f.url, "%s: status %d, %d bytes of %d", value, a.status, len(a.body), len(want))
		}
	}
	head, err := f.do(ctx, http.MethodHead, address, nil)
	if err != nil {
		return err
	}
	if head.status != http.StatusOK || head.header.Get("Content-Length") != fmt.Sprint(size) {
		f.add(RuleRange, f.url, "HEAD: status %d, length %s", head.status, head.header.Get("Content-Length"))
	}
	return nil
}

func (f *follower) preflight(ctx context.Context) error {
	a, err := f.do(ctx, http.MethodOptions, f.url, map[string]string{
		"Origin": "https://example.com", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range",
	})
	if err != nil {
		return err
	}
	if a.status/100 != 2 || a.header.Get("Access-Control-Allow-Headers") == "" {
		f.add(RuleHeaders, f.url, "OPTIONS: status %d", a.status)
	}
	return nil
}
