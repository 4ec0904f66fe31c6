package rig

import (
	"context"
	"fmt"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/freshet-live/freshet/bench/proc"
)

// Metrics is one reading of a server's metrics.
type Metrics map[string]*dto.MetricFamily

// Metrics reads /metrics.
func (g *Gateway) Metrics(ctx context.Context) (Metrics, error) {
	return ReadMetrics(ctx, g.Operator("/metrics"))
}

// ReadMetrics reads the metrics at a URL.
func ReadMetrics(ctx context.Context, url string) (Metrics, error) {
	text, err := Get(ctx, url)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	return families, nil
}

// Sum adds up a counter or gauge over the label values that contain all the
// given ones, written `label="value"`; 0 if there is none.
func (m Metrics) Sum(name string, labels ...string) float64 {
	var sum float64
	for _, metric := range m[name].GetMetric() {
		if matches(metric, labels) {
			sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
		}
	}
	return sum
}

func matches(metric *dto.Metric, labels []string) bool {
	have := map[string]bool{}
	for _, pair := range metric.GetLabel() {
		have[fmt.Sprintf("%s=%q", pair.GetName(), pair.GetValue())] = true
	}
	for _, label := range labels {
		if !have[label] {
			return false
		}
	}
	return true
}

// Histogram adds a histogram up over its labels.
func (m Metrics) Histogram(name string) Histogram {
	h := Histogram{buckets: map[float64]uint64{}}
	for _, metric := range m[name].GetMetric() {
		h.Count += metric.GetHistogram().GetSampleCount()
		for _, bucket := range metric.GetHistogram().GetBucket() {
			h.buckets[bucket.GetUpperBound()] += bucket.GetCumulativeCount()
		}
	}
	return h
}

// CPU is the processor time that the program has used, its user's and the
// kernel's for it.
func (p *Process) CPU() (time.Duration, error) {
	s, err := proc.Read(p.PID())
	return s.CPU, err
}

// RSS is the program's resident memory in bytes, as the kernel counts it.
func (p *Process) RSS() (int64, error) {
	s, err := proc.Read(p.PID())
	return s.RSS, err
}
