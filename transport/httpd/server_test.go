package httpd_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go/http3"

	"github.com/freshet-live/freshet/relay"
	"github.com/freshet-live/freshet/transport/certs"
	"github.com/freshet-live/freshet/transport/httpd"
	"github.com/freshet-live/freshet/transport/moqt"
	"github.com/freshet-live/freshet/transport/quicconn"
	"github.com/freshet-live/freshet/transport/wsconn"
	"github.com/freshet-live/freshet/transport/wtconn"
)

// node is a running server and clients of every protocol for it.
type node struct {
	*httpd.Server
	relay   *relay.Relay
	certs   *certs.Source
	metrics *prometheus.Registry
	conns   chan moqt.Conn
	stop    func()
	done    chan error
}

var player = fstest.MapFS{
	"index.html":               {Data: []byte(`<script type="module" src="/player/freshet.js"></script>`)},
	"list.html":                {Data: []byte(`<title>list</title>`)},
	"freshet.js":               {Data: []byte(strings.Repeat("export const x = 1;\n", 100))},
	"chunks/chunk-AOO4VPHS.js": {Data: []byte("export const y = 2;")},
	"logo.png":                 {Data: []byte("\x89PNG")},
}

func startNode(t *testing.T, change func(*httpd.Config)) *node {
	t.Helper()
	source, err := certs.New(certs.Config{})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{
		relay: relay.New(relay.Config{}), certs: source, metrics: prometheus.NewPedanticRegistry(),
		conns: make(chan moqt.Conn, 64), done: make(chan error, 1),
	}
	cfg := httpd.Config{
		HTTP: "127.0.0.1:0", HTTPS: "127.0.0.1:0", Certs: source, Protocols: []string{"moqt-18", "moqt-16"},
		MoQ: func(_ context.Context, conn moqt.Conn) {
			n.conns <- conn
			<-conn.Context().Done()
		},
		HLS: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Priority", "u=1")
			fmt.Fprintf(w, "hls %s", r.URL.Path)
		}),
		Player: player, Relay: n.relay, Version: "1.2.3", DrainTimeout: 2 * time.Second,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Registerer: n.metrics,
	}
	if change != nil {
		change(&cfg)
	}
	if n.Server, err = httpd.New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	go func() { n.done <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-n.done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the server did not stop")
		}
	})
	return n
}

func (n *node) publish(t *testing.T, name string) {
	t.Helper()
	b, err := n.relay.Publish(relay.Namespace(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close(nil) })
	if _, err := b.NewTrack("catalog", relay.TrackConfig{}); err != nil {
		t.Fatal(err)
	}
}

func (n *node) plain() string     { return "http://" + n.HTTPAddr().String() }
func (n *node) encrypted() string { return "https://" + n.HTTPSAddr().String() }
func (n *node) pinned() *tls.Config {
	return certs.Pinned(n.certs.Hashes()...)
}

// clients is one client for each protocol version, with the base of its URLs.
func (n *node) clients(t *testing.T) map[string]client {
	t.Helper()
	h2 := &http.Transport{TLSClientConfig: n.pinned(), ForceAttemptHTTP2: true}
	h3 := &http3.Transport{TLSClientConfig: n.pinned()}
	h1 := &http.Transport{TLSClientConfig: n.pinned(), TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	t.Cleanup(func() {
		h1.CloseIdleConnections()
		h2.CloseIdleConnections()
		_ = h3.Close()
	})
	return map[string]client{
		"plain HTTP/1.1": {t, h1, n.plain(), "HTTP/1.1"},
		"HTTP/1.1":       {t, h1, n.encrypted(), "HTTP/1.1"},
		"HTTP/2":         {t, h2, n.encrypted(), "HTTP/2.0"},
		"HTTP/3":         {t, h3, n.encrypted(), "HTTP/3.0"},
	}
}

type client struct {
	t     *testing.T
	via   http.RoundTripper
	base  string
	proto string
}

func (c client) do(method, path string, header http.Header) (*http.Response, string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	response, err := c.via.RoundTrip(request)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("%s %s: body: %v", method, path, err)
	}
	return response, string(body)
}

