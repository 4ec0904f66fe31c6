package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/bench/load"
	"github.com/freshet-live/freshet/e2e/rig"
)

// roleViewers is the first argument of the process that the viewers are.
const roleViewers = "viewers"

const (
	// settle is how long viewers receive before it counts.
	settle = 4 * time.Second
	// stagger is between the arrivals of viewers.
	stagger = 10 * time.Millisecond
)

// received is what the viewers' process writes when it is done.
type received struct {
	Bytes, Objects, Resets int64
	Seconds                float64
	// Delays are the p50, p90 and p99 in ms of what the others waited after the
	// first viewer had an object.
	Delays []float64
}

// viewers watches, and writes a line when the measured time begins, and what it
// received when it is over.
func viewers(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet(roleViewers, flag.ExitOnError)
	url := flags.String("url", "", "")
	n := flags.Int("n", 1, "")
	duration := flags.Duration("duration", 0, "")
	bare := flags.Bool("bare", false, "")
	_ = flags.Parse(args) // Exits on errors.

	watching, leave := context.WithCancel(ctx)
	group, watching := errgroup.WithContext(watching)
	var r load.Received
	for i := range *n {
		group.Go(func() error {
			// Not all at once: the queue of handshakes is short.
			if pause(watching, time.Duration(i)*stagger) != nil {
				return nil //nolint:nilerr // It left before it came.
			}
			if *bare {
				return load.ViewBare(watching, *url, &r)
			}
			return load.View(watching, *url, load.Broadcast, &r)
		})
	}
	err := pause(watching, time.Duration(*n)*stagger)
	if err == nil {
		err = count(watching, &r, *duration)
	}
	leave()
	return errors.Join(err, group.Wait())
}

func count(ctx context.Context, r *load.Received, duration time.Duration) error {
	if err := pause(ctx, settle); err != nil {
		return err
	}
	fmt.Println("counting")
	r.Watch()
	bytes, objects, resets, began := r.Bytes.Load(), r.Objects.Load(), r.Resets.Load(), time.Now()
	if err := pause(ctx, duration); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(received{
		Bytes: r.Bytes.Load() - bytes, Objects: r.Objects.Load() - objects, Resets: r.Resets.Load() - resets,
		Seconds: time.Since(began).Seconds(), Delays: r.Delays(0.5, 0.9, 0.99),
	})
}

// child is this program in another role, and what it writes.
type child struct {
	*rig.Process
	lines *bufio.Scanner
}

// startChild starts it with a niceness.
func startChild(ctx context.Context, dir, role string, nice int, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	r, w := io.Pipe()
	args = append([]string{"-n", strconv.Itoa(nice), self, role}, args...)
	p, err := rig.Command{Name: role, Path: "nice", Args: args, Dir: dir, Stdout: w}.Start(ctx)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { w.Close() })
	go func() { // Ends with the process.
		<-p.Done()
		w.Close()
	}()
	return &child{Process: p, lines: bufio.NewScanner(r)}, nil
}

// line is the next one that the child writes.
func (c *child) line() ([]byte, error) {
	if c.lines.Scan() {
		return c.lines.Bytes(), nil
	}
	return nil, fmt.Errorf("the process %d ended: %w\n%s", c.PID(), c.Err(), c.Output())
}

func startViewers(ctx context.Context, dir, url string, o options, bare bool) (*child, error) {
	return startChild(ctx, dir, roleViewers, o.nice, "-url", url, "-n", strconv.Itoa(o.viewers),
		"-duration", o.duration.String(), "-bare="+strconv.FormatBool(bare))
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
