package httpd

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	requests *prometheus.CounterVec
	inFlight prometheus.Gauge

	connsRefused prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) metrics {
	factory := promauto.With(reg)
	return metrics{
		requests: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_http_requests_total",
			Help: "HTTP requests answered, by handler, class of status code and protocol.",
		}, []string{"handler", "code", "proto"}),
		inFlight: factory.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_http_requests_in_flight",
			Help: "HTTP requests under way, blocked playlist requests among them.",
		}),
		connsRefused: factory.NewCounter(prometheus.CounterOpts{
			Name: "freshet_http_connections_refused_total",
			Help: "Connections over TCP closed at once because there were too many.",
		}),
	}
}

// codeClass and protoName keep the label values a closed set.
func codeClass(code int) string {
	classes := [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}
	if code < 100 || code > 599 {
		return "other"
	}
	return classes[code/100-1]
}

func protoName(major int) string {
	switch major {
	case 1:
		return "http/1"
	case 2:
		return "http/2"
	case 3:
		return "http/3"
	default:
		return "other"
	}
}
