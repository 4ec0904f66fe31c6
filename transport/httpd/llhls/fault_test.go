package llhls_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/packager/hls/hlstest"
	"github.com/freshet-live/freshet/transport/httpd/llhls/llhlstest"
)

// fault changes what the server says. It sees whole responses.
type fault func(r *http.Request, w *httptest.ResponseRecorder)

// faulty is a proxy in front of the handler.
func faulty(f fault) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			before := rec.Body.Len()
			f(r, rec)
			if rec.Body.Len() != before {
				rec.Header().Set("Content-Length", strconv.Itoa(rec.Body.Len()))
			}
			maps.Copy(w.Header(), rec.Header())
			w.WriteHeader(rec.Code)
			_, _ = w.Write(rec.Body.Bytes())
		})
	}
}

func playlistOf(name string, change func(text string) string) fault {
	return func(r *http.Request, w *httptest.ResponseRecorder) {
		if !strings.HasSuffix(r.URL.Path, name+"/index.m3u8") || w.Code != http.StatusOK || w.Header().Get("Content-Encoding") != "" {
			return
		}
		text := change(w.Body.String())
		w.Body = bytes.NewBufferString(text)
	}
}

// replace changes the first match of a pattern in the video playlist.
func replace(pattern, with string) fault {
	re := regexp.MustCompile(pattern)
	return playlistOf("video", func(text string) string {
		if at := re.FindStringIndex(text); at != nil {
			return text[:at[0]] + re.ReplaceAllString(text[at[0]:at[1]], with) + text[at[1]:]
		}
		return text
	})
}

// status answers what matches with another status.
func status(pattern string, code int) fault {
	re := regexp.MustCompile(pattern)
	return func(r *http.Request, w *httptest.ResponseRecorder) {
		if re.MatchString(r.URL.String()) {
			w.Code = code
		}
	}
}

func header(pattern, name, value string) fault {
	re := regexp.MustCompile(pattern)
	return func(r *http.Request, w *httptest.ResponseRecorder) {
		if re.MatchString(r.URL.String()) {
			w.Header().Set(name, value)
			if value == "" {
				w.Header().Del(name)
			}
		}
	}
}

// later changes the video playlist from the n-th answer on.
func later(n int, change func(text string) string) fault {
	var mu sync.Mutex
	count := 0
	return playlistOf("video", func(text string) string {
		mu.Lock()
		defer mu.Unlock()
		if count++; count < n {
			return text
		}
		return change(text)
	})
}

// bump adds to the number behind a tag.
func bump(tag string, by int) func(text string) string {
	re := regexp.MustCompile(`(` + tag + `:)(\d+)`)
	return func(text string) string {
		return re.ReplaceAllStringFunc(text, func(s string) string {
			name, number, _ := strings.Cut(s, ":")
			n, _ := strconv.Atoi(number)
			return fmt.Sprintf("%s:%d", name, n+by)
		})
	}
}

// stale answers blocking requests with the version before.
func stale() fault {
	var mu sync.Mutex
	var last string
	return playlistOf("video", func(text string) string {
		mu.Lock()
		defer mu.Unlock()
		text, last = last, text
		if text == "" {
			return last
		}
		return text
	})
}

// forgetful answers 404 for segments that left the playlist: it remembers what
// the newest lists.
func forgetful() fault {
	var mu sync.Mutex
	var listed string
	return func(r *http.Request, w *httptest.ResponseRecorder) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasSuffix(r.URL.Path, "video/index.m3u8") && r.URL.Query().Get("_HLS_skip") == "" && w.Header().Get("Content-Encoding") == "" && w.Code == http.StatusOK {
			listed = w.Body.String()
		}
		if strings.Contains(r.URL.Path, "video/segment-") && !strings.Contains(listed, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]) {
			w.Code = http.StatusNotFound
		}
	}
}

// truncate sends only half of what matches.
func truncate(pattern string) fault {
	re := regexp.MustCompile(pattern)
	return func(r *http.Request, w *httptest.ResponseRecorder) {
		if re.MatchString(r.URL.Path) && w.Code == http.StatusOK {
			w.Body.Truncate(w.Body.Len() / 2)
		}
	}
}

