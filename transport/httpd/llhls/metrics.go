package llhls

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// The closed sets of label values.
const (
	kindMultivariant = "multivariant"
	kindPlaylist     = "playlist"
	kindHeader       = "header"
	kindSegment      = "segment"
	kindPart         = "part"
	kindUnknown      = "unknown"

	resultOK         = "ok"
	resultBadRequest = "bad_request"
	resultNotFound   = "not_found"
	resultRefused    = "refused"
	resultTimeout    = "timeout"
	resultCanceled   = "canceled"
)

type metrics struct {
	requests *prometheus.CounterVec
	wait     prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		requests: f.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_hls_requests_total", Help: "LL-HLS requests by kind and result.",
		}, []string{"kind", "result"}),
		wait: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "freshet_hls_blocking_wait_seconds",
			Help:    "How long requests waited for a playlist version or a hinted part.",
			Buckets: []float64{.01, .05, .1, .2, .3, .4, .5, .75, 1, 2, 5, 10},
		}),
	}
}

func (m *metrics) count(kind, result string) { m.requests.WithLabelValues(kind, result).Inc() }
