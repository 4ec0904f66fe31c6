package rig

import (
	"math"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestHistogramQuantile(t *testing.T) {
	h := Histogram{Count: 100, buckets: map[float64]uint64{0.001: 50, 0.01: 90, 0.1: 99, math.Inf(1): 100}}
	for q, want := range map[float64]float64{0.25: 0.0005, 0.5: 0.001, 0.7: 0.0055, 0.99: 0.1, 1: 0.1} {
		if got := h.Quantile(q); math.Abs(got-want) > 1e-9 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	later := Histogram{Count: 110, buckets: map[float64]uint64{0.001: 50, 0.01: 100, 0.1: 109, math.Inf(1): 110}}
	if got := later.Since(h).Quantile(0.5); math.Abs(got-0.0055) > 1e-9 {
		t.Errorf("the median of what was new is %v, want 0.0055", got)
	}
	if got := (Histogram{}).Quantile(0.5); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v", got)
	}
}

func TestPercentileIsNearestRank(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.95: 5, 0.2: 1, 0.21: 2} {
		if got := Percentile(values, q); got != want {
			t.Errorf("percentile %v is %v, want %v", q, got, want)
		}
	}
}

func TestStopKillsWhatWillNotEnd(t *testing.T) {
	deaf := Command{
		Name: "deaf", Path: "/bin/sh", Dir: t.TempDir(),
		Args: []string{"-c", `trap "" TERM; echo ready; while :; do read -r line; done </dev/zero`},
	}
	p, err := deaf.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); !strings.Contains(p.Output(), "ready"); {
		if time.Now().After(deadline) {
			t.Fatal("the shell said nothing")
		}
	}
	if err := p.Stop(50 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("stop returned %v", err)
	}
	if err := syscall.Kill(p.PID(), 0); err == nil {
		t.Error("the process is still there")
	}
}

func TestStopOfAWillingProcess(t *testing.T) {
	p, err := Command{Name: "sleep", Path: "/bin/sleep", Args: []string{"60"}, Dir: t.TempDir()}.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(5 * time.Second); err != nil {
		t.Error(err)
	}
}
