package rtsp

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// The sides of a session: metric labels.
const (
	sidePush = "push" // Somebody publishes to us.
	sidePull = "pull" // We pull from a camera.
)

// metrics are sums over all sessions; single sessions are the API's.
type metrics struct {
	sessions *prometheus.GaugeVec
	rejected *prometheus.CounterVec
	ended    *prometheus.CounterVec
	failed   prometheus.Counter
	jitter   prometheus.Histogram

	bytes, packets, lost, damaged prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	auto := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return auto.NewCounter(prometheus.CounterOpts{Name: "freshet_rtsp_" + name, Help: help})
	}
	return &metrics{
		sessions: auto.NewGaugeVec(prometheus.GaugeOpts{
			Name: "freshet_rtsp_sessions", Help: "RTSP sessions that bring media.",
		}, []string{"side"}),
		rejected: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_rtsp_rejected_total", Help: "RTSP requests refused.",
		}, []string{"reason"}),
		ended: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_rtsp_ended_total", Help: "RTSP sessions ended.",
		}, []string{"reason"}),
		jitter: auto.NewHistogram(prometheus.HistogramOpts{
			Name: "freshet_rtsp_jitter_seconds", Help: "Interarrival jitter of RTP streams, sampled.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2},
		}),
		failed:  counter("pulls_failed_total", "Attempts to pull from a camera that brought nothing."),
		bytes:   counter("received_bytes_total", "Payload bytes of RTP packets received."),
		packets: counter("packets_received_total", "RTP packets received."),
		lost:    counter("packets_lost_total", "RTP packets that never came."),
		damaged: counter("packets_damaged_total", "RTP packets that made no sense."),
	}
}

// add counts what happened between two looks at a session.
func (m *metrics) add(from, to Stats) {
	m.bytes.Add(float64(to.Bytes - from.Bytes))
	m.packets.Add(float64(to.Packets - from.Packets))
	m.lost.Add(float64(to.Lost - from.Lost))
	m.damaged.Add(float64(to.Damaged - from.Damaged))
	for i, s := range to.Streams {
		if i < len(from.Streams) && s.Packets != from.Streams[i].Packets {
			m.jitter.Observe(s.JitterMs / 1000)
		}
	}
}
