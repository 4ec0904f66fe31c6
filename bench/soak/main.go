// Soak runs the gateway for a long time with an encoder and with viewers who
// come and go, and tells whether its memory and its goroutines grow: the gateway
// that takes the encoder, or an edge behind it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/freshet-live/freshet/bench/load"
	"github.com/freshet-live/freshet/e2e/rig"
)

func main() {
	duration := flag.Duration("duration", 30*time.Minute, "how long to soak")
	viewers := flag.Int("viewers", 50, "viewers at a time")
	bitrate := flag.Int("bitrate", 8000, "of the broadcast, in kbit/s")
	stay := flag.Duration("stay", 20*time.Second, "how long a viewer stays, on average")
	edge := flag.Bool("edge", false, "let viewers come and go at an edge behind the gateway, and measure that")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *edge, *duration, *viewers, *bitrate, *stay)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// site is where viewers come and go.
type site struct {
	*load.Scene
	gateway *rig.Gateway
}

func run(ctx context.Context, edge bool, duration time.Duration, viewers, bitrate int, stay time.Duration) (err error) {
	dir, err := os.MkdirTemp("", "freshet-soak-")
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary, err := rig.Build(ctx, dir)
	if err != nil {
		return err
	}
	clip, err := load.Clip{Kbits: bitrate}.Make(ctx, dir)
	if err != nil {
		return err
	}
	scene, err := load.NewScene(ctx, binary, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scene.Close()) }()
	at := site{scene, scene.Gateway}
	if edge {
		if at.gateway, err = startEdge(ctx, binary, dir, scene.Gateway); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, at.gateway.Stop(15*time.Second)) }()
	}
	idle, err := at.gateway.RSS()
	if err != nil {
		return err
	}
	fmt.Printf("idle: %.1f MB resident\n", float64(idle)/1e6)
	if err := scene.Push(ctx, clip, load.SRT, 0); err != nil {
		return err
	}
	soaking, leave := context.WithTimeout(ctx, duration)
	defer leave()
	group, soaking := errgroup.WithContext(soaking)
	var received load.Received
	for range viewers {
		group.Go(func() error { return comeAndGo(soaking, at, stay, &received) })
	}
	group.Go(func() error { return sample(soaking, at, &received) })
	return group.Wait()
}

func startEdge(ctx context.Context, binary, dir string, origin *rig.Gateway) (*rig.Gateway, error) {
	return rig.StartGateway(ctx, rig.GatewayConfig{Binary: binary, Dir: dir, Name: "edge", Parents: []string{origin.HTTPS("/moq")}})
}

// comeAndGo is one seat: a viewer, then the next.
func comeAndGo(ctx context.Context, at site, stay time.Duration, received *load.Received) error {
	for ctx.Err() == nil {
		visit := time.Duration((0.5 + rand.Float64()) * float64(stay))
		if err := viewFor(ctx, at, visit, received); err != nil {
			return err
		}
	}
	return nil
}

func viewFor(ctx context.Context, at site, visit time.Duration, received *load.Received) error {
	ctx, cancel := context.WithTimeout(ctx, visit)
	defer cancel()
	return load.View(ctx, at.gateway.HTTPS("/moq"), load.Broadcast, received)
}

// settle is when the log's window of 30 s is full and the heap has its size.
const settle = time.Minute

// sample prints a line every ten seconds and the slopes at the end. The start,
// while the window fills, counts for no slope.
func sample(ctx context.Context, at site, received *load.Received) error {
	began := time.Now()
	var minutes, rss, goroutines []float64
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-at.gateway.Done():
			return fmt.Errorf("the gateway ended: %w\n%s", at.gateway.Err(), at.gateway.Output())
		case <-ctx.Done():
			fmt.Printf("slopes over %d readings after the first minute: resident %+.3f MB/min, goroutines %+.2f/min\n",
				len(minutes), load.Slope(minutes, rss), load.Slope(minutes, goroutines))
			return nil
		case <-tick.C:
		}
		if err := at.Alive(); err != nil {
			return err
		}
		resident, routines, err := read(ctx, at.gateway)
		if err != nil {
			continue // the context has ended, or the gateway, which Alive tells
		}
		passed := time.Since(began)
		fmt.Printf("%6.1f min: %.1f MB resident, %.0f goroutines, %d objects received\n",
			passed.Minutes(), resident, routines, received.Objects.Load())
		if passed > settle {
			minutes, rss, goroutines = append(minutes, passed.Minutes()), append(rss, resident), append(goroutines, routines)
		}
	}
}

// read gives megabytes of resident memory and the number of goroutines.
func read(ctx context.Context, g *rig.Gateway) (resident, goroutines float64, err error) {
	rss, err := g.RSS()
	if err != nil {
		return 0, 0, err
	}
	metrics, err := g.Metrics(ctx)
	if err != nil {
		return 0, 0, err
	}
	return float64(rss) / 1e6, metrics.Sum("go_goroutines"), nil
}