func TestRoutesOverEveryProtocol(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	n.publish(t, "live/cam1")
	tests := []struct {
		path   string
		status int
		body   string // The body holds it.
	}{
		{"/", 200, "<title>list</title>"},
		{"/live/cam1/", 200, "/player/freshet.js?v="},
		{"/not/yet/live/", 200, "/player/freshet.js?v="},
		{"/live/cam1/index.m3u8", 200, "hls /live/cam1/index.m3u8"},
		{"/live/cam1/video/1-2.m4s", 200, "hls /live/cam1/video/1-2.m4s"},
		{"/live/cam1", 307, "/live/cam1/"},
		{"/live/cam2", 404, `nothing at "/live/cam2"; live now: live/cam1`},
		{"/live//cam1/", 404, "live now"},
		{"/player/freshet.js", 200, "export const x"},
		{"/player/none.js", 404, `no file "none.js"`},
		{"/v1/broadcasts", 200, `[{"name":"live/cam1","tracks":["catalog"]}]`},
		{"/v1/none/", 404, "nothing at"},
		{"/certificate.sha256", 200, fmt.Sprintf("%x", n.certs.Hash())},
		{"/favicon.ico", 204, ""},
	}
	for name, c := range n.clients(t) {
		t.Run(name, func(t *testing.T) {
			c.t = t
			for _, tt := range tests {
				response, body := c.do(http.MethodGet, tt.path, nil)
				if response.Proto != c.proto {
					t.Fatalf("protocol is %s, want %s", response.Proto, c.proto)
				}
				if response.StatusCode != tt.status || !strings.Contains(body, tt.body) {
					t.Errorf("%s: %d %q; want %d %q", tt.path, response.StatusCode, body, tt.status, tt.body)
				}
				if response.Header.Get("Access-Control-Allow-Origin") != "*" {
					t.Errorf("%s: no CORS", tt.path)
				}
			}
		})
	}
	if got := n.requests(t, "hls", "2xx", "http/3"); got != 2 {
		t.Errorf("%v requests of HLS over HTTP/3 counted, want 2", got)
	}
}

func (n *node) requests(t *testing.T, handler, code, proto string) float64 {
	t.Helper()
	families, err := n.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(code, handler, proto)
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			got := ""
			for _, label := range metric.GetLabel() {
				got += label.GetValue()
			}
			if family.GetName() == "freshet_http_requests_total" && got == want {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func TestInfo(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	c := n.clients(t)["plain HTTP/1.1"]
	_, body := c.do(http.MethodGet, "/v1/info", nil)
	var got struct {
		Version string
		MoQ     struct {
			URL               string
			CertificateHashes []string
		}
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != "1.2.3" || got.MoQ.URL != n.encrypted()+"/moq" {
		t.Errorf("got %+v", got)
	}
	if len(got.MoQ.CertificateHashes) != 1 || got.MoQ.CertificateHashes[0] != fmt.Sprintf("%x", n.certs.Hash()) {
		t.Errorf("hashes %v", got.MoQ.CertificateHashes)
	}
	before := time.Now()
	_, body = c.do(http.MethodGet, "/v1/time", nil)
	var ms float64
	if _, err := fmt.Sscanf(body, "%f", &ms); err != nil {
		t.Fatal(err)
	}
	if at := time.UnixMicro(int64(ms * 1000)); at.Before(before.Add(-time.Millisecond)) || at.After(time.Now()) {
		t.Errorf("time %q is not now", body)
	}
}

// TestPublicMoQURL: behind mapped ports the operator's URL counts.
func TestPublicMoQURL(t *testing.T) {
	t.Parallel()
	const public = "https://live.example:8443/moq"
	n := startNode(t, func(cfg *httpd.Config) { cfg.PublicMoQURL = public })
	_, body := n.clients(t)["HTTP/2"].do(http.MethodGet, "/v1/info", nil)
	if !strings.Contains(body, `"url":"`+public+`"`) || !strings.Contains(body, fmt.Sprintf("%x", n.certs.Hash())) {
		t.Errorf("info is %s", body)
	}
}

func TestMethodsAndPreflight(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	for name, c := range n.clients(t) {
		response, _ := c.do(http.MethodOptions, "/live/cam1/video.m3u8", http.Header{"Origin": {"https://a.example"}})
		if response.StatusCode != http.StatusNoContent || !strings.Contains(response.Header.Get("Access-Control-Allow-Headers"), "Range") {
			t.Errorf("%s: preflight: %d %v", name, response.StatusCode, response.Header)
		}
		if response, _ := c.do(http.MethodPost, "/", nil); response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") == "" {
			t.Errorf("%s: POST: %d", name, response.StatusCode)
		}
		response, body := c.do(http.MethodHead, "/live/cam1/index.m3u8", nil)
		if response.StatusCode != http.StatusOK || body != "" {
			t.Errorf("%s: HEAD: %d %q", name, response.StatusCode, body)
		}
		if alt := response.Header.Get("Alt-Svc"); (alt != "") != (name == "HTTP/1.1" || name == "HTTP/2") {
			t.Errorf("%s: Alt-Svc %q", name, alt)
		}
	}
}

func TestPlayerFilesAreCached(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	c := n.clients(t)["HTTP/2"]
	response, page := c.do(http.MethodGet, "/live/cam1/", nil)
	if response.Header.Get("Content-Security-Policy") == "" || response.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("page: %v", response.Header)
	}
	_, link, _ := strings.Cut(page, `src="`)
	link, _, _ = strings.Cut(link, `"`)
	response, _ = c.do(http.MethodGet, link, nil)
	if !strings.Contains(response.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%s: %v", link, response.Header)
	}
	response, plain := c.do(http.MethodGet, "/player/freshet.js", http.Header{"Accept-Encoding": {"identity"}})
	if response.Header.Get("Cache-Control") != "no-cache" || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/javascript") {
		t.Errorf("without a version: %v", response.Header)
	}
	if chunk, _ := c.do(http.MethodGet, "/player/chunks/chunk-AOO4VPHS.js", nil); !strings.Contains(chunk.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("a chunk named by its content: %v", chunk.Header)
	}
	again, body := c.do(http.MethodGet, "/player/freshet.js", http.Header{
		"Accept-Encoding": {"identity"}, "If-None-Match": {response.Header.Get("ETag")},
	})
	if again.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("same ETag: %d", again.StatusCode)
	}
	zipped, body := c.do(http.MethodGet, "/player/freshet.js", http.Header{"Accept-Encoding": {"br, gzip"}})
	if zipped.Header.Get("Content-Encoding") != "gzip" || len(body) >= len(plain) ||
		zipped.Header.Get("ETag") == response.Header.Get("ETag") {
		t.Errorf("gzip: %v, %d bytes", zipped.Header, len(body))
	}
}

