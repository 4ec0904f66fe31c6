package sweep

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/freshet-live/freshet/bench/self"
)

// Trial is one load on one server, and what came of it. Its field names are stable.
type Trial struct {
	Server string `json:"server"`
	Load
	Value  int    `json:"value"` // Of the dimension that rises.
	Phase  Phase  `json:"phase"`
	Passed bool   `json:"passed"`
	Why    string `json:"why,omitempty"` // It did not pass.

	Seconds float64 `json:"seconds"`
	Bytes   int64   `json:"bytes"` // Of payloads, that viewers got.
	Objects int     `json:"objects"`
	Missing int     `json:"missing"` // Not there by the deadline.
	Twice   int     `json:"twice"`
	// P50, P99 and Max are from published to received, in ms.
	P50 float64 `json:"latency_ms_p50"`
	P99 float64 `json:"latency_ms_p99"`
	Max float64 `json:"latency_ms_max"`

	// Cores are processors that the server used, with all its children; RSS is its
	// memory at the end, in bytes.
	Cores float64 `json:"server_cores"`
	RSS   int64   `json:"server_rss_bytes"`
	// Idle is the share of the machine's processors that nobody used.
	Idle   float64      `json:"machine_idle"`
	Client self.Verdict `json:"client"`
	// Limit says whose limit a failure is: the server's, or not surely.
	Limit Limit `json:"limit,omitempty"`
}

// PerGB is the server's processor time, in s, for 10^9 bytes delivered.
func (t *Trial) PerGB() float64 { return ratio(t.Cores*t.Seconds, float64(t.Bytes)/1e9) }

// GbitPerCore is what one processor of the server delivered, in Gbit/s.
func (t *Trial) GbitPerCore() float64 {
	return ratio(float64(t.Bytes)*8e-9/t.Seconds, t.Cores)
}

// ViewersPerCore are how many of these viewers one processor of the server served.
func (t *Trial) ViewersPerCore() float64 { return ratio(float64(t.all()), t.Cores) }

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Limit is who could not do more.
type Limit string

// The limits. A knee below any but the server's is a lower bound.
const (
	ByServer  Limit = "server"
	ByClient  Limit = "client"
	ByMachine Limit = "machine" // Server and client fill it together.
)

// fullMachine is the idle share below which a machine counts as full.
const fullMachine = 0.05

// limitOf says whose limit it is that a load did not pass. Only a server that has
// processors to itself can be seen to be full on a machine that is.
func limitOf(client self.Verdict, idle, serverCores float64, pinned int) Limit {
	switch {
	case client.Limited:
		return ByClient
	case pinned > 0 && serverCores >= .9*float64(pinned):
		return ByServer
	case idle < fullMachine:
		return ByMachine
	}
	return ByServer
}

// trial puts a load on a server.
func (s *sweep) trial(ctx context.Context, value int, phase Phase) (t Trial, err error) {
	load, err := s.Load.with(s.Dimension, value)
	if err != nil {
		return t, err
	}
	t = Trial{Load: load, Value: value, Phase: phase}
	if s.Target.HLS {
		err = s.hlsTrial(ctx, &t)
		return t, err
	}
	feed, err := newFeed(ctx, load)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, feed.close()) }()
	server, err := s.Target.start(ctx, s.dir, feed, s.CPUs)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	t.Server = server.name
	watching, leave := context.WithCancel(ctx)
	crowd := newCrowd(watching, load, server)
	defer crowd.tasks.Wait()
	defer leave()
	gather := func(ctx context.Context) error { return s.gather(ctx, crowd, server) }
	if err := s.gathered(ctx, &t, server, gather); err != nil || t.Why != "" {
		return t, err
	}
	if err := s.measure(ctx, &t, crowd, feed, server); err != nil {
		return t, err
	}
	return t, server.alive()
}

// gathered waits for the viewers. That they do not all come is the end of a trial, and
// may be the fault of who opens them.
func (s *sweep) gathered(ctx context.Context, t *Trial, server *server, gather func(context.Context) error) error {
	g, err := s.begin(ctx, server)
	if err != nil {
		return err
	}
	failed := gather(ctx)
	if err := g.end(t); err != nil {
		return errors.Join(failed, err)
	}
	if failed == nil {
		return nil
	}
	if ctx.Err() != nil || server.alive() != nil {
		return errors.Join(failed, server.alive())
	}
	t.Why, t.Limit = failed.Error(), limitOf(t.Client, t.Idle, t.Cores, s.CPUs)
	if self.Own(failed) {
		t.Limit = ByClient
	}
	return nil
}

// gatherWithin is beside the time over which viewers come.
const gatherWithin = 15 * time.Second

// gather waits until all viewers have something, and for what the joining cost to be
// over.
func (s *sweep) gather(ctx context.Context, c *crowd, server *server) error {
	deadline := time.Now().Add(gatherWithin + time.Duration(len(c.viewers))*joinEvery)
	for {
		n, err := c.here()
		switch {
		case err != nil:
			return fmt.Errorf("a viewer left: %w", err)
		case n == len(c.viewers):
			return sleep(ctx, s.Warm)
		case time.Now().After(deadline):
			return fmt.Errorf("%d of %d viewers have something", n, len(c.viewers))
		}
		if err := errors.Join(server.alive(), sleep(ctx, 50*time.Millisecond)); err != nil {
			return err
		}
	}
}

// measure watches for a window, and waits for what is still due.
func (s *sweep) measure(ctx context.Context, t *Trial, c *crowd, f *feed, server *server) error {
	g, err := s.begin(ctx, server)
	if err != nil {
		return err
	}
	bytes := c.bytes.Load()
	c.judge(g.from)
	if err := sleep(ctx, s.Window); err != nil {
		return errors.Join(err, g.end(t))
	}
	to := time.Now()
	c.until(to)
	t.Bytes = c.bytes.Load() - bytes
	if err := g.end(t); err != nil {
		return err
	}
	if err := sleep(ctx, s.Deadline); err != nil { // What was published at the end may come until then.
		return err
	}
	expected := f.count(g.from, to)
	if server.bare {
		expected = 0 // It publishes by itself.
	}
	t.take(c.tally(expected, t.Broadcasts))
	_, left := c.here()
	t.judge(s.Deadline, left)
	if !t.Passed {
		t.Limit = limitOf(t.Client, t.Idle, t.Cores, s.CPUs)
	}
	return nil
}

func (t *Trial) take(seen tally) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
	t.Objects, t.Missing, t.Twice = seen.objects, seen.missing, seen.twice
	t.P50, t.P99, t.Max = ms(seen.p50), ms(seen.p99), ms(seen.longest)
}

// judge applies the pass rule.
func (t *Trial) judge(deadline time.Duration, left error) {
	switch {
	case left != nil:
		t.Why = fmt.Sprintf("a viewer left: %v", left)
	case t.Objects == 0:
		t.Why = "nothing came"
	case t.Missing > 0:
		t.Why = fmt.Sprintf("%d of %d objects missing %v after the last was published", t.Missing, t.Objects+t.Missing, deadline)
	case t.Max > float64(deadline.Microseconds())/1e3:
		t.Why = fmt.Sprintf("an object came %.0f ms after it was published", t.Max)
	}
	t.Passed = t.Why == ""
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// pinSelf leaves this process what the server does not have.
func pinSelf(pid, cpus int) error {
	n := runtime.NumCPU()
	if cpus >= n {
		return fmt.Errorf("%d of %d processors for the server leave none for its viewers", cpus, n)
	}
	runtime.GOMAXPROCS(n - cpus)
	return pinTree(pid, cpus, n)
}
