package workers

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// answerWithin bounds a question to a worker: metrics are read by somebody who waits.
const answerWithin = 5 * time.Second

// clientOf asks the server at a Unix socket.
func clientOf(path string) *http.Client {
	return &http.Client{Transport: transportTo(path), Timeout: answerWithin}
}

func transportTo(path string) *http.Transport {
	return &http.Transport{
		MaxIdleConns: 1,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}
}

// label is what tells the metrics of workers apart.
const label = "worker"

// Gather implements prometheus.Gatherer: the metrics of all workers. One that is being
// started has none; freshet_workers_ready tells.
func (p *Pool) Gather() ([]*dto.MetricFamily, error) {
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	each := make([]map[string]*dto.MetricFamily, len(p.workers))
	var asking sync.WaitGroup
	for i, w := range p.workers {
		asking.Go(func() { each[i] = w.metrics(ctx) })
	}
	asking.Wait()
	all := make(map[string]*dto.MetricFamily)
	for i, families := range each {
		number := strconv.Itoa(i)
		for name, f := range families {
			for _, m := range f.GetMetric() {
				key := label
				m.Label = append(m.GetLabel(), &dto.LabelPair{Name: &key, Value: &number})
			}
			if known := all[name]; known == nil {
				all[name] = f
			} else {
				known.Metric = append(known.GetMetric(), f.GetMetric()...)
			}
		}
	}
	out := make([]*dto.MetricFamily, 0, len(all))
	for _, f := range all {
		out = append(out, f)
	}
	return out, nil
}

// metrics are those of the process; nil when it does not answer.
func (w *worker) metrics(ctx context.Context) map[string]*dto.MetricFamily {
	text, err := get(ctx, w.client, "/metrics")
	if err != nil {
		return nil
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		w.log.Debug("metrics of a worker", "error", err)
		return nil
	}
	return families
}

// servePages hands /N/... on to worker N.
func (p *Pool) servePages(w http.ResponseWriter, r *http.Request) {
	number, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	index, err := strconv.Atoi(number)
	if err != nil || index < 0 || index >= len(p.workers) {
		http.NotFound(w, r)
		return
	}
	transport := transportTo(p.workers[index].brief.opsPath())
	defer transport.CloseIdleConnections()
	proxy := httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "worker"
			r.Out.URL.Path, r.Out.URL.RawPath = "/"+path, ""
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	proxy.ServeHTTP(w, r)
}
