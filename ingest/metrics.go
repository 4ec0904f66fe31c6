package ingest

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	sessions   *prometheus.GaugeVec
	refused    *prometheus.CounterVec
	reconnects prometheus.Counter
	takeovers  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	auto := promauto.With(reg)
	return &metrics{
		sessions: auto.NewGaugeVec(prometheus.GaugeOpts{
			Name: "freshet_ingest_sessions",
			Help: "Publishers connected.",
		}, []string{"protocol"}),
		refused: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_ingest_refused_total",
			Help: "Publishers refused.",
		}, []string{"reason"}),
		reconnects: auto.NewCounter(prometheus.CounterOpts{
			Name: "freshet_ingest_reconnects_total",
			Help: "Publishers that continued a broadcast.",
		}),
		takeovers: auto.NewCounter(prometheus.CounterOpts{
			Name: "freshet_ingest_takeovers_total",
			Help: "Silent publishers replaced by a new connection.",
		}),
	}
}

// stateCollector counts the broadcasts by state when it is asked.
type stateCollector struct {
	sessions *Sessions
	desc     *prometheus.Desc
}

func newStateCollector(s *Sessions) *stateCollector {
	return &stateCollector{sessions: s, desc: prometheus.NewDesc(
		"freshet_ingest_broadcasts", "Broadcasts by how they are fed.", []string{"state"}, nil)}
}

func (c *stateCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

func (c *stateCollector) Collect(ch chan<- prometheus.Metric) {
	counts := map[State]int{StateReceiving: 0, StateSilent: 0, StateReconnecting: 0}
	for _, state := range c.sessions.states() {
		counts[state]++
	}
	for state, n := range counts {
		ch <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(n), string(state))
	}
}
