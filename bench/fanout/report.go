package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/freshet-live/freshet/e2e/rig"
)

// figure is one column of the report.
type figure struct {
	name string
	of   func(*result) float64
}

func figures() []figure {
	quantile := func(q float64) func(*result) float64 {
		return func(r *result) float64 { return 1e3 * r.delivery.Quantile(q) }
	}
	return []figure{
		{"quic p50", quantile(0.5)},
		{"p90", quantile(0.9)},
		{"p99", quantile(0.99)},
		{"spread p50", func(r *result) float64 { return r.Delays[0] }},
		{"p90", func(r *result) float64 { return r.Delays[1] }},
		{"p99", func(r *result) float64 { return r.Delays[2] }},
		{"CPU-s/GB", (*result).costs},
		{"Mbit/s", func(r *result) float64 { return float64(r.Bytes) * 8 / 1e6 / r.Seconds }},
		{"MB", func(r *result) float64 { return float64(r.rss) / 1e6 }},
		{"skipped", func(r *result) float64 { return r.skipped }},
		{"resets", func(r *result) float64 { return float64(r.Resets) }},
	}
}

// head says what is sent, and what the columns are.
func (m *measurement) head() {
	var total, largest int
	for _, e := range m.schedule.Events {
		total += e.Size
		largest = max(largest, e.Size)
	}
	fmt.Printf("%d viewers of %.2f Mbit/s, at niceness %d as the encoder is: %d chunks in %v, the largest of %d bytes; ms from complete to handed to QUIC, and behind the first viewer to have it\n",
		m.viewers, float64(total)*8/1e6/m.schedule.Length.Seconds(), m.nice, len(m.schedule.Events), m.schedule.Length, largest)
	fmt.Printf("the gateway with one viewer: %.1f %% of a processor, most of it for ingest\n", 100*m.alone)
	fmt.Printf("%-14s", "")
	for _, f := range figures() {
		fmt.Printf("%11s", f.name)
	}
	fmt.Println()
}

// report prints the medians, and fails when the last gateway is too slow.
func (m *measurement) report() error {
	var theirs []float64
	fmt.Printf("medians of %d\n", m.rounds)
	if m.bare {
		theirs = row("bare", m.bares)
	}
	for i := range m.gateways {
		ours := row(fmt.Sprintf("gateway %d", i+1), m.gateways[i])
		if m.bare {
			ratios(ours, theirs)
		}
	}
	return judge(m.limit, m.gateways[len(m.gateways)-1])
}

// row prints the medians of results.
func row(name string, results []result) []float64 {
	columns := figures()
	values := make([]float64, 0, len(columns))
	fmt.Printf("%-14s", name)
	for _, f := range columns {
		v := median(results, f.of)
		values = append(values, v)
		fmt.Printf("%11.2f", v)
	}
	fmt.Println()
	return values
}

func ratios(ours, theirs []float64) {
	fmt.Printf("%-14s", "ratio")
	for i := range ours {
		fmt.Printf("%11.2f", ours[i]/theirs[i])
	}
	fmt.Println()
}

func median(results []result, of func(*result) float64) float64 {
	values := make([]float64, 0, len(results))
	for i := range results {
		values = append(values, of(&results[i]))
	}
	return rig.Percentile(values, 0.5)
}

func judge(limit time.Duration, gateways []result) error {
	if gateways[0].delivery.Count == 0 {
		return errors.New("nothing was delivered")
	}
	p99 := time.Duration(median(gateways, func(r *result) float64 { return r.delivery.Quantile(0.99) }) * float64(time.Second))
	if limit > 0 && p99 > limit {
		return fmt.Errorf("the p99 of delivery is %v, more than %v", p99, limit)
	}
	return nil
}
