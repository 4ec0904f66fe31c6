package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/bench/load"
	"github.com/freshet-live/freshet/bench/steady"
	"github.com/freshet-live/freshet/e2e/rig"
)

// crowd is a growing number of viewers at one process.
type crowd struct {
	name     string
	process  *rig.Process
	received *atomic.Int64
	join     func(context.Context) error // Watches until its context ends.
	inner    func(context.Context) (inner, error)
	alive    func() error
	last     func(context.Context) error // Called while all watch.
}

// inner is what a process says of its own memory, in megabytes.
type inner struct{ heap, stacks, goroutines, collections float64 }

// window is when an edge's log is full, and the heap has the size for it.
const window = 40 * time.Second

// measure prints a line for each number of viewers, then the slopes.
func (c *crowd) measure(ctx context.Context, o options) error {
	if err := o.Renice(); err != nil {
		return err
	}
	watching, leave := context.WithCancel(ctx)
	group, watching := errgroup.WithContext(watching)
	err := c.grow(watching, group, o)
	leave()
	return errors.Join(err, group.Wait())
}

func (c *crowd) grow(ctx context.Context, group *errgroup.Group, o options) error {
	fmt.Printf("%s, %d kbit/s, viewers at niceness %d\n%8s %12s %10s %10s %11s %8s\n", c.name, o.Bitrate, o.Nice,
		"viewers", "resident MB", "heap MB", "stacks MB", "goroutines", "Mbit/s")
	var r readings
	already, settle := 0, max(o.settle, window)
	for _, n := range o.steps {
		for ; already < n; already++ {
			group.Go(func() error { return c.join(ctx) })
		}
		if err := steady.Pause(ctx, settle); err != nil {
			return err
		}
		if err := c.awaitCollections(ctx); err != nil {
			return err
		}
		if err := c.read(ctx, n, &r); err != nil {
			return err
		}
		settle = o.settle
	}
	return errors.Join(c.last(ctx), r.conclude(o.limit))
}

// collected is how many collections of the heap each number of viewers sees before it
// is measured. A gateway leaves a heap alone up to a size: before it has been there,
// resident memory tells for how long the process has run and not who watches.
const collected = 2

// collectWithin is how long they are waited for, of a program that collects seldom.
const collectWithin = 90 * time.Second

// awaitCollections waits for as many collections from now on.
func (c *crowd) awaitCollections(ctx context.Context) error {
	begun, err := c.inner(ctx)
	if err != nil || begun.collections == 0 {
		return err // It does not count them.
	}
	for deadline := time.Now().Add(collectWithin); time.Now().Before(deadline); {
		if err := steady.Pause(ctx, time.Second); err != nil {
			return err
		}
		now, err := c.inner(ctx)
		if err != nil || now.collections >= begun.collections+collected {
			return err
		}
	}
	return nil
}

// readings are what was measured at each number of viewers; memory in megabytes.
type readings struct{ viewers, resident, heap, stacks, goroutines []float64 }

// read measures with n viewers and prints it.
func (c *crowd) read(ctx context.Context, n int, r *readings) error {
	before, began := c.received.Load(), time.Now()
	rss, err := averageRSS(ctx, c.process)
	if err != nil {
		return err
	}
	rate := float64(c.received.Load()-before) * 8 / 1e6 / time.Since(began).Seconds()
	in, err := c.inner(ctx)
	if err = errors.Join(err, c.alive()); err != nil {
		return err
	}
	fmt.Printf("%8d %12.1f %10.1f %10.1f %11.0f %8.0f\n", n, rss, in.heap, in.stacks, in.goroutines, rate)
	r.viewers, r.resident = append(r.viewers, float64(n)), append(r.resident, rss)
	r.heap, r.stacks, r.goroutines = append(r.heap, in.heap), append(r.stacks, in.stacks), append(r.goroutines, in.goroutines)
	return nil
}

// conclude prints the slopes; an error when a viewer costs more KB than the limit.
func (r *readings) conclude(limit float64) error {
	kb := func(megabytes []float64) float64 { return 1e3 * load.Slope(r.viewers, megabytes) }
	fmt.Printf("a viewer costs %.0f KB resident: %.0f of heap in use, %.0f of stacks, %.1f goroutines\n",
		kb(r.resident), kb(r.heap), kb(r.stacks), load.Slope(r.viewers, r.goroutines))
	if limit > 0 && kb(r.resident) > limit {
		return fmt.Errorf("a viewer costs %.0f KB, more than %.0f", kb(r.resident), limit)
	}
	return nil
}

// averageRSS is a process's resident memory over five seconds, in megabytes:
// between two collections it rises and falls.
func averageRSS(ctx context.Context, p *rig.Process) (float64, error) {
	const readings = 50
	var sum float64
	for range readings {
		rss, err := residentOf(p.PID())
		if err != nil {
			return 0, err
		}
		sum += rss
		if err := steady.Pause(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
	return sum / readings, nil
}

// residentOf is a process's resident memory in megabytes.
func residentOf(pid int) (float64, error) {
	statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, fmt.Errorf("read resident memory: %w", err)
	}
	// The second field of proc(5) counts pages.
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0, fmt.Errorf("process %d has no resident memory", pid)
	}
	pages, err := strconv.Atoi(fields[1])
	return float64(pages*os.Getpagesize()) / 1e6, err
}
