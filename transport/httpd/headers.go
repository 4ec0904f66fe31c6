package httpd

import "net/http"

const allowedMethods = "GET, HEAD, OPTIONS"

// pagePolicy lets a page load only what this server serves. The player talks to
// the MoQ port, another origin than the plain port's, hence https: and
// wss: in connect-src; hls.js runs its worker from a blob.
const pagePolicy = "default-src 'self'; connect-src 'self' https: wss:; img-src 'self' data:; " +
	"media-src 'self' blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; " +
	"base-uri 'none'; form-action 'none'; object-src 'none'"

// setHeaders sets what every answer carries. Any page may read the answers:
// nothing here depends on cookies, and credentials are never allowed with "*".
func (s *Server) setHeaders(h http.Header, r *http.Request) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Date, Age, Content-Length, Content-Range, Priority")
	h.Set("Timing-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.TLS != nil && r.ProtoMajor < 3 && s.altSvc != "" {
		h.Set("Alt-Svc", s.altSvc)
	}
}

// preflight answers the question a browser asks before a request with a Range
// or other header that is not plain.
func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Allow", allowedMethods)
	h.Set("Access-Control-Allow-Methods", allowedMethods)
	h.Set("Access-Control-Allow-Headers", "Authorization, Range, If-None-Match, If-Modified-Since, Cache-Control, Priority")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}
