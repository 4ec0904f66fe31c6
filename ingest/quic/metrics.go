package quic

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are sums over all connections; single connections are the API's.
type metrics struct {
	connections prometheus.Gauge
	rejected    *prometheus.CounterVec
	ended       *prometheus.CounterVec
	rtt         prometheus.Histogram

	bytes, received, batches, lost, late, retransmitted, moves prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	auto := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return auto.NewCounter(prometheus.CounterOpts{Name: "freshet_quicts_" + name, Help: help})
	}
	return &metrics{
		connections: auto.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_quicts_connections", Help: "Publishers connected over QUIC.",
		}),
		rejected: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_quicts_rejected_total", Help: "QUIC publishers refused.",
		}, []string{"reason"}),
		ended: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_quicts_ended_total", Help: "QUIC publishers' connections ended.",
		}, []string{"reason"}),
		rtt: auto.NewHistogram(prometheus.HistogramOpts{
			Name: "freshet_quicts_rtt_seconds", Help: "Round-trip times of QUIC publishers, sampled.",
			Buckets: []float64{.001, .005, .01, .02, .04, .08, .16, .32, .64},
		}),
		bytes:         counter("received_bytes_total", "Bytes received, QUIC's own included."),
		received:      counter("packets_received_total", "QUIC packets received."),
		batches:       counter("batches_total", "Batches and datagrams delivered."),
		lost:          counter("batches_lost_total", "Batches and datagrams that never came in time."),
		late:          counter("batches_late_total", "Batches and datagrams that came too late or twice."),
		retransmitted: counter("packets_lost_total", "QUIC packets that publishers lost, as they report it."),
		moves:         counter("moves_total", "Changes of a publisher's address that its connection survived."),
	}
}

// add counts what happened between two looks at a connection.
func (m *metrics) add(from, to Stats) {
	m.bytes.Add(float64(to.ByteRecv - from.ByteRecv))
	m.received.Add(float64(to.PktRecv - from.PktRecv))
	m.batches.Add(float64(to.Batches - from.Batches))
	m.lost.Add(float64(to.BatchesLost - from.BatchesLost))
	m.late.Add(float64(to.BatchesLate - from.BatchesLate))
	// QUIC takes a loss back when the packet comes after all.
	if to.PktSndLoss > from.PktSndLoss {
		m.retransmitted.Add(float64(to.PktSndLoss - from.PktSndLoss))
	}
	if to.PktRecv != from.PktRecv {
		m.rtt.Observe(to.MsRTT / 1000)
	}
}
