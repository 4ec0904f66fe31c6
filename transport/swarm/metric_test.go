package swarm_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// metric sums a family of counters or gauges, those whose labels have all the values.
func metric(tb testing.TB, reg *prometheus.Registry, name string, values ...string) (sum float64) {
	tb.Helper()
	families, err := reg.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			found := 0
			for _, l := range m.GetLabel() {
				for _, v := range values {
					if l.GetValue() == v {
						found++
					}
				}
			}
			if found == len(values) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}
