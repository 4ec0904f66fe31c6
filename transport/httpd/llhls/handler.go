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
	Server     *hls.Server
	Registerer prometheus.Registerer
}

// Handler is the http.Handler. Its paths begin with the namespace.
type Handler struct {
	server  *hls.Server
	metrics *metrics
}

// New makes a Handler.
func New(cfg Config) (*Handler, error) {
	if cfg.Server == nil {
		return nil, errors.New("llhls: no server")
	}
	return &Handler{server: cfg.Server, metrics: newMetrics(cfg.Registerer)}, nil
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
		header.Set("Access-Control-Allow-Headers", "Range, Priority")
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
	if file == indexName {
		if p, ok := h.server.Presentation(relay.Namespace(dir)); ok {
			q.multivariant(p)
			return
		}
	}
	ns, name, _ := cutLast(dir)
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

func cutLast(path string) (dir, file string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}
