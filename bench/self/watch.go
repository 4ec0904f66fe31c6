package self

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/freshet-live/freshet/bench/report"
)

// What makes a client limited. A generator of load wants spare time on every core, as
// its viewers wake together; its timers tell how late it sees what has come.
const (
	// fullShare of the cores in a second is a second too many.
	fullShare = 0.85
	// fullSeconds is the share of such seconds that is let pass.
	fullSeconds = 0.05
	// lateTimers is the p99 of the timers' lateness from which delays are not to be
	// believed.
	lateTimers = 10 * time.Millisecond

	timerEvery = 10 * time.Millisecond
	cpuEvery   = time.Second
)

// Verdict says whether the client was the bottleneck. Its field names are stable.
type Verdict struct {
	// Limited means that the figures may be the client's rather than the server's.
	Limited bool     `json:"client_limited"`
	Reasons []string `json:"client_limits,omitempty"`
	// Cores are those the process may use; CPU is the mean that it used of them, CPUMax
	// that of the worst second.
	Cores  int     `json:"client_cores"`
	CPU    float64 `json:"client_cpu_cores"`
	CPUMax float64 `json:"client_cpu_cores_max"`
	// LagP99 and LagMax are how late timers of 10 ms were, in ms.
	LagP99 float64 `json:"client_timer_lag_ms_p99"`
	LagMax float64 `json:"client_timer_lag_ms_max"`
	// Drops are datagrams that the kernel threw away before they were read; null where
	// that is not known.
	Drops *uint64 `json:"client_receive_drops"`
	// Unopened are connections for which this process had no file, port or memory.
	Unopened int `json:"client_unopened_connections"`
}

// Watch measures this process while it runs.
type Watch struct {
	drops *Drops // Set by New, then read-only.

	mu      sync.Mutex
	began   time.Time        // Guarded by mu. Of Run; zero before.
	used    time.Duration    // Guarded by mu. CPU before Run.
	lag     report.Histogram // Guarded by mu.
	seconds int              // Guarded by mu. Samples of the CPU.
	full    int              // Guarded by mu. Those over fullShare.
	most    float64          // Guarded by mu. Cores in the worst sample.
	failed  int              // Guarded by mu. Connections that this process had no room for.
}

// New counts the drops of the sockets that drops watches with label 0; nil is none.
func New(drops *Drops) *Watch {
	if drops == nil {
		drops = NewDrops()
	}
	return &Watch{drops: drops}
}

// Run measures until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	w.mu.Lock()
	w.began, w.used = time.Now(), CPU()
	before, last := w.used, w.began
	w.mu.Unlock()
	due := last
	timer := time.NewTimer(timerEvery)
	defer timer.Stop()
	for {
		due = due.Add(timerEvery)
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			w.drops.Read()
			return nil
		case <-timer.C:
		}
		now := time.Now()
		w.late(now.Sub(due))
		if now.Sub(due) > timerEvery {
			due = now // One that was late does not make the next ones late.
		}
		if took := now.Sub(last); took >= cpuEvery {
			used := CPU()
			w.second(float64(used-before) / float64(took))
			before, last = used, now
			w.drops.Read()
		}
	}
}

func (w *Watch) late(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lag.AddDuration(d)
}

// second takes the cores that were used in one.
func (w *Watch) second(cores float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seconds++
	w.most = max(w.most, cores)
	if cores > fullShare*float64(runtime.GOMAXPROCS(0)) {
		w.full++
	}
}

// Verdict is that of the time since Run began.
func (w *Watch) Verdict() Verdict {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := Verdict{Cores: runtime.GOMAXPROCS(0), CPUMax: w.most, LagP99: w.lag.Quantile(.99) * 1e3, LagMax: w.lag.Max() * 1e3, Unopened: w.failed}
	if took := time.Since(w.began); !w.began.IsZero() && took > 0 {
		v.CPU = float64(CPU()-w.used) / float64(took)
	}
	if n, known := w.drops.Total(0); known {
		v.Drops = &n
	}
	v.judge(w.full, w.seconds)
	return v
}

func (v *Verdict) judge(full, seconds int) {
	if seconds > 0 && float64(full) > fullSeconds*float64(seconds) {
		v.Reasons = append(v.Reasons, fmt.Sprintf("cpu: over %.0f %% of %d cores in %d of %d s", fullShare*100, v.Cores, full, seconds))
	}
	if v.LagP99 > ms(lateTimers) {
		v.Reasons = append(v.Reasons, fmt.Sprintf("timers: p99 %.1f ms late", v.LagP99))
	}
	if v.Drops != nil && *v.Drops > 0 {
		v.Reasons = append(v.Reasons, fmt.Sprintf("drops: %d datagrams lost in own sockets", *v.Drops))
	}
	if v.Unopened > 0 {
		v.Reasons = append(v.Reasons, fmt.Sprintf("connections: no file, port or memory here for %d", v.Unopened))
	}
	v.Limited = len(v.Reasons) > 0
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
