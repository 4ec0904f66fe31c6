package hls

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	segments     prometheus.Counter
	parts        prometheus.Counter
	malformed    prometheus.Counter
	late         prometheus.Counter
	publishDelay prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	return &metrics{
		segments: f.NewCounter(prometheus.CounterOpts{
			Name: "freshet_hls_segments_total", Help: "Media segments made.",
		}),
		parts: f.NewCounter(prometheus.CounterOpts{
			Name: "freshet_hls_parts_total", Help: "Partial segments made.",
		}),
		malformed: f.NewCounter(prometheus.CounterOpts{
			Name: "freshet_hls_malformed_objects_total", Help: "Chunks and catalogs left out because they cannot be read.",
		}),
		late: f.NewCounter(prometheus.CounterOpts{
			Name: "freshet_hls_late_objects_total", Help: "Chunks left out because their time was listed as a gap already.",
		}),
		publishDelay: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "freshet_hls_part_publish_delay_seconds",
			Help:    "From the completion of a part's last chunk until the part is available.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1},
		}),
	}
}
