package httpd

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"time"
)

// files are the player's files, ready to be sent.
type files struct {
	byName map[string]*file // Set by loadFiles, then read-only.
}

type file struct {
	contentType string
	etag        string // The start of the content's SHA-256, without quotes.
	hashed      bool   // The name changes with the content.
	plain       []byte
	gzipped     []byte // Nil where it would not be smaller.
}

// hashedName is how esbuild names the chunks that modules share.
var hashedName = regexp.MustCompile(`-[A-Z0-9]{8}\.(js|css)$`)

// contentTypes does not ask the system's table, which differs from machine to
// machine; a module with a wrong type is not run.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".json": "application/json",
	".map":  "application/json",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".ico":  "image/x-icon",
	".wasm": "application/wasm",
	".mp4":  "video/mp4",
}

// loadFiles reads every file of dir. In the pages it adds to each name under
// /player/ the version that lets browsers keep it for ever.
func loadFiles(dir fs.FS) (*files, error) {
	loaded := &files{byName: make(map[string]*file)}
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		loaded.byName[name] = &file{contentType: contentType(name), plain: content, etag: version(content), hashed: hashedName.MatchString(name)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, page := range []string{"index.html", "list.html"} {
		if loaded.byName[page] == nil {
			return nil, fmt.Errorf("%s is missing", page)
		}
		loaded.addVersions(page)
	}
	for _, f := range loaded.byName {
		f.compress()
	}
	return loaded, nil
}

func contentType(name string) string {
	if known, ok := contentTypes[path.Ext(name)]; ok {
		return known
	}
	return "application/octet-stream"
}

func version(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

func (f *files) addVersions(page string) {
	p := f.byName[page]
	for name, other := range f.byName {
		link := `"/player/` + name
		p.plain = bytes.ReplaceAll(p.plain, []byte(link+`"`), []byte(link+"?v="+other.etag+`"`))
	}
	p.etag = version(p.plain)
}

func (f *file) compress() {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic("httpd: the best compression is a known level: " + err.Error())
	}
	_, _ = w.Write(f.plain) // A bytes.Buffer takes everything.
	_ = w.Close()
	if out.Len() < len(f.plain) {
		f.gzipped = out.Bytes()
	}
}

// page serves a page of the player.
func (s *Server) page(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", pagePolicy)
		w.Header().Set("Referrer-Policy", "no-referrer")
		s.files.byName[name].serve(w, r)
	}
}

// serveFile serves a file under /player/.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/player/")
	f, ok := s.files.byName[name]
	if !ok {
		http.Error(w, fmt.Sprintf("the player has no file %q", name), http.StatusNotFound)
		return
	}
	f.serve(w, r)
}

// serve lets a browser keep a version that is named for ever, and ask again for
// anything else.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "no-cache")
	if f.hashed || r.URL.Query().Get("v") == f.etag {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, etag := f.plain, f.etag
	if f.gzipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header) {
			body, etag = f.gzipped, f.etag+"-gzip"
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads RFC 9110 section 12.5.3 as far as browsers write it.
func acceptsGzip(h http.Header) bool {
	for item := range strings.SplitSeq(strings.Join(h["Accept-Encoding"], ","), ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(item), ";")
		if coding == "gzip" {
			return strings.ReplaceAll(params, " ", "") != "q=0"
		}
	}
	return false
}
