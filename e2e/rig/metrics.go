package rig

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Metrics is one reading of a gateway's metrics.
type Metrics map[string]*dto.MetricFamily

// Metrics reads /metrics.
func (g *Gateway) Metrics(ctx context.Context) (Metrics, error) {
	text, err := Get(ctx, g.Operator("/metrics"))
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

// RSS is the gateway's resident memory in bytes, as the kernel counts it.
func (g *Gateway) RSS() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.PID()))
	if err != nil {
		return 0, fmt.Errorf("read resident memory: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "VmRSS:" {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read resident memory: %w", err)
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("process %d has no resident memory", g.PID())
}
