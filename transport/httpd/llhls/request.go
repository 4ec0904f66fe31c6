package llhls

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/freshet-live/freshet/packager/hls"
)

// request is one GET or HEAD on its way to an answer.
type request struct {
	w       http.ResponseWriter
	r       *http.Request
	metrics *metrics
	kind    string // A value of the metrics' label.
	query   string // What URIs in playlists repeat; set by permit.
}

// playlistUrgency is RFC 9218's: a playlist tells what to fetch next, so it goes
// before all media (B.1).
const playlistUrgency = 1

// waitReady waits for the first playlists of a broadcast that has just begun,
// so that a player can be started together with the encoder.
func (q *request) waitReady(p *hls.Presentation) bool {
	select {
	case <-p.Ready():
		return true
	default:
	}
	timer := time.NewTimer(3 * p.Config().MaxTargetDuration)
	defer timer.Stop()
	select {
	case <-p.Ready():
		return true
	case <-q.r.Context().Done():
		q.metrics.count(q.kind, resultCanceled)
	case <-timer.C:
		q.unavailable()
	}
	return false
}

func (q *request) multivariant(p *hls.Presentation) {
	q.kind = kindMultivariant
	if !q.waitReady(p) {
		return
	}
	doc, modified := p.Multivariant()
	q.text(doc, modified, p.Config().SegmentDuration/2)
}

func (q *request) media(r *hls.Rendition) {
	q.kind = kindPlaylist
	d, err := parseDirectives(q.r.URL.RawQuery)
	l := r.Playlist()
	target := l.TargetDuration()
	if err != nil && !l.Ended {
		q.fail(http.StatusBadRequest, 4*target)
		return
	}
	age := target / 2
	if d.blocking && err == nil {
		age = 6 * target
		if l = q.reload(r, d); l == nil {
			return
		}
	}
	q.text(l.Document(d.skip), l.Modified, age)
}

// reload waits for the version that the directives ask for. It is nil when the
// request was answered otherwise.
func (q *request) reload(r *hls.Rendition, d directives) *hls.Playlist {
	l := r.Playlist()
	verdict := l.Reload(d.msn, d.part)
	if verdict == hls.Answer {
		return l
	}
	if verdict == hls.Reject {
		q.fail(http.StatusBadRequest, 4*l.TargetDuration())
		return nil
	}
	began := time.Now()
	l, ok := q.wait(r, func(l *hls.Playlist) bool { return l.Reload(d.msn, d.part) != hls.Wait })
	q.metrics.wait.Observe(time.Since(began).Seconds())
	if !ok {
		return nil
	}
	return l
}

// wait looks at versions until done likes one. After three target durations the
// answer is 503 (6.2.5.2).
func (q *request) wait(r *hls.Rendition, done func(*hls.Playlist) bool) (*hls.Playlist, bool) {
	timer := time.NewTimer(3 * r.Playlist().TargetDuration())
	defer timer.Stop()
	for {
		l := r.Playlist()
		if done(l) {
			return l, true
		}
		select {
		case <-l.Changed():
		case <-q.r.Context().Done():
			q.metrics.count(q.kind, resultCanceled)
			return nil, false
		case <-timer.C:
			q.unavailable()
			return nil, false
		}
	}
}

// resource answers with a header, a segment or a part. The part of the preload
// hint is waited for, and nothing is sent before all of it is there (6.2.6).
func (q *request) resource(p *hls.Presentation, r *hls.Rendition, file string) {
	q.kind = kindOf(file)
	l := r.Playlist()
	res, hinted, ok := l.Resource(file)
	if hinted {
		began := time.Now()
		_, done := q.wait(r, func(l *hls.Playlist) bool {
			res, hinted, ok = l.Resource(file)
			return !hinted
		})
		q.metrics.wait.Observe(time.Since(began).Seconds())
		if !done {
			return
		}
	}
	if !ok {
		q.fail(http.StatusNotFound, l.TargetDuration())
		return
	}
	q.priority(p.Urgency(r))
	q.payload(res, file, 6*l.TargetDuration())
}

func kindOf(file string) string {
	switch {
	case strings.HasPrefix(file, "part-"):
		return kindPart
	case strings.HasPrefix(file, "segment-"):
		return kindSegment
	case strings.HasPrefix(file, "init-"):
		return kindHeader
	}
	return kindUnknown
}

func (q *request) priority(urgency int) {
	q.w.Header().Set("Priority", "u="+strconv.Itoa(urgency))
}

func (q *request) maxAge(d time.Duration) {
	q.w.Header().Set("Cache-Control", "max-age="+strconv.Itoa(int(d/time.Second)))
}

// fail answers with an error that caches may keep for a while (B.1).
func (q *request) fail(status int, age time.Duration) {
	q.maxAge(age)
	q.priority(playlistUrgency)
	result := resultNotFound
	if status == http.StatusBadRequest {
		result = resultBadRequest
	}
	q.metrics.count(q.kind, result)
	http.Error(q.w, http.StatusText(status), status)
}

// full tells that there is no room for another viewer.
func (q *request) full() {
	q.metrics.count(q.kind, resultRefused)
	q.w.Header().Set("Cache-Control", "no-store")
	http.Error(q.w, "no room for new viewers", http.StatusServiceUnavailable)
}

func (q *request) unavailable() {
	q.metrics.count(q.kind, resultTimeout)
	q.w.Header().Set("Cache-Control", "no-store")
	q.priority(playlistUrgency)
	http.Error(q.w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
}
