package sweep

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/freshet-live/freshet/bench/load"
)

// Config is a sweep. All but CPUs and Seen are required.
type Config struct {
	Target    Target
	Dimension Dimension
	// Load is what the dimension's values are put into.
	Load   Load
	Search Search
	// Deadline is when an object has to be there, after it was published.
	Deadline time.Duration
	// Warm is how long all viewers receive before it counts, Window how long it does.
	Warm, Window time.Duration
	// CPUs are the processors that the server has to itself, the first ones; its
	// viewers get the rest. 0 has both share all.
	CPUs int
	// Dir is where logs go.
	Dir string
	// Seen, if set, is told each trial when it is over.
	Seen func(Trial)
}

// Knee is what a sweep found: medians of the trials at the largest value that passed.
// Its field names are stable.
type Knee struct {
	Server string `json:"server"`
	Value  int    `json:"value"`  // 0: nothing passed.
	Failed int    `json:"failed"` // The least that did not pass; 0 if all did.
	Trials int    `json:"trials"` // At the knee.
	// Limit is whose limit the failure is; LowerBound that the server may bear more.
	Limit      Limit  `json:"limit,omitempty"`
	LowerBound bool   `json:"lower_bound"`
	Why        string `json:"why,omitempty"`

	ViewersPerCore float64 `json:"viewers_per_core"`
	GbitPerCore    float64 `json:"gbit_per_s_per_core"`
	PerGB          float64 `json:"cpu_s_per_gb"`
	Cores          float64 `json:"server_cores"`
	P50            float64 `json:"latency_ms_p50"`
	P99            float64 `json:"latency_ms_p99"`
	// PerViewer is the rise of the server's memory with its viewers, in bytes; null
	// where their number did not rise.
	PerViewer *float64 `json:"rss_bytes_per_viewer"`
}

type sweep struct {
	Config
	dir    string
	trials []Trial
}

// Run sweeps. Each trial has a server of its own, but one that runs already.
func Run(ctx context.Context, cfg Config) (knee Knee, err error) {
	s := &sweep{Config: cfg, dir: cfg.Dir}
	if err := cfg.Target.Check(); err != nil {
		return knee, err
	}
	if cfg.CPUs > 0 {
		if err := pinSelf(os.Getpid(), cfg.CPUs); err != nil {
			return knee, err
		}
	}
	for value, phase, more := s.Search.Next(); more; value, phase, more = s.Search.Next() {
		t, err := s.trial(ctx, value, phase)
		if err != nil {
			return s.knee(), err
		}
		s.Search.Report(t.Passed)
		s.trials = append(s.trials, t)
		if s.Seen != nil {
			s.Seen(t)
		}
	}
	if len(s.trials) == 0 {
		return knee, errors.New("there is nothing to try: the largest value is below 1")
	}
	return s.knee(), nil
}

// knee sums up.
func (s *sweep) knee() Knee {
	k := Knee{Value: s.Search.Knee(), Failed: s.Search.Failed(), LowerBound: s.Search.Failed() == 0}
	var at []Trial
	for _, t := range s.trials {
		k.Server = t.Server
		switch {
		case t.Value == k.Value && t.Passed:
			at = append(at, t)
		case t.Value == k.Failed && !t.Passed:
			k.Limit, k.Why = t.Limit, t.Why
			k.LowerBound = t.Limit != ByServer
		}
	}
	k.Trials = len(at)
	if len(at) == 0 {
		return k
	}
	k.ViewersPerCore = median(at, (*Trial).ViewersPerCore)
	k.GbitPerCore = median(at, (*Trial).GbitPerCore)
	k.PerGB = median(at, (*Trial).PerGB)
	k.Cores = median(at, func(t *Trial) float64 { return t.Cores })
	k.P50 = median(at, func(t *Trial) float64 { return t.P50 })
	k.P99 = median(at, func(t *Trial) float64 { return t.P99 })
	k.PerViewer = s.perViewer()
	return k
}

// leastRise is how many viewers more there have to be for their memory to be seen beside
// the garbage of a collector, some megabytes.
const leastRise = 50

// perViewer is the slope of memory over viewers, of trials that passed: servers were
// then of one age, and so had as much in their logs.
func (s *sweep) perViewer() *float64 {
	if s.Dimension != Viewers || s.Target.Kind == Running {
		return nil
	}
	var xs, ys []float64
	for _, t := range s.trials {
		if t.Passed {
			xs, ys = append(xs, float64(t.all())), append(ys, float64(t.RSS))
		}
	}
	if len(xs) < 2 || slices.Max(xs)-slices.Min(xs) < leastRise {
		return nil
	}
	slope := load.Slope(xs, ys)
	return &slope
}

func median(trials []Trial, of func(*Trial) float64) float64 {
	values := make([]float64, 0, len(trials))
	for i := range trials {
		values = append(values, of(&trials[i]))
	}
	slices.Sort(values)
	return values[(len(values)-1)/2]
}
