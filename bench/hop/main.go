// Hop measures what a relay tier adds: an origin and an edge as processes, one
// viewer at the origin and many at the edge, all on this machine. It prints the
// edge's own histograms, from what came in to what went out, and how old objects
// were when viewers had all of them, here and there.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/bench/command"
	"github.com/freshet-live/freshet/bench/steady"
	"github.com/freshet-live/freshet/e2e/rig"
)

// settle is how long viewers watch before it counts.
const settle = 5 * time.Second

// options are the command line's.
type options struct {
	steady.Options
	viewers  int
	duration time.Duration
	limit    bool
}

// The bar of -limit.
const (
	mostP50 = time.Millisecond
	mostP99 = 5 * time.Millisecond
)

func main() { command.Main(run) }

func run(ctx context.Context, args []string) error {
	if is, err := steady.ServeRole(ctx, args); is {
		return err
	}
	var o options
	flags := flag.NewFlagSet("hop", flag.ExitOnError)
	o.Register(flags, 500)
	flags.IntVar(&o.viewers, "viewers", 100, "viewers at the edge, over WebTransport")
	flags.DurationVar(&o.duration, "duration", 20*time.Second, "how long to measure")
	flags.BoolVar(&o.limit, "limit", false, "fail if complete to complete is over p50 1 ms or p99 5 ms")
	_ = flags.Parse(args) // Exits on errors.
	return measure(ctx, o)
}

// ages are how old objects were.
type ages struct {
	mu     sync.Mutex
	values []float64 // Guarded by mu. Milliseconds.
}

func (a *ages) add(age time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.values = append(a.values, float64(age.Microseconds())/1e3)
}

func (a *ages) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.values = nil
}

func (a *ages) quantile(q float64) float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return rig.Percentile(a.values, q)
}

func (a *ages) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.values)
}

func measure(ctx context.Context, o options) (err error) {
	scene, err := steady.NewScene(ctx, o.Bitrate, rig.GatewayConfig{Binary: o.Binary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scene.Close()) }()
	if err := o.Renice(); err != nil {
		return err
	}
	url := o.URL(scene)
	watching, leave := context.WithCancel(ctx)
	group, watching := errgroup.WithContext(watching)
	var near, far ages
	atOrigin, atEdge := steady.Viewers{Seen: near.add}, steady.Viewers{Seen: far.add}
	group.Go(func() error { return atOrigin.Watch(watching, "moqt://"+scene.Origin) })
	for range o.viewers {
		group.Go(func() error { return atEdge.Watch(watching, url) })
	}
	err = compare(watching, scene, o, &near, &far)
	leave()
	return errors.Join(err, group.Wait())
}

// compare lets the viewers settle, then takes two readings.
func compare(ctx context.Context, scene *steady.Scene, o options, near, far *ages) error {
	if err := steady.Pause(ctx, settle); err != nil {
		return err
	}
	before, err := scene.Edge.Metrics(ctx)
	if err != nil {
		return err
	}
	near.reset()
	far.reset()
	if err := steady.Pause(ctx, o.duration); err != nil {
		return err
	}
	after, err := scene.Edge.Metrics(ctx)
	if err != nil {
		return err
	}
	if err := scene.Alive(); err != nil {
		return err
	}
	return report(o, before, after, near, far)
}

func report(o options, before, after rig.Metrics, near, far *ages) error {
	since := func(name string) rig.Histogram { return after.Histogram(name).Since(before.Histogram(name)) }
	first, whole := since("freshet_moqt_forward_seconds"), since("freshet_moqt_delivery_seconds")
	cpu := after.Sum("process_cpu_seconds_total") - before.Sum("process_cpu_seconds_total")
	who := "viewers at an edge"
	if o.Raw {
		who = "children over raw QUIC at a relay"
	}
	fmt.Printf("%d %s, at niceness %d; %d kbit/s, objects of %d bytes 30 times a second\n",
		o.viewers, who, o.Nice, o.Bitrate, steady.Chunk(o.Bitrate))
	printAges("edge: first bytes in to first bytes out", 1e3*first.Quantile(0.5), 1e3*first.Quantile(0.99), int(first.Count))
	printAges("edge: last byte in to last byte out", 1e3*whole.Quantile(0.5), 1e3*whole.Quantile(0.99), int(whole.Count))
	printAges("viewer at the origin: age of objects", near.quantile(0.5), near.quantile(0.99), near.count())
	printAges("viewers at the edge: age of objects", far.quantile(0.5), far.quantile(0.99), far.count())
	fmt.Printf("%-42s p50 %5.2f ms\n", "difference of the viewers'", far.quantile(0.5)-near.quantile(0.5))
	fmt.Printf("%-42s %.0f %% of a core\n", "edge", 100*cpu/o.duration.Seconds())
	if whole.Count == 0 || far.count() == 0 {
		return errors.New("nothing was delivered")
	}
	p50, p99 := whole.Quantile(0.5), whole.Quantile(0.99)
	if o.limit && (p50 > mostP50.Seconds() || p99 > mostP99.Seconds()) {
		return fmt.Errorf("last byte to last byte is p50 %.2f ms, p99 %.2f ms: more than %v, %v", 1e3*p50, 1e3*p99, mostP50, mostP99)
	}
	return nil
}

func printAges(what string, p50, p99 float64, n int) {
	fmt.Printf("%-42s p50 %5.2f ms, p99 %5.2f ms of %d\n", what, p50, p99, n)
}
