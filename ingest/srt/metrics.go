package srt

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics are sums over all connections; single connections are the API's.
type metrics struct {
	connections prometheus.Gauge
	rejected    *prometheus.CounterVec
	ended       *prometheus.CounterVec
	queueDrops  prometheus.Counter
	rtt         prometheus.Histogram

	bytes, received, lost, retransmitted, unrecovered, discarded, undecrypted prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	auto := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return auto.NewCounter(prometheus.CounterOpts{Name: "freshet_srt_" + name, Help: help})
	}
	return &metrics{
		connections: auto.NewGauge(prometheus.GaugeOpts{
			Name: "freshet_srt_connections", Help: "Encoders connected over SRT.",
		}),
		rejected: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_srt_rejected_total", Help: "SRT callers refused.",
		}, []string{"reason"}),
		ended: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_srt_ended_total", Help: "SRT connections ended.",
		}, []string{"reason"}),
		rtt: auto.NewHistogram(prometheus.HistogramOpts{
			Name: "freshet_srt_rtt_seconds", Help: "Round-trip times of SRT connections, sampled.",
			Buckets: []float64{.001, .005, .01, .02, .04, .08, .16, .32, .64},
		}),
		queueDrops:    counter("queue_drops_total", "Packets dropped because more came than is held back of one encoder."),
		bytes:         counter("received_bytes_total", "Bytes received, headers included."),
		received:      counter("packets_received_total", "Data packets received, retransmitted ones included."),
		lost:          counter("packets_lost_total", "Data packets missed when the next one came."),
		retransmitted: counter("packets_retransmitted_total", "Data packets received as retransmissions."),
		unrecovered:   counter("packets_unrecovered_total", "Data packets that never came in time."),
		discarded:     counter("packets_discarded_total", "Data packets that came too late or twice."),
		undecrypted:   counter("packets_undecrypted_total", "Data packets that could not be decrypted."),
	}
}

// add counts what happened between two looks at a connection.
func (m *metrics) add(from, to Stats) {
	m.bytes.Add(float64(to.ByteRecv - from.ByteRecv))
	m.received.Add(float64(to.PktRecv - from.PktRecv))
	m.lost.Add(float64(to.PktRcvLoss - from.PktRcvLoss))
	m.retransmitted.Add(float64(to.PktRcvRetrans - from.PktRcvRetrans))
	m.unrecovered.Add(float64(to.PktRcvDrop - from.PktRcvDrop))
	m.discarded.Add(float64(to.PktRcvDiscard - from.PktRcvDiscard))
	m.queueDrops.Add(float64(to.PktRcvRefused - from.PktRcvRefused))
	m.undecrypted.Add(float64(to.PktRcvUndecrypt - from.PktRcvUndecrypt))
	if to.PktRecv != from.PktRecv {
		m.rtt.Observe(to.MsRTT / 1000)
	}
}
