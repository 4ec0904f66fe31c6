// Memory measures what a viewer costs an edge: an encoder, an origin and an edge
// as processes, more and more viewers at the edge, and its resident memory at
// each number of them. The slope is the price of a viewer; what is left at none
// is the log. Beside it the same number of receivers at a program that does
// nothing but write to webtransport-go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/freshet-live/freshet/bench/command"
	"github.com/freshet-live/freshet/bench/steady"
	"github.com/freshet-live/freshet/e2e/rig"
)

// options are the command line's.
type options struct {
	steady.Options
	steps    []int
	settle   time.Duration
	limit    float64
	profiles string
}

func main() { command.Main(run) }

func run(ctx context.Context, args []string) error {
	if is, err := steady.ServeRole(ctx, args); is {
		return err
	}
	if len(args) == 2 && args[0] == roleBare {
		return serveFanout(ctx, args[1])
	}
	var o options
	flags := flag.NewFlagSet("memory", flag.ExitOnError)
	flags.Func("viewers", "the numbers of viewers, rising (default 10,50,100,200)", func(s string) error {
		o.steps = nil
		for field := range strings.SplitSeq(s, ",") {
			n, err := strconv.Atoi(field)
			if err != nil {
				return err
			}
			o.steps = append(o.steps, n)
		}
		return nil
	})
	o.steps = []int{10, 50, 100, 200}
	o.Register(flags, 6000)
	flags.DurationVar(&o.settle, "settle", 8*time.Second, "how long each number stays before it is measured")
	flags.Float64Var(&o.limit, "limit", 0, "fail if a viewer costs more KB; 0 never fails")
	flags.StringVar(&o.profiles, "profiles", "", "write the edge's heap and goroutine profiles to this folder")
	bare := flags.Bool("bare", false, "measure a fan-out that only writes to webtransport-go instead")
	_ = flags.Parse(args) // Exits on errors.
	if *bare {
		return measureBare(ctx, o)
	}
	return measureEdge(ctx, o)
}

func measureEdge(ctx context.Context, o options) (err error) {
	scene, err := steady.NewScene(ctx, o.Bitrate, rig.GatewayConfig{Binary: o.Binary, Profiles: o.profiles != ""})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scene.Close()) }()
	name := "edge, WebTransport"
	if o.Raw {
		name = "edge, raw QUIC"
	}
	var viewers steady.Viewers
	c := crowd{
		name: name, process: scene.Edge.Process, received: &viewers.Bytes,
		join:  func(ctx context.Context) error { return viewers.Watch(ctx, o.URL(scene)) },
		inner: func(ctx context.Context) (inner, error) { return insideOf(ctx, scene.Edge) },
		alive: scene.Alive,
		last:  func(ctx context.Context) error { return saveProfiles(ctx, scene.Edge, o.profiles) },
	}
	return c.measure(ctx, o)
}

// insideOf reads what the Go runtime of a gateway says.
func insideOf(ctx context.Context, g *rig.Gateway) (inner, error) {
	m, err := g.Metrics(ctx)
	if err != nil {
		return inner{}, err
	}
	return inner{
		heap:        m.Sum("go_memstats_heap_inuse_bytes") / 1e6,
		stacks:      m.Sum("go_memstats_stack_inuse_bytes") / 1e6,
		goroutines:  m.Sum("go_goroutines"),
		collections: m.Sum("go_gc_duration_seconds_count"),
	}, nil
}

// saveProfiles writes what go tool pprof reads; not without a folder.
func saveProfiles(ctx context.Context, g *rig.Gateway, dir string) error {
	if dir == "" {
		return nil
	}
	for file, path := range map[string]string{
		"heap.pprof": "heap?gc=1", "allocs.pprof": "allocs", "goroutines.txt": "goroutine?debug=1", "heap.txt": "heap?debug=1",
	} {
		text, err := rig.Get(ctx, g.Operator("/debug/pprof/"+path))
		if err != nil {
			return err
		}
		if err := os.WriteFile(dir+"/"+file, []byte(text), 0o600); err != nil {
			return fmt.Errorf("save the profile: %w", err)
		}
	}
	return nil
}
