package ingest_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/freshet-live/freshet/ingest"
)

// recorder is a HeldSink that writes down what happens to it.
type recorder struct {
	mu     sync.Mutex
	events []string
}

func (r *recorder) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, fmt.Sprintf(format, args...))
}

func (r *recorder) Begin(req ingest.Request)        { r.add("begin %v", req.Delay) }
func (r *recorder) SetProgram(ingest.Program) error { r.add("program"); return nil }
func (r *recorder) Push(au ingest.AccessUnit) error { r.add("push %d", au.PTS); return nil }
func (r *recorder) End()                            { r.add("end") }
func (r *recorder) Close(reason error)              { r.add("close: %v", reason) }
func (r *recorder) expect(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(want, r.events); diff != "" {
		t.Errorf("sink (-want +got)\n%s", diff)
	}
}

// fixture is Sessions with one recorder for each broadcast that was made.
type fixture struct {
	*ingest.Sessions
	reg   *prometheus.Registry
	sinks []*recorder
}

func newFixture(change func(*ingest.Config)) *fixture {
	f := &fixture{reg: prometheus.NewRegistry()}
	cfg := ingest.Config{
		Hold:       30 * time.Second,
		Registerer: f.reg,
		NewSink: func(string) (ingest.HeldSink, error) {
			f.sinks = append(f.sinks, &recorder{})
			return f.sinks[len(f.sinks)-1], nil
		},
	}
	if change != nil {
		change(&cfg)
	}
	f.Sessions = ingest.NewSessions(cfg)
	return f
}

func (f *fixture) open(t *testing.T, name string) *ingest.Session {
	t.Helper()
	s, err := f.Open(t.Context(), ingest.Request{Name: name, Protocol: "test", Remote: "peer"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(time.Second); err != nil {
		t.Fatal(err)
	}
	return s
}

func push(t *testing.T, s *ingest.Session, pts int64) {
	t.Helper()
	if err := s.Push(ingest.AccessUnit{PTS: pts}); err != nil {
		t.Fatal(err)
	}
}

// sum adds one metric of f over its labels.
func sum(t *testing.T, f *fixture, name string) float64 {
	t.Helper()
	total := 0.0
	for _, v := range values(t, f, name) {
		total += v
	}
	return total
}

// values reads one metric of f by the value of its only label.
func values(t *testing.T, f *fixture, name string) map[string]float64 {
	t.Helper()
	families, err := f.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]float64)
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			label := ""
			for _, l := range m.GetLabel() {
				label = l.GetValue()
			}
			out[label] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return out
}
