package llhls_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/freshet-live/freshet/packager/hls/hlstest"
	"github.com/freshet-live/freshet/transport/httpd/llhls"
	"github.com/freshet-live/freshet/transport/httpd/llhls/llhlstest"
)

// fetch gives the status and body of a GET.
func (s *stage) fetch(path string) (int, string) {
	s.Helper()
	resp, err := s.client.Get(base + path)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// metric sums the samples of a family that have all labels.
func (s *stage) metric(name string, labels ...string) (sum float64) {
	s.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		s.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() != name {
				continue
			}
			have := make([]string, 0, 2)
			for _, l := range m.GetLabel() {
				have = append(have, l.GetValue())
			}
			if strings.Join(have, " ") == strings.Join(labels, " ") {
				sum += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

var hintPattern = regexp.MustCompile(`TYPE=PART,URI="part-(\d+)-(\d+)\.m4s"`)

// hint gives the part that the video playlist hints at.
func (s *stage) hint() (msn, part string) {
	s.Helper()
	_, text := s.fetch("video/index.m3u8")
	m := hintPattern.FindStringSubmatch(text)
	if m == nil {
		s.Fatalf("no hint in\n%s", text)
	}
	return m[1], m[2]
}

// A stream that stops answers waiting requests after three target durations.
func TestBlockedTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hlstest.Config{}, nil)
		defer s.stop()
		s.play(5 * time.Second)
		msn, part := s.hint()
		for _, path := range []string{
			"video/index.m3u8?_HLS_msn=" + msn + "&_HLS_part=" + part,
			"video/index.m3u8?_HLS_msn=" + msn,
			"video/part-" + msn + "-" + part + ".m4s",
		} {
			began := time.Now()
			code, _ := s.fetch(path)
			if waited := time.Since(began); code != http.StatusServiceUnavailable || waited != 6*time.Second {
				t.Errorf("%s: %d after %v", path, code, waited)
			}
		}
		if n := s.metric("freshet_hls_requests_total", "playlist", "timeout"); n != 2 {
			t.Errorf("%v timeouts counted", n)
		}
		if n := s.metric("freshet_hls_blocking_wait_seconds"); n != 3 {
			t.Errorf("%v waits counted", n)
		}
	})
}

// The end of a broadcast answers everybody who waits, and then ignores the
// directives.
func TestEndWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hlstest.Config{}, nil)
		defer s.stop()
		s.play(9200 * time.Millisecond)
		msn, part := s.hint()
		want := map[string]int{
			"video/index.m3u8?_HLS_msn=" + msn:         http.StatusOK,
			"video/part-" + msn + "-" + part + ".m4s":  http.StatusOK,
			"video/index.m3u8?_HLS_msn=" + msn + "&x=": http.StatusOK,
		}
		var wg sync.WaitGroup
		for path, code := range want {
			wg.Go(func() {
				if got, _ := s.fetch(path); got != code {
					t.Errorf("%s: %d", path, got)
				}
			})
		}
		synctest.Wait()
		s.enc.End()
		wg.Wait()
		for _, query := range []string{"_HLS_msn=99999999999", "_HLS_part=1", "_HLS_skip=YES"} {
			code, text := s.fetch("video/index.m3u8?" + query)
			if code != http.StatusOK || !strings.Contains(text, "#EXT-X-ENDLIST") || strings.Contains(text, "#EXT-X-SKIP") {
				t.Errorf("%s: %d\n%s", query, code, text)
			}
		}
	})
}

// A player that starts with the encoder waits for the first segment.
func TestStartsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hlstest.Config{}, nil)
		defer s.stop()
		began := time.Now()
		s.playOn()
		code, text := s.fetch("index.m3u8")
		if d := time.Since(began); code != http.StatusOK || d > 2200*time.Millisecond {
			t.Errorf("%d after %v", code, d)
		}
		if !strings.Contains(text, "TYPE=AUDIO") || !strings.Contains(text, "RESOLUTION") {
			t.Errorf("a rendition is missing:\n%s", text)
		}
	})
}

func TestNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hlstest.Config{}, nil)
		defer s.stop()
		s.play(5 * time.Second)
		msn, _ := s.hint()
		for _, path := range []string{
			"../cam2/index.m3u8", "../../index.m3u8", "text/index.m3u8", "video/index.txt", "video/segment-1.m4s",
			"video/segment-x.m4s", "video/segment-0" + msn + ".m4s", "video/part-" + msn + "-40.m4s", "video/part-" + msn + ".m4s",
			"video/segment-" + msn + ".m4s", "video/part-" + msn + "-00.m4s", "video/init-0.mp4", "video/part--1--1.m4s",
		} {
			if code, _ := s.fetch(path); code != http.StatusNotFound {
				t.Errorf("%s: %d", path, code)
			}
		}
		resp, err := s.client.Post(base+"index.m3u8", "text/plain", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST: %d", resp.StatusCode)
		}
	})
}

// Many viewers of one version get one rendered text, and all of them in the
// instant in which the part is there.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, hlstest.Config{}, nil)
		defer s.stop()
		s.play(5 * time.Second)
		msn, part := s.hint()
		const viewers = 300
		texts := make([]string, viewers)
		times := make([]time.Time, viewers)
		var wg sync.WaitGroup
		for i := range viewers {
			wg.Go(func() {
				_, texts[i] = s.fetch(fmt.Sprintf("video/index.m3u8?_HLS_msn=%s&_HLS_part=%s", msn, part))
				times[i] = time.Now()
			})
		}
		synctest.Wait()
		s.playOn()
		wg.Wait()
		for i := range viewers {
			if texts[i] != texts[0] || !times[i].Equal(times[0]) || !strings.Contains(texts[i], "part-"+msn+"-"+part) {
				t.Fatalf("viewer %d at %v got\n%s\nviewer 0 at %v\n%s", i, times[i], texts[i], times[0], texts[0])
			}
		}
	})
}

// The rules hold through everything that a contribution does.
func TestRulesInTrouble(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(*hlstest.Encoder){
		"new video header": func(e *hlstest.Encoder) { e.Renew("video") },
		"new audio header": func(e *hlstest.Encoder) { e.Renew("audio") },
		"jump":             func(e *hlstest.Encoder) { e.Jump(3 * time.Second) },
		"video stalls":     func(e *hlstest.Encoder) { e.StallVideo(5 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, hlstest.Config{}, nil)
				defer s.stop()
				s.playOn()
				timer := time.AfterFunc(11100*time.Millisecond, func() {
					s.encoding.Lock()
					defer s.encoding.Unlock()
					trouble(s.enc)
				})
				defer timer.Stop()
				found, err := llhlstest.Check(t.Context(), base+"index.m3u8", llhlstest.Config{Client: s.client, Duration: 40 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range found {
					t.Error(v)
				}
			})
		})
	}
}

func TestHandles(t *testing.T) {
	for path, want := range map[string]bool{
		"/live/cam1/index.m3u8": true, "/live/cam1/video/part-1-0.m4s": true, "/live/cam1/video/init-1.mp4": true,
		"/live/cam1/": false, "/player/freshet.js": false, "/v1/info": false,
	} {
		if got := llhls.Handles(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
