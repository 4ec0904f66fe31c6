package llhls

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/freshet-live/freshet/packager/hls"
)

const playlistType = "application/vnd.apple.mpegurl"

// text answers with a playlist.
func (q *request) text(doc *hls.Document, modified time.Time, age time.Duration) {
	h := q.w.Header()
	h.Set("Content-Type", playlistType)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
	q.maxAge(age)
	q.priority(playlistUrgency)
	body := doc.Text
	switch {
	case q.query != "":
		// It is this viewer's own, so compressing it would be for this one alone.
		body = doc.Query(nil, q.query)
	case acceptsGzip(q.r.Header.Get("Accept-Encoding")):
		h.Set("Content-Encoding", "gzip")
		body = doc.Gzip()
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	q.metrics.count(q.kind, resultOK)
	if q.r.Method != http.MethodHead {
		_, _ = q.w.Write(body) // A client that left is no error of ours.
	}
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3).
func acceptsGzip(header string) bool {
	for item := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(item, ";")
		coding = strings.TrimSpace(coding)
		if !strings.EqualFold(coding, "gzip") && coding != "*" {
			continue
		}
		weight, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(params)), "q=")
		if !ok {
			return true
		}
		q, err := strconv.ParseFloat(weight, 32)
		return err == nil && q > 0
	}
	return false
}

// payload answers with media. The slices go out as they are.
func (q *request) payload(res hls.Resource, name string, age time.Duration) {
	h := q.w.Header()
	etag := `"` + name + "-" + strconv.Itoa(res.Size) + `"`
	h.Set("ETag", etag)
	h.Set("Last-Modified", res.Modified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	q.maxAge(age)
	if q.r.Header.Get("If-None-Match") == etag {
		q.metrics.count(q.kind, resultOK)
		q.w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "video/mp4")
	span := byteRange{end: res.Size}
	status := http.StatusOK
	if value := q.r.Header.Get("Range"); value != "" && matches(q.r.Header.Get("If-Range"), etag) {
		asked, ok, satisfiable := parseRange(value, res.Size)
		switch {
		case ok && !satisfiable:
			h.Set("Content-Range", "bytes */"+strconv.Itoa(res.Size))
			q.metrics.count(q.kind, resultBadRequest)
			http.Error(q.w, http.StatusText(http.StatusRequestedRangeNotSatisfiable), http.StatusRequestedRangeNotSatisfiable)
			return
		case ok:
			span, status = asked, http.StatusPartialContent
			h.Set("Content-Range", span.contentRange(res.Size))
		}
	}
	h.Set("Content-Length", strconv.Itoa(span.end-span.start))
	q.metrics.count(q.kind, resultOK)
	q.w.WriteHeader(status)
	if q.r.Method != http.MethodHead {
		q.write(res.Payload, span)
	}
}

// matches judges If-Range, which may be absent.
func matches(ifRange, etag string) bool { return ifRange == "" || ifRange == etag }

func (q *request) write(payload [][]byte, span byteRange) {
	at := 0
	for _, b := range payload {
		from, to := max(span.start-at, 0), min(span.end-at, len(b))
		at += len(b)
		if from >= to {
			continue
		}
		if _, err := q.w.Write(b[from:to]); err != nil {
			return // The client left.
		}
	}
}
