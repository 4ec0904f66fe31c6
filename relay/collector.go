package relay

import "github.com/prometheus/client_golang/prometheus"

// Collector shows what a Relay holds, counted when it is asked.
type Collector struct {
	relay *Relay

	broadcasts, tracks, bytes, upstream, lingering, shed *prometheus.Desc
}

// NewCollector makes a Collector of r.
func NewCollector(r *Relay) *Collector {
	desc := func(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }
	return &Collector{
		relay:      r,
		broadcasts: desc("freshet_relay_broadcasts", "Live broadcasts, those that wait for their publisher among them."),
		tracks:     desc("freshet_relay_tracks", "Live tracks, catalogs among them."),
		bytes:      desc("freshet_relay_log_bytes", "Payload bytes in the logs of live tracks."),
		upstream:   desc("freshet_relay_upstream_subscriptions", "Tracks that are subscribed to upstream, lingering ones among them."),
		lingering:  desc("freshet_relay_upstream_lingering", "Tracks that are still subscribed to upstream although nobody reads them."),
		shed:       desc("freshet_relay_shed_groups_total", "Groups that left the log early because the process is at its byte budget."),
	}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	broadcasts := c.relay.all()
	tracks, bytes, upstream, lingering := 0, 0, 0, 0
	for _, b := range broadcasts {
		if b.remote != nil {
			all, idle := b.remote.subscriptions()
			upstream += all
			lingering += idle
		}
		for _, t := range b.Tracks() {
			tracks++
			bytes += t.Bytes()
		}
	}
	gauge := func(d *prometheus.Desc, v int) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	gauge(c.broadcasts, len(broadcasts))
	gauge(c.tracks, tracks)
	gauge(c.bytes, bytes)
	gauge(c.upstream, upstream)
	gauge(c.lingering, lingering)
	ch <- prometheus.MustNewConstMetric(c.shed, prometheus.CounterValue, float64(c.relay.sheds.Load()))
}
