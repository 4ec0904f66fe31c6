package swarm

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// collector shows the state of all swarms together as gauges.
type collector struct{ e *Edge }

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("freshet_swarm_"+name, help, labels, nil)
}

var (
	descOffload  = gauge("offload_ratio", "Part of the video that came from peers, verified and on time, by the viewers' last reports.")
	descCeiling  = gauge("ceiling_ratio", "Part of the video that could come from peers by what viewers can upload.")
	descEgress   = gauge("egress_bits_per_second", "What the edge sends, over MoQ, of whatever.")
	descCapacity = gauge("capacity_bits_per_second", "What the edge can send, as configured; 0 is not known.")
	descReserve  = gauge("reserve_ratio", "Capacity over egress; below 2.5 the edge could not take all viewers back. 0 is not known.")
	descCollapse = gauge("collapse_bits_per_second", "What the edge would send if no viewer had a peer any more.")
	descKilled   = gauge("killed_cohorts", "Cohorts whose swarm is off, since they fared worse than the control group.")
	descDepth    = gauge("subscriptions", "Subscriptions to sub-streams, by how far they are from the edge: 1 is fed by it.", "depth")
	descSlots    = gauge("upload_slots", "Sub-streams that viewers can feed, and do.", "state")
	descBanned   = gauge("banned_addresses", "Addresses that are out of the swarm.")
)

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descOffload, descCeiling, descEgress, descCapacity, descReserve, descCollapse, descKilled, descDepth, descSlots, descBanned,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	show := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	s := c.e.Snapshot()
	all := sum(s.Swarms)
	show(descOffload, all.offload)
	show(descCeiling, all.ceiling)
	show(descEgress, float64(s.Egress))
	show(descCapacity, float64(s.Capacity))
	show(descReserve, s.Reserve)
	show(descCollapse, all.collapse)
	show(descKilled, all.killed)
	for depth, n := range all.depths {
		if depth > 0 {
			show(descDepth, float64(n), strconv.Itoa(depth))
		}
	}
	show(descSlots, float64(all.slots), "offered")
	show(descSlots, float64(all.used), "used")
	show(descBanned, float64(s.Banned))
}

// summary is of all swarms.
type summary struct {
	offload, ceiling, collapse, killed float64
	depths                             []int
	slots, used                        int
}

// sum adds swarms up, their ratios weighted by what their viewers receive.
func sum(rooms []*RoomState) (all summary) {
	for _, r := range rooms {
		draw := float64(r.Viewers) * float64(r.Bitrate)
		all.offload += r.Offload * draw
		all.ceiling += r.Ceiling * draw
		all.collapse += draw
		all.killed += float64(len(r.Killed))
		for depth, n := range r.Depths {
			if depth >= len(all.depths) {
				all.depths = append(all.depths, 0)
			}
			all.depths[depth] += n
		}
		all.slots += r.Slots
		all.used += r.Used
	}
	if all.collapse > 0 {
		all.offload /= all.collapse
		all.ceiling /= all.collapse
	}
	return all
}
