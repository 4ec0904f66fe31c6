package view

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// editor changes the playlists of a server, and notes what was asked for.
type editor struct {
	http.Handler
	edit func(path, text string) string

	mu     sync.Mutex
	asked  []string // Guarded by mu. Paths with their queries.
	deltas int      // Guarded by mu. Playlists with EXT-X-SKIP.
}

func (e *editor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := httptest.NewRecorder()
	r.Header.Del("Accept-Encoding")
	e.Handler.ServeHTTP(answer, r)
	text := answer.Body.String()
	if strings.HasSuffix(r.URL.Path, ".m3u8") {
		text = e.edit(r.URL.Path, text)
	}
	e.mu.Lock()
	e.asked = append(e.asked, r.URL.RequestURI())
	if strings.Contains(text, "#EXT-X-SKIP:") {
		e.deltas++
	}
	e.mu.Unlock()
	maps.Copy(w.Header(), answer.Header())
	w.Header().Del("Content-Length")
	w.WriteHeader(answer.Code)
	_, _ = w.Write([]byte(text))
}

// seen is what was asked for so far, and how many delta updates were given: some requests
// of a viewer that has left may still be under way.
func (e *editor) seen() (asked []string, deltas int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.asked), e.deltas
}

// A viewer updates what it knows by delta updates, and misses nothing.
func TestHLSDeltaUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &editor{edit: func(_, text string) string { return text }}
		th := newTheatre(t, Config{Viewers: 2}, func(h http.Handler) http.Handler { e.Handler = h; return e })
		th.play(60 * time.Second)
		r := th.audience.Report("")
		th.leave()
		if r.Missing+r.Twice+r.Cut+r.Ended+r.Failed+r.Stalls != 0 || r.Corrupt != 0 || r.Watching != 2 {
			t.Errorf("%+v", r)
		}
		if _, deltas := e.seen(); deltas < 100 {
			t.Errorf("%d delta updates", deltas)
		}
	})
}

// A delta update that leaves out what a viewer has not taken is followed by the whole.
func TestHLSDeltaSkipsTooMuch(t *testing.T) {
	f := follower{begun: true, msn: 12}
	for text, lacks := range map[string]bool{
		"#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=5\n":  false,
		"#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-SKIP:SKIPPED-SEGMENTS=6\n":  true,
		"#EXT-X-MEDIA-SEQUENCE:20\n#EXT-X-SKIP:SKIPPED-SEGMENTS=6\n": true,
		"#EXT-X-MEDIA-SEQUENCE:20\n":                                 false,
	} {
		p, err := parsePlaylist("#EXTM3U\n" + text)
		if err != nil {
			t.Fatal(err)
		}
		if f.lacks(p) != lacks {
			t.Errorf("%q: %+v", text, p)
		}
	}
}

var (
	thirdPart = regexp.MustCompile(`(#EXT-X-PART:.*part-\d+-2\.m4s")`)
	thirdHint = regexp.MustCompile(`#EXT-X-PRELOAD-HINT:.*part-\d+-2\.m4s"\n`)
)

// What a server says it does not have is missing, and is not asked for.
func TestHLSGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &editor{edit: func(path, text string) string {
			if !strings.Contains(path, "video") {
				return text
			}
			return thirdHint.ReplaceAllString(thirdPart.ReplaceAllString(text, "$1,GAP=YES"), "")
		}}
		th := newTheatre(t, Config{Viewers: 1}, func(h http.Handler) http.Handler { e.Handler = h; return e })
		th.play(30 * time.Second)
		th.audience.Report("")
		th.play(20 * time.Second)
		r := th.audience.Report("")
		th.leave()
		// Of video, ten segments of two seconds lack one part each.
		if r.Missing < 9 || r.Missing > 11 || len(r.Errors) > 0 {
			t.Errorf("%d missing, %v", r.Missing, r.Errors)
		}
		asked, _ := e.seen()
		for _, path := range asked {
			if strings.Contains(path, "video") && strings.Contains(path, "-2.m4s") {
				t.Fatalf("%s was asked for", path)
			}
		}
	})
}

func TestGapsAreRead(t *testing.T) {
	p, err := parsePlaylist("#EXTM3U\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n" +
		"#EXT-X-GAP\n#EXTINF:2,\na\n#EXTINF:2,\nb\n#EXT-X-PART:DURATION=1,URI=\"c0\",GAP=YES\n#EXT-X-PART:DURATION=1,URI=\"c1\"\n")
	if err != nil {
		t.Fatal(err)
	}
	if p.canSkip != 12*time.Second || p.skipped != 3 || len(p.segments) != 3 || !p.segments[0].gap || p.segments[1].gap ||
		!p.segments[2].parts[0].gap || p.segments[2].parts[1].gap {
		t.Errorf("%+v", p)
	}
}
