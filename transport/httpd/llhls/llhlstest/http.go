package llhlstest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is a whole response.
type answer struct {
	url    string
	status int
	header http.Header
	body   []byte
}

// maxBody bounds what is read of a response.
const maxBody = 256 << 20

func (c *checker) get(ctx context.Context, address string, header map[string]string) (*answer, error) {
	return c.do(ctx, http.MethodGet, address, header)
}

func (c *checker) do(ctx context.Context, method, address string, header map[string]string) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	// Set by hand, so that the transport leaves compression alone.
	req.Header.Set("Accept-Encoding", "identity")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	return &answer{url: address, status: resp.StatusCode, header: resp.Header, body: body}, nil
}

func (a *answer) text() string {
	if a.header.Get("Content-Encoding") != "gzip" {
		return string(a.body)
	}
	r, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(r, maxBody))
	if err != nil {
		return ""
	}
	return string(text)
}

func (a *answer) maxAge() (time.Duration, bool) {
	for item := range strings.SplitSeq(a.header.Get("Cache-Control"), ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(item), "max-age="); ok {
			n, err := strconv.Atoi(v)
			return time.Duration(n) * time.Second, err == nil
		}
	}
	return 0, false
}

func (a *answer) urgency() int {
	for item := range strings.SplitSeq(a.header.Get("Priority"), ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(item), "u="); ok {
			if n, err := strconv.Atoi(v); err == nil {
				return n
			}
		}
	}
	return -1
}

func (c *checker) commonHeaders(a *answer) {
	if a.header.Get("Access-Control-Allow-Origin") == "" {
		c.add(RuleHeaders, a.url, "no Access-Control-Allow-Origin")
	}
	if len(a.header.Values("Set-Cookie")) > 0 {
		c.add(RuleHeaders, a.url, "a cookie")
	}
	if a.header.Get("Last-Modified") == "" {
		c.add(RuleHeaders, a.url, "no Last-Modified")
	}
	if n := a.header.Get("Content-Length"); n != strconv.Itoa(len(a.body)) {
		c.add(RuleHeaders, a.url, "Content-Length %q for %d bytes", n, len(a.body))
	}
}

func (c *checker) playlistHeaders(a *answer) {
	c.commonHeaders(a)
	if t := a.header.Get("Content-Type"); t != "application/vnd.apple.mpegurl" && t != "audio/mpegurl" {
		c.add(RuleHeaders, a.url, "Content-Type %q", t)
	}
	if u := a.urgency(); u != 1 {
		c.add(RuleHeaders, a.url, "urgency %d for a playlist", u)
	}
}

func (c *checker) mediaHeaders(a *answer, target time.Duration) {
	c.commonHeaders(a)
	if t := a.header.Get("Content-Type"); t != "video/mp4" && t != "audio/mp4" && t != "video/iso.segment" {
		c.add(RuleHeaders, a.url, "Content-Type %q", t)
	}
	if u := a.urgency(); u < 2 || u > 6 {
		c.add(RuleHeaders, a.url, "urgency %d for media", u)
	}
	c.age(a, 6*target)
}

func (c *checker) age(a *answer, want time.Duration) {
	want = want.Truncate(time.Second)
	if got, ok := a.maxAge(); !ok || got != want {
		c.add(RuleCache, a.url, "%q for status %d, want max-age=%d", a.header.Get("Cache-Control"), a.status, want/time.Second)
	}
}