func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	n := startNode(t, func(cfg *httpd.Config) {
		cfg.HLS = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/late") {
				w.Header().Set("Priority", "u=1")
				_, _ = w.Write(make([]byte, 1<<20))
			}
			panic("made for the test")
		})
	})
	for name, c := range n.clients(t) {
		if response, body := c.do(http.MethodGet, "/early.m4s", nil); response.StatusCode != http.StatusInternalServerError || body != "internal error\n" {
			t.Errorf("%s: %d %q", name, response.StatusCode, body)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/late.m4s", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.via.RoundTrip(request)
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		if err == nil {
			t.Errorf("%s: half an answer looks whole", name)
		}
		if response, _ := c.do(http.MethodGet, "/", nil); response.StatusCode != http.StatusOK {
			t.Errorf("%s: after the panic: %d", name, response.StatusCode)
		}
	}
}

// webSocket is a URL of HTTP as one of WebSockets.
func webSocket(url string) string { return "ws" + strings.TrimPrefix(url, "http") }

// TestWebSocketNowhereElse: a path of media is no place for sessions.
func TestWebSocketNowhereElse(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	if conn, err := wsconn.Dial(t.Context(), webSocket(n.plain())+"/live/cam1/", nil, []string{"moqt-18"}, nil); err == nil {
		_ = conn.CloseWithError(0, "")
		t.Error("a session was opened at a broadcast's page")
	}
}

func TestMoQOverAllTransports(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for name, dial := range map[string]func() (moqt.Conn, error){
		"raw": func() (moqt.Conn, error) {
			return quicconn.Dial(ctx, n.HTTPSAddr().String(), n.pinned(), []string{"moqt-18"}, nil)
		},
		"webtransport": func() (moqt.Conn, error) {
			return wtconn.Dial(ctx, n.encrypted()+"/moq", n.pinned(), []string{"moqt-18"}, nil, nil)
		},
		"websocket": func() (moqt.Conn, error) {
			return wsconn.Dial(ctx, webSocket(n.encrypted())+"/moq", n.pinned(), []string{"moqt-18"}, nil)
		},
		"websocket in the clear": func() (moqt.Conn, error) {
			return wsconn.Dial(ctx, webSocket(n.plain())+"/moq", nil, []string{"moqt-18"}, nil)
		},
	} {
		conn, err := dial()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		server := <-n.conns
		if conn.Protocol() != "moqt-18" || server.Protocol() != "moqt-18" {
			t.Errorf("%s: %q and %q", name, conn.Protocol(), server.Protocol())
		}
		_ = conn.CloseWithError(0, "")
	}
}

func TestSlowHeaderIsCutOff(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	conns := map[string]net.Conn{}
	for name, address := range map[string]string{"plain": n.HTTPAddr().String(), "handshake": n.HTTPSAddr().String()} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[name] = conn
	}
	if _, err := io.WriteString(conns["plain"], "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for name, conn := range conns {
		_ = conn.SetReadDeadline(start.Add(8 * time.Second))
		if _, err := io.ReadAll(conn); errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 8*time.Second {
			t.Errorf("%s: still open after %s", name, time.Since(start))
		}
	}
	if took := time.Since(start); took < 4*time.Second {
		t.Errorf("cut off after %s, before the deadline", took)
	}
}
