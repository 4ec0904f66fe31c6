// Fanout measures what the gateway promises of its speed: from a frame that is
// complete in the demuxer to its bytes handed to QUIC, with many viewers over
// WebTransport on one broadcast, on this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/bench/load"
	"github.com/freshet-live/freshet/e2e/rig"
)

func main() {
	viewers := flag.Int("viewers", 50, "viewers over WebTransport")
	bitrate := flag.Int("bitrate", 8000, "of the broadcast, in kbit/s")
	duration := flag.Duration("duration", 20*time.Second, "how long to measure")
	limit := flag.Duration("limit", 0, "fail if the p99 of delivery is longer; 0 never fails")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *viewers, *bitrate, *duration, *limit)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, viewers, bitrate int, duration, limit time.Duration) (err error) {
	scene, err := load.NewScene(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scene.Close()) }()
	if err := scene.Push(ctx, bitrate); err != nil {
		return err
	}
	watching, leave := context.WithCancel(ctx)
	group, watching := errgroup.WithContext(watching)
	var received load.Received
	for range viewers {
		group.Go(func() error { return load.View(watching, scene.Gateway, load.Broadcast, &received) })
	}
	err = measure(watching, scene, viewers, duration, limit, &received)
	leave()
	return errors.Join(err, group.Wait())
}

// measure lets the viewers settle, then compares two readings.
func measure(ctx context.Context, scene *load.Scene, viewers int, duration, limit time.Duration, received *load.Received) error {
	if err := pause(ctx, 5*time.Second); err != nil {
		return err
	}
	before, err := scene.Gateway.Metrics(ctx)
	if err != nil {
		return err
	}
	bytes, began := received.Bytes.Load(), time.Now()
	if err := pause(ctx, duration); err != nil {
		return err
	}
	after, err := scene.Gateway.Metrics(ctx)
	if err != nil {
		return err
	}
	rate := float64(received.Bytes.Load()-bytes) * 8 / 1e6 / time.Since(began).Seconds()
	if err := scene.Alive(); err != nil {
		return err
	}
	return report(scene, viewers, rate, before, after, limit, received)
}

func report(scene *load.Scene, viewers int, rate float64, before, after rig.Metrics, limit time.Duration, received *load.Received) error {
	const name = "freshet_moqt_delivery_seconds"
	delivery := after.Histogram(name).Since(before.Histogram(name))
	p99 := time.Duration(delivery.Quantile(0.99) * float64(time.Second))
	rss, err := scene.Gateway.RSS()
	if err != nil {
		return err
	}
	cpu := after.Sum("process_cpu_seconds_total") - before.Sum("process_cpu_seconds_total")
	fmt.Printf("viewers           %d, receiving %.1f Mbit/s together (%.2f each)\n", viewers, rate, rate/float64(viewers))
	fmt.Printf("frame to QUIC     p50 %.2f ms, p90 %.2f ms, p99 %.2f ms of %d deliveries\n",
		1e3*delivery.Quantile(0.5), 1e3*delivery.Quantile(0.9), 1e3*delivery.Quantile(0.99), delivery.Count)
	fmt.Printf("groups            %.0f skipped or cut, %d resets seen\n", after.Sum("freshet_moqt_skipped_groups_total"), received.Resets.Load())
	fmt.Printf("gateway           %.1f MB resident, %.1f s of CPU\n", float64(rss)/1e6, cpu)
	if delivery.Count == 0 {
		return errors.New("nothing was delivered")
	}
	if limit > 0 && p99 > limit {
		return fmt.Errorf("the p99 of delivery is %v, more than %v", p99, limit)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
