package cluster

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	writes   prometheus.Histogram
	acquire  prometheus.Histogram
	acquired *prometheus.CounterVec
	lost     prometheus.Counter
}

// latencies reach from memory to a Store that does not answer.
var latencies = []float64{.0001, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1}

func newMetrics(reg prometheus.Registerer) *metrics {
	auto := promauto.With(reg)
	return &metrics{
		writes: auto.NewHistogram(prometheus.HistogramOpts{
			Name:    "freshet_cluster_write_seconds",
			Help:    "Time of one write to the directory: a renewal, a new record.",
			Buckets: latencies,
		}),
		acquire: auto.NewHistogram(prometheus.HistogramOpts{
			Name:    "freshet_cluster_acquire_seconds",
			Help:    "Time until a publisher owned its broadcast.",
			Buckets: latencies,
		}),
		acquired: auto.NewCounterVec(prometheus.CounterOpts{
			Name: "freshet_cluster_acquire_total",
			Help: "Publishers that asked for a broadcast, by the answer.",
		}, []string{"result"}),
		lost: auto.NewCounter(prometheus.CounterOpts{
			Name: "freshet_cluster_leases_lost_total",
			Help: "Broadcasts that another node owns by now.",
		}),
	}
}

// collector tells the state of a Member when it is asked.
type collector struct {
	member            *Member
	up, leases, nodes *prometheus.Desc
}

func newCollector(m *Member) *collector {
	return &collector{
		member: m,
		up:     prometheus.NewDesc("freshet_cluster_up", "1 while the directory answers.", nil, nil),
		leases: prometheus.NewDesc("freshet_cluster_leases",
			"Broadcasts owned by this node, by whether the directory knows.", []string{"state"}, nil),
		nodes: prometheus.NewDesc("freshet_cluster_nodes", "Living nodes, by tier.", []string{"tier"}, nil),
	}
}

func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.up
	ch <- c.leases
	ch <- c.nodes
}

func (c *collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value int, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
	}
	up := 0
	if c.member.health.verdict() == nil {
		up = 1
	}
	gauge(c.up, up)
	registered, alone := c.member.countLeases()
	gauge(c.leases, registered, "registered")
	gauge(c.leases, alone, "unregistered")
	tiers := map[Tier]int{TierOrigin: 0, TierMid: 0, TierEdge: 0}
	nodes, _ := c.member.Nodes()
	for _, n := range nodes {
		if _, known := tiers[n.Tier]; !known { // Off the wire: no label of its own.
			n.Tier = "other"
		}
		tiers[n.Tier]++
	}
	for tier, n := range tiers {
		gauge(c.nodes, n, string(tier))
	}
}
