package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A player needs the token in the first URL alone; with a header in none. What it may not
// have, it is told in words.
func TestPlaylistsCarryTheToken(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, "ES256")
	g := startGateway(t, guarded(issuer.file))
	token := issuer.token("live", time.Hour)
	g.pushAs(t, token)
	variants := get(t, g.url("/live/demo/index.m3u8?token="+token))
	media := get(t, g.url("/live/demo/video/index.m3u8?token="+token))
	for _, text := range []string{variants, media} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, ".m3u8") || strings.Contains(line, ".mp4") || strings.Contains(line, ".m4s") {
				if !strings.Contains(line, "?token="+token) {
					t.Errorf("%q does not carry the token", line)
				}
			}
		}
	}
	_, rest, ok := strings.Cut(media, `#EXT-X-MAP:URI="`)
	header, _, _ := strings.Cut(rest, `"`)
	if status, _ := try(t, g.url("/live/demo/video/"+header)); !ok || status != http.StatusOK {
		t.Errorf("%s: %d", header, status)
	}
	req, err := http.NewRequest(http.MethodGet, g.url("/live/demo/index.m3u8"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || bytes.Contains(body, []byte("token=")) {
		t.Errorf("with a header: %s %s %v", resp.Status, body, err)
	}
	if _, body := try(t, g.url("/live/demo/index.m3u8")); !strings.Contains(body, `"reason":"no_token"`) {
		t.Errorf("without: %s", body)
	}
}

// Without keys this machine is served, others are told what to set, and what comes by a
// proxy is of others.
func TestClosedByDefault(t *testing.T) {
	t.Parallel()
	g := startGateway(t, loopback())
	g.push(t)
	get(t, g.url("/live/demo/index.m3u8"))
	req, err := http.NewRequest(http.MethodGet, g.url("/live/demo/index.m3u8"), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Forwarded-For", "192.0.2.7")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusForbidden || !bytes.Contains(body, []byte("auth.open")) {
		t.Errorf("by a proxy: %s %s %v", resp.Status, body, err)
	}
}
