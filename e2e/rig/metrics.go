package rig

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
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
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	// The name, in brackets, may hold anything; utime and stime are fields 14 and
	// 15 of proc(5), in ticks of 10 ms.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("process %d has no processor time", p.PID())
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// RSS is the program's resident memory in bytes, as the kernel counts it.
func (p *Process) RSS() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
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
	return 0, fmt.Errorf("process %d has no resident memory", p.PID())
}
