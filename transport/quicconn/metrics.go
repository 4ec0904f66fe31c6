package quicconn

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	connections *prometheus.GaugeVec
	handshakes  *prometheus.CounterVec
	retries     prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) metrics {
	factory := promauto.With(reg)
	return metrics{
		connections: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "freshet_quic_connections",
			Help: "Open QUIC connections by negotiated protocol.",
		}, []string{"protocol"}),
		handshakes: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_quic_handshakes_total",
			Help: "QUIC connection attempts by result.",
		}, []string{"result"}),
		retries: factory.NewCounter(prometheus.CounterOpts{
			Name: "freshet_quic_retry_total",
			Help: "First packets whose sender was asked to prove its address.",
		}),
	}
}