// TestCheckFindsFaults shows that every rule of the check can be broken.
func TestCheckFindsFaults(t *testing.T) {
	media := `(segment|part)-\d`
	for name, tt := range map[string]struct {
		rule  string
		fault fault
	}{
		"part too long":           {llhlstest.RulePartDuration, replace(`DURATION=0\.5|DURATION=0\.48`, "DURATION=0.6")},
		"part too short":          {llhlstest.RulePartShort, replace(`DURATION=0\.48(,URI="[^"]*"\n)`, "DURATION=0.2$1")},
		"parts do not add up":     {llhlstest.RulePartSum, replace(`DURATION=0\.48(,URI="[^"]*"\n)`, "DURATION=0.44$1")},
		"parts gone early":        {llhlstest.RulePartSum, later(20, func(s string) string { return regexp.MustCompile(`#EXT-X-PART:.*\n`).ReplaceAllString(s, "") })},
		"segment too long":        {llhlstest.RuleTarget, replace(`EXTINF:2,`, "EXTINF:2.6,")},
		"target changes":          {llhlstest.RuleTarget, later(10, bump("#EXT-X-TARGETDURATION", 1))},
		"hold back too short":     {llhlstest.RuleControl, replace(`PART-HOLD-BACK=1.5`, "PART-HOLD-BACK=1.2")},
		"skip boundary too short": {llhlstest.RuleControl, replace(`CAN-SKIP-UNTIL=12`, "CAN-SKIP-UNTIL=11")},
		"no blocking":             {llhlstest.RuleControl, replace(`CAN-BLOCK-RELOAD=YES,`, "")},
		"sequence falls":          {llhlstest.RuleSequence, later(30, bump("#EXT-X-MEDIA-SEQUENCE", -3))},
		"segment renamed":         {llhlstest.RuleSequence, later(30, bump("#EXT-X-MEDIA-SEQUENCE", 1))},
		"discontinuity lost":      {llhlstest.RuleDiscontinuity, later(30, bump("#EXT-X-DISCONTINUITY-SEQUENCE", 1))},
		"no date":                 {llhlstest.RuleDate, replace(`#EXT-X-PROGRAM-DATE-TIME.*\n`, "")},
		"date jumps":              {llhlstest.RuleDate, replace(`(TIME:.*)00Z\n`, "${1}99Z\n")},
		"blocking too short":      {llhlstest.RuleBlocking, stale()},
		"lone part accepted":      {llhlstest.RuleBlocking, status(`video/.*\?_HLS_part=`, 200)},
		"below window refused":    {llhlstest.RuleBlocking, status(`video/.*_HLS_msn=0`, 400)},
		"delta skips too little":  {llhlstest.RuleDelta, replace(`SKIPPED-SEGMENTS=\d+`, "SKIPPED-SEGMENTS=1")},
		"delta loses the header":  {llhlstest.RuleDelta, replace(`(#EXT-X-SKIP.*\n)#EXT-X-MAP.*\n`, "$1")},
		"no report":               {llhlstest.RuleReport, replace(`#EXT-X-RENDITION-REPORT.*\n`, "")},
		"report from the future":  {llhlstest.RuleReport, replace(`LAST-PART=\d+`, "LAST-PART=9")},
		"report too old":          {llhlstest.RuleReport, replace(`LAST-MSN=\d+`, "LAST-MSN=5")},
		"no hint":                 {llhlstest.RuleHint, replace(`#EXT-X-PRELOAD-HINT.*\n`, "")},
		"hint not answered":       {llhlstest.RuleHint, status(`video/part-`, 404)},
		"hint half sent":          {llhlstest.RuleHint, truncate(`video/part-`)},
		"segment gone":            {llhlstest.RuleAvailable, status(`video/segment-\d+5\.`, 404)},
		"header gone":             {llhlstest.RuleAvailable, status(`video/init`, 404)},
		"removed is gone":         {llhlstest.RuleRemoved, forgetful()},
		"EXTINF wrong":            {llhlstest.RuleMedia, replace(`EXTINF:2,`, "EXTINF:1.99,")},
		"segment cut":             {llhlstest.RuleMedia, truncate(`video/segment-`)},
		"independent is a lie":    {llhlstest.RuleIndependent, replace(`(#EXT-X-PART:DURATION=0\.48,URI="[^"]*")\n`, "$1,INDEPENDENT=YES\n")},
		"not compressed":          {llhlstest.RuleGzip, header(`video/`, "Content-Encoding", "")},
		"no Vary":                 {llhlstest.RuleGzip, header(`video/`, "Vary", "")},
		"cookie":                  {llhlstest.RuleHeaders, header(media, "Set-Cookie", "a=b")},
		"wrong type":              {llhlstest.RuleHeaders, header(`m3u8`, "Content-Type", "text/plain")},
		"no urgency":              {llhlstest.RuleHeaders, header(media, "Priority", "")},
		"no CORS":                 {llhlstest.RuleHeaders, header(`m3u8`, "Access-Control-Allow-Origin", "")},
		"media not cached":        {llhlstest.RuleCache, header(media, "Cache-Control", "no-cache")},
		"playlist cached":         {llhlstest.RuleCache, header(`index\.m3u8$`, "Cache-Control", "max-age=60")},
		"unknown part found":      {llhlstest.RuleUnknown, status(`no-such`, 200)},
		"ranges ignored":          {llhlstest.RuleRange, status(`video/segment-`, 200)},
		"no CODECS": {llhlstest.RuleMultivariant, func(_ *http.Request, w *httptest.ResponseRecorder) {
			w.Body = bytes.NewBufferString(strings.Replace(w.Body.String(), "CODECS", "CODEX", 1))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, hlstest.Config{}, faulty(tt.fault))
				defer s.stop()
				s.playOn()
				ctx, enough := context.WithCancel(t.Context())
				defer enough()
				found, err := llhlstest.Check(ctx, base+"index.m3u8", llhlstest.Config{
					Client: s.client, Duration: 40 * time.Second,
					Found: func(v llhlstest.Violation) {
						if v.Rule == tt.rule {
							enough()
						}
					},
				})
				if err != nil {
					t.Log(err)
				}
				if !slices.ContainsFunc(found, func(v llhlstest.Violation) bool { return v.Rule == tt.rule }) {
					t.Errorf("%q not found in %v", tt.rule, found)
				}
			})
		})
	}
}
