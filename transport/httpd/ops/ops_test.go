package ops_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/freshet-live/freshet/transport/httpd/ops"
)

func start(t *testing.T, cfg ops.Config) (base string) {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	promauto.With(reg).NewCounter(prometheus.CounterOpts{Name: "freshet_test_total", Help: "For the test."}).Inc()
	cfg.Addr, cfg.Gatherer = "127.0.0.1:0", reg
	server, err := ops.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(5 * time.Second):
			t.Error("did not stop")
		}
	})
	return "http://" + server.Addr().String()
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestReadiness(t *testing.T) {
	var draining atomic.Bool
	var broken, away atomic.Bool
	base := start(t, ops.Config{
		Draining: draining.Load,
		Notes: map[string]func() error{"directory": func() error {
			if away.Load() {
				return errors.New("does not answer")
			}
			return nil
		}},
		Checks: map[string]func() error{
			"certificate": func() error { return nil },
			"srt": func() error {
				if broken.Load() {
					return errors.New("not listening")
				}
				return nil
			},
		},
	})
	want := func(status int, text string) {
		t.Helper()
		if got, body := get(t, base+"/readyz"); got != status || body != text {
			t.Errorf("readyz: %d %q; want %d %q", got, body, status, text)
		}
		if got, _ := get(t, base+"/livez"); got != http.StatusOK {
			t.Errorf("livez: %d", got)
		}
	}
	want(200, "certificate: ok\nsrt: ok\nready\n")
	away.Store(true)
	want(200, "certificate: ok\nsrt: ok\ndirectory: does not answer (serving goes on)\nready\n")
	away.Store(false)
	broken.Store(true)
	want(503, "certificate: ok\nsrt: not listening\n")
	broken.Store(false)
	draining.Store(true)
	want(503, "certificate: ok\nsrt: ok\ndraining\n")
}

func TestMetricsAndProfiles(t *testing.T) {
	closed, open := start(t, ops.Config{}), start(t, ops.Config{Profiles: true})
	if status, body := get(t, closed+"/metrics"); status != 200 || !strings.Contains(body, "freshet_test_total 1") {
		t.Errorf("metrics: %d %q", status, body)
	}
	if status, _ := get(t, closed+"/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("profiles without leave: %d", status)
	}
	if status, body := get(t, open+"/debug/pprof/goroutine?debug=1"); status != 200 || !strings.Contains(body, "goroutine profile") {
		t.Errorf("profiles: %d", status)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := ops.New(ops.Config{Addr: "127.0.0.1:0"}); err == nil {
		t.Error("no gatherer, no error")
	}
	if _, err := ops.New(ops.Config{Addr: "no port", Gatherer: prometheus.NewRegistry()}); err == nil {
		t.Error("a bad address, no error")
	}
}

func TestIngestIsShownAsItIsNow(t *testing.T) {
	publishers := append(make([]string, 0, 3), "live/cam1")
	base := start(t, ops.Config{State: map[string]func() any{"ingest": func() any { return publishers }}})
	for _, want := range []string{`["live/cam1"]`, `["live/cam1","live/cam2"]`} {
		if status, body := get(t, base+"/v1/ingest"); status != 200 || strings.TrimSpace(body) != want {
			t.Errorf("got %d %s; want %s", status, body, want)
		}
		publishers = append(publishers, "live/cam2")
	}
	if status, _ := get(t, start(t, ops.Config{})+"/v1/ingest"); status != http.StatusNotFound {
		t.Errorf("without publishers: %d", status)
	}
}
