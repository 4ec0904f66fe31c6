package llhls

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/packager/hls"
	"github.com/freshet-live/freshet/relay"
)

// Config configures a Handler. Only Server is required.
type Config struct {
	Server *hls.Server
	// Access says who may watch what; everybody everything when nil.
	Access Access
	// Full, if set, tells that no new viewers are wanted: who asks for a multivariant
	// playlist, with which playback begins, is told to come back.
	Full       func() bool
	Registerer prometheus.Registerer
}

// Access says who may watch what.
type Access interface {
	// Watch tells whether the request may have a broadcast, and what of its URL's
	// query (escaped, without "?") the URIs in playlists have to repeat so that they may be had as well.
	Watch(r *http.Request, ns relay.Namespace) (query string, err error)
	// Refuse answers and notes a request with the error that Watch gave.
	Refuse(w http.ResponseWriter, r *http.Request, ns relay.Namespace, err error)
}

// Handler is the http.Handler. Its paths begin with the namespace.
type Handler struct {
	server  *hls.Server
	access  Access
	full    func() bool
	metrics *metrics
}

// New makes a Handler.
func New(cfg Config) (*Handler, error) {
	if cfg.Server == nil {
		return nil, errors.New("llhls: no server")
	}
	if cfg.Full == nil {
		cfg.Full = func() bool { return false }
	}
	return &Handler{server: cfg.Server, access: cfg.Access, full: cfg.Full, metrics: newMetrics(cfg.Registerer)}, nil
}

// Handles tells whether a path is one of this package's by its ending, for
// those who share the namespaces' paths with it.
func Handles(path string) bool {
	for _, suffix := range []string{".m3u8", ".m4s", ".mp4"} {
		if strings.HasSuffix(path, suffix) {
			return true
		}
	}
	return false
}

const indexName = "index.m3u8"

// ServeHTTP answers GET, HEAD and OPTIONS.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Expose-Headers", "Age, Content-Length, Content-Range, Date, ETag")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		header.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
		header.Set("Access-Control-Allow-Headers", "Authorization, Range, Priority")
		header.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		header.Set("Allow", "GET, HEAD, OPTIONS")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	q := &request{w: w, r: r, metrics: h.metrics, kind: kindUnknown}
	h.serve(q)
}

// serve finds what the path names. A namespace may itself end like a
// rendition's path, so the longer namespace is tried first.
func (h *Handler) serve(q *request) {
	dir, file, ok := cutLast(strings.Trim(q.r.URL.Path, "/"))
	if !ok {
		q.fail(http.StatusNotFound, time.Second)
		return
	}
	ns, name, _ := cutLast(dir)
	if file == indexName {
		if !h.permit(q, dir) {
			return
		}
		if p, ok := h.server.Presentation(relay.Namespace(dir)); ok {
			h.begin(q, p)
			return
		}
		if !h.permits(q, ns) {
			// Who may have "live/cam1" may have nothing of "live".
			q.fail(http.StatusNotFound, time.Second)
			return
		}
	} else if !h.permit(q, ns) {
		return
	}
	p, ok := h.server.Presentation(relay.Namespace(ns))
	if !ok {
		q.fail(http.StatusNotFound, time.Second)
		return
	}
	if !q.waitReady(p) {
		return
	}
	rendition, ok := p.Rendition(name)
	if !ok || rendition.Playlist() == nil {
		q.fail(http.StatusNotFound, time.Second)
		return
	}
	if file == indexName {
		q.media(rendition)
		return
	}
	q.resource(p, rendition, file)
}

// retryAfter is when a viewer may ask again who is not let in, in seconds.
const retryAfter = "10"

// begin answers with the playlist of who begins to watch.
func (h *Handler) begin(q *request, p *hls.Presentation) {
	if h.full() {
		q.kind = kindMultivariant
		q.w.Header().Set("Retry-After", retryAfter)
		q.full()
		return
	}
	q.multivariant(p)
}

// permit asks for a broadcast, and answers when it is refused.
func (h *Handler) permit(q *request, ns string) bool {
	if h.access == nil {
		return true
	}
	query, err := h.access.Watch(q.r, relay.Namespace(ns))
	if err != nil {
		q.metrics.count(q.kind, resultRefused)
		h.access.Refuse(q.w, q.r, relay.Namespace(ns), err)
		return false
	}
	q.query = query
	return true
}

// permits asks and leaves it at that.
func (h *Handler) permits(q *request, ns string) bool {
	if h.access == nil {
		return true
	}
	_, err := h.access.Watch(q.r, relay.Namespace(ns))
	return err == nil
}

func cutLast(path string) (dir, file string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}
