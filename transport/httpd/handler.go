package httpd

import (
	"errors"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/freshet-live/freshet/transport/wsconn"
)

// hlsExtensions are the names of everything LL-HLS serves: playlists, CMAF
// headers, segments and parts.
var hlsExtensions = []string{".m3u8", ".m4s", ".mp4", ".m4a", ".m4v", ".cmfv", ".cmfa", ".vtt"}

// moqPaths take sessions of MoQ, also by WebSocket.
var moqPaths = []string{"/moq", "/"}

// route is a handler and the name it has in metrics.
type route struct {
	name  string
	serve http.HandlerFunc
}

// handler is what every protocol version serves.
func (s *Server) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.ws != nil && slices.Contains(moqPaths, r.URL.Path) && wsconn.Upgrade(r) {
			s.ws.ServeHTTP(w, r) // A session counts as such, not as a request under way.
			return
		}
		s.metrics.inFlight.Inc()
		defer s.metrics.inFlight.Dec()
		route := s.route(r)
		rec := newRecorder(w)
		s.guard(rec, r, route)
		rec.finish()
		s.metrics.requests.WithLabelValues(route.name, codeClass(rec.status()), protoName(r.ProtoMajor)).Inc()
	})
}

// guard answers a request whose handler panics, and logs the panic once.
func (s *Server) guard(rec *recorder, r *http.Request, route route) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		err, _ := p.(error)
		if !errors.Is(err, http.ErrAbortHandler) {
			s.log.Error("request handler panicked", "handler", route.name, "path", r.URL.Path,
				"panic", p, "stack", string(debug.Stack()))
		}
		if rec.code != 0 {
			rec.abort() // Half an answer must not look like a whole one.
			panic(http.ErrAbortHandler)
		}
		http.Error(rec, "internal error", http.StatusInternalServerError)
	}()
	s.setHeaders(rec.Header(), r)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		route.serve(rec, r)
	case http.MethodOptions:
		preflight(rec)
	default:
		rec.Header().Set("Allow", allowedMethods)
		http.Error(rec, "method "+r.Method+" is not allowed here", http.StatusMethodNotAllowed)
	}
}

// route finds the handler of a path. Names of broadcasts have no fixed place,
// so what a path ends in decides.
func (s *Server) route(r *http.Request) route {
	p := r.URL.Path
	if p == "" || p[0] != '/' || path.Clean(p) != strings.TrimSuffix(p, "/") && p != "/" {
		return route{"other", s.notFound}
	}
	switch p {
	case "/":
		return route{"page", s.page("list.html")}
	case "/v1/info":
		return route{"info", s.serveInfo}
	case "/v1/time":
		return route{"time", serveTime}
	case "/v1/broadcasts":
		return route{"broadcasts", s.serveBroadcasts}
	case "/certificate.sha256":
		return route{"certificate", s.serveCertificateHash}
	case "/favicon.ico":
		return route{"other", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }}
	}
	switch {
	case strings.HasPrefix(p, "/player/"):
		return route{"player", s.serveFile}
	case slices.Contains(hlsExtensions, path.Ext(p)):
		return route{"hls", s.cfg.HLS.ServeHTTP}
	case strings.HasSuffix(p, "/") && !strings.HasPrefix(p, "/v1/"):
		// Also for a broadcast that is not live: its page waits for it.
		return route{"page", s.page("index.html")}
	default:
		return route{"other", s.redirectOrNotFound}
	}
}
